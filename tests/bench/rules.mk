# Benchmarks. Each prints its figures and fails when a limit of the project is missed.
BENCH_ROUNDS ?= 5

.PHONY: bench bench-boot
bench: bench-boot

bench-boot: build
	@tools/with-server --build $(BUILD) --log $(BUILD)/bench-boot.log \
		python3 tests/bench/boot.py --build $(BUILD) --rounds $(BENCH_ROUNDS)
