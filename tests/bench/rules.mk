# Benchmarks. Each prints its figures and fails when a limit of the project is missed.
BENCH_ROUNDS ?= 5

.PHONY: bench bench-boot bench-kernel bench-rpc
bench: bench-boot bench-rpc bench-chains

# Both kinds of VM, one after the other; the second also when the first missed its limit.
bench-boot:
	+@$(MAKE) --no-print-directory -k -j1 bench-kernel bench-image

bench-kernel: build
	@tools/with-server --build $(BUILD) --log $(BUILD)/bench-boot.log \
		python3 tests/bench/boot.py --build $(BUILD) --rounds $(BENCH_ROUNDS)

# wrk makes the load; Robot's own client runs in its virtual environment.
bench-rpc: build
	@tools/setup --tests $(BUILD)
	@$(BUILD)/venv/bin/python tests/bench/rpc.py --build $(BUILD) --rounds $(BENCH_ROUNDS)
