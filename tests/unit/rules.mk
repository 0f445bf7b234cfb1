# Unit tests, plainly and under sanitizers. One program a file; all objects but main.c are linked.
.PHONY: check-unit check-asan check-tsan
# What a guest of ours has, for the programs that stand in for guests.
$(BUILD)/tests/test_agent_run $(BUILD)/tests/test_agent_file: $(BUILD)/tests/payload-run
$(BUILD)/tests/payload-run: tools/kernel-vm/payload-run.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) -std=gnu11 $(WARNINGS) -O2 -static -o $@ $<

check-unit: $(TESTS)
	@tests/unit/run $(TESTS)

# A build of its own below $(BUILD), the unit tests, the protocol's checks and a suite with a real
# VM. A finding ends the program that has it, and shows in the server's log as well.
ASAN := BUILD=$(BUILD)/asan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
	SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=all -U_FORTIFY_SOURCE'
TSAN := BUILD=$(BUILD)/tsan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
	SANITIZE='-fsanitize=thread -U_FORTIFY_SOURCE'
export ASAN_OPTIONS ?= detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS ?= print_stacktrace=1
export TSAN_OPTIONS ?= suppressions=$(CURDIR)/tests/unit/tsan.supp:history_size=4
SANITIZED_SUITES ?= robot/suites/demo.robot

check-asan:
	+@$(MAKE) --no-print-directory $(ASAN) build unit-programs $(BUILD)/asan/tests/echo_server
	@tests/unit/sanitized $(BUILD) $(BUILD)/asan "$(TESTS:$(BUILD)/%=$(BUILD)/asan/%)" \
		$(SANITIZED_SUITES)

check-tsan:
	+@$(MAKE) --no-print-directory $(TSAN) build unit-programs $(BUILD)/tsan/tests/echo_server
	@tests/unit/sanitized $(BUILD) $(BUILD)/tsan "$(TESTS:$(BUILD)/%=$(BUILD)/tsan/%)" \
		$(SANITIZED_SUITES)

.PHONY: unit-programs
unit-programs: $(TESTS)
# Kept, so that only what changed is compiled again.
.SECONDARY: $(TEST_SOURCES:%.c=$(BUILD)/%.o)

CHECK_PARTS += check-unit
DEEP_PARTS += check-asan check-tsan
