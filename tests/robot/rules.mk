# Suites against real VMs, by Robot's own client: keywords on one server, then servers that fail.
VM_SUITES := $(sort $(wildcard robot/suites/kernel_vm/*.robot))
FAULT_SUITES := $(sort $(wildcard tests/fault/*.robot))

.PHONY: check-vm
check-vm: setup kits build
	@tests/robot/run --build $(BUILD) --output $(BUILD)/robot $(VM_SUITES) $(FAULT_SUITES)

CHECK_PARTS += check-vm
