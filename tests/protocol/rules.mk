# The protocol's test server: the product's main() and rooms below the machinery, with keywords of
# its own and a hostel without VMs.
ECHO_SOURCES := server/main.c $(wildcard server/base/*.c server/config/*.c server/value/*.c \
	server/remote/*.c) $(addprefix keywords/,arguments.c call.c convert.c expected.c literal.c \
	nearest.c registry.c robot_time.c) tests/protocol/echo.c tests/protocol/hostel.c
ECHO_OBJECTS := $(ECHO_SOURCES:%.c=$(BUILD)/%.o)

$(BUILD)/tests/echo_server: $(ECHO_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(PROJECT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Black-box checks of the protocol.
.PHONY: check-protocol
check-protocol: $(BUILD)/tests/echo_server build
	@ROBOT_PYTHON=$(BUILD)/venv/bin/python python3 tests/protocol/run.py --server $< \
		--vhosteld $(BUILD)/vhosteld

# An hour's worth of mixed calls; check-protocol makes a fifth of them.
SOAK_CALLS ?= 100000
.PHONY: soak
soak: $(BUILD)/tests/echo_server
	@SOAK_CALLS=$(SOAK_CALLS) python3 tests/protocol/run.py --server $< test_soak

# The same checks against the peer, in two columns.
.PHONY: compare-peers
compare-peers: $(BUILD)/tests/echo_server
	@python3 tests/protocol/compare_peers.py --server $< --python $(BUILD)/venv/bin/python

CHECK_PARTS += check-protocol
DEEP_PARTS += soak
