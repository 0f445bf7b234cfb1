# Fuzz targets. `make check-fuzz` replays the corpus, under gcc's sanitizers; `make fuzz` lets
# libFuzzer look for more for FUZZ_SECONDS each; `make fuzz-corpus` keeps what that found, minimised.
FUZZ_SECONDS ?= 600
FUZZ_TARGETS := body arguments
FUZZ_CLANG := 14
FUZZ_PACKAGES := clang-$(FUZZ_CLANG) libclang-rt-$(FUZZ_CLANG)-dev

FUZZ_REPLAY := BUILD=$(BUILD)/fuzz CFLAGS='-O1 -g' \
	SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -U_FORTIFY_SOURCE'
FUZZ_SEARCH := BUILD=$(BUILD)/libfuzzer CC=clang-$(FUZZ_CLANG) \
	CFLAGS='-O1 -g -ftrivial-auto-var-init=uninitialized -Wno-format-nonliteral' \
	FUZZ_DRIVER= FUZZ_LDFLAGS=-fsanitize=fuzzer \
	SANITIZE='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined \
	-U_FORTIFY_SOURCE'
FUZZ_DRIVER = $(BUILD)/tests/fuzz/driver.o

.PHONY: fuzz fuzz-corpus fuzz-clang fuzz-programs check-fuzz
fuzz-programs: $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz_%)

check-fuzz:
	+@$(MAKE) --no-print-directory $(FUZZ_REPLAY) fuzz-programs
	@tests/fuzz/replay $(FUZZ_TARGETS:%=$(BUILD)/fuzz/tests/fuzz_%)

fuzz: fuzz-clang
	+@$(MAKE) --no-print-directory $(FUZZ_SEARCH) fuzz-programs
	@for target in $(FUZZ_TARGETS); do \
		tests/fuzz/search $(BUILD)/libfuzzer $$target $(FUZZ_SECONDS) || exit 1; done

fuzz-corpus: fuzz-clang
	+@$(MAKE) --no-print-directory $(FUZZ_SEARCH) fuzz-programs
	@for target in $(FUZZ_TARGETS); do \
		tests/fuzz/search $(BUILD)/libfuzzer $$target || exit 1; done

# Large, and of no use for anything else: installed when it is first wanted.
fuzz-clang:
	@command -v clang-$(FUZZ_CLANG) >/dev/null && \
		dpkg-query -W $(FUZZ_PACKAGES) >/dev/null 2>&1 || \
	if [ "$$(id -u)" -ne 0 ]; then \
		echo "fuzz: libFuzzer is missing; as root: apt-get install $(FUZZ_PACKAGES)" >&2; \
		exit 1; \
	else \
		echo "fuzz: installing $(FUZZ_PACKAGES)"; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
			--no-install-recommends $(FUZZ_PACKAGES) >/dev/null; \
	fi

# The list of objects is in tests/protocol/rules.mk, which may be read later.
.SECONDEXPANSION:
# The rooms below the machinery, with the keywords of the protocol's test server.
$(BUILD)/tests/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $$(FUZZ_DRIVER) \
		$$(filter-out $(BUILD)/server/main.o,$$(ECHO_OBJECTS))
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(PROJECT_LDFLAGS) $(FUZZ_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Kept, so that only what changed is compiled again.
.SECONDARY: $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/fuzz_%.o)

CHECK_PARTS += check-fuzz
