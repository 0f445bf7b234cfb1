# The ad-hoc client as a black box: against the protocol's test server and a real one with a VM.
.PHONY: check-vhostelctl
check-vhostelctl: $(BUILD)/vhostelctl $(BUILD)/vhosteld $(BUILD)/tests/echo_server
	@python3 tests/vhostelctl/run.py --build $(BUILD)

CHECK_PARTS += check-vhostelctl
