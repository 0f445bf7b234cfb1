# NF chains, by Robot's own client. Plans, bad input and what a driver says to its program are part of
# make check; offered rates without loss on real vswitches are beside it: they want both cores for
# themselves.
CHAIN_SUITES := $(sort $(wildcard robot/suites/nf_chains/*.robot))
PLAN_SUITES := $(addprefix robot/suites/nf_chains/,bad_input.robot plan.robot vpp_stand_in.robot)

.PHONY: check-plans check-chains bench-chains
check-plans: setup kits build
	@tests/robot/run --build $(BUILD) --output $(BUILD)/plans $(PLAN_SUITES)

check-chains: setup kits build
	@tools/setup --tests $(BUILD)
	@tests/robot/run --build $(BUILD) --output $(BUILD)/chains $(CHAIN_SUITES)

# Many VMs at a time: how long they take to start and to end. Limits are judged, on an idle machine.
bench-chains: setup kits build
	@JUDGE_TIMES=1 tests/robot/run --build $(BUILD) --output $(BUILD)/bench-chains \
		robot/suites/nf_chains/density.robot

CHECK_PARTS += check-plans
DEEP_PARTS += check-chains
