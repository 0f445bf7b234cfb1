# NF chains on real vswitches, by Robot's own client. Beside make check: offered rates without loss
# want both cores for themselves.
CHAIN_SUITES := $(sort $(wildcard robot/suites/nf_chains/*.robot))

.PHONY: check-chains
check-chains: setup kits build
	@tools/setup --tests $(BUILD)
	@tests/robot/run --build $(BUILD) --output $(BUILD)/chains $(CHAIN_SUITES)

DEEP_PARTS += check-chains
