# Fuzz targets, with sanitizers. `make fuzz` mutates for FUZZ_SECONDS each; `make check-fuzz` replays.
FUZZ_SECONDS ?= 600
FUZZ_BUILD := $(BUILD)/fuzz
FUZZ_TARGETS := body arguments

.PHONY: fuzz check-fuzz fuzz-programs
fuzz-programs:
	+@$(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined' \
		$(FUZZ_TARGETS:%=$(FUZZ_BUILD)/tests/fuzz_%)

check-fuzz: fuzz-programs
	@for t in $(FUZZ_TARGETS); do \
		$(FUZZ_BUILD)/tests/fuzz_$$t tests/fuzz/corpus/$$t/* || exit 1; done

fuzz: fuzz-programs
	@for t in $(FUZZ_TARGETS); do \
		$(FUZZ_BUILD)/tests/fuzz_$$t -t $(FUZZ_SECONDS) -s $$$$ tests/fuzz/corpus/$$t/* || \
		exit 1; done

# The list of objects is in tests/protocol/rules.mk, which may be read later.
.SECONDEXPANSION:
# The rooms below the machinery, with the keywords of the protocol's test server.
$(BUILD)/tests/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/driver.o \
		$$(filter-out $(BUILD)/server/main.o,$$(ECHO_OBJECTS))
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(PROJECT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)
