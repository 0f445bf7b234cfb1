# Everything is made below build/; `make help` lists the targets.
BUILD ?= build
CC ?= gcc
CFLAGS ?= -O2 -g
VERSION := 0.1.0
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
# V=1 shows the whole commands.
Q := $(if $(V),,@)

SOURCES := $(wildcard server/base/*.c server/config/*.c server/value/*.c server/node/*.c \
	server/qemu/*.c server/guest/*.c server/vm/*.c server/nfv/*.c server/remote/*.c keywords/*.c)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIBS := -lxmlrpc -lxmlrpc_util -lmicrohttpd -lssh2 -lyaml -ljansson -lcrypt -lgnutls -lm -lpthread

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wwrite-strings -Wpointer-arith -Wvla -Wundef
HARDENING := -D_FORTIFY_SOURCE=2 -fPIE -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -ftrivial-auto-var-init=zero
PROJECT_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DVHOSTEL_VERSION='"$(VERSION)"' -Iserver -I. \
	-pthread -MMD -MP $(WARNINGS) $(HARDENING) $(SANITIZE)
PROJECT_LDFLAGS := -pie -pthread -Wl,-z,relro,-z,now -Wl,--as-needed $(SANITIZE)

.PHONY: build
build: $(BUILD)/vhosteld

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(PROJECT_CFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/vhosteld: $(OBJECTS) $(BUILD)/server/main.o
	@echo "  LINK $@"
	$(Q)$(CC) $(PROJECT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

TEST_SOURCES := $(wildcard tests/unit/test_*.c)
TESTS := $(TEST_SOURCES:tests/unit/%.c=$(BUILD)/tests/%)

$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(OBJECTS)
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(PROJECT_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS) -lcmocka

.PHONY: help setup kits demo check clean
help:
	@echo "make setup       install what is missing (Debian packages as root, Robot in $(BUILD)/venv)"
	@echo "make build       build $(BUILD)/vhosteld and the other programs"
	@echo "make kits        make what VMs boot: the kernel VM kit and the disk image"
	@echo "make demo        all of that, and a VM that forwards packets; leaves $(BUILD)/demo/log.html"
	@echo "make check       all of that, and every test"
	@echo "make lint        style and structure"
	@echo "make docs        keyword documentation and man pages, into $(BUILD)/docs"
	@echo "make install     into PREFIX=$(PREFIX), SYSCONFDIR=$(SYSCONFDIR), below DESTDIR"
	@echo "make check-deep  the long tests: $(DEEP_PARTS)"
	@echo "make bench-boot, bench-rpc, bench-chains, compare-peers, density, fuzz: longer"
	@echo "                 runs; README.md says what each shows"
	@echo "parts of check:  $(CHECK_PARTS)"

setup:
	@tools/setup $(BUILD)

# The kernel that kernel VMs boot, and the disk image of image VMs.
kits: setup
	@tools/kernel-vm/build --output $(BUILD)/kernel-vm
	@tools/image-vm/build --output $(BUILD)/image-vm

demo: setup kits
	@$(MAKE) --no-print-directory -j$(JOBS) build
	@tools/with-server --build $(BUILD) --log $(BUILD)/demo.server.log \
		$(BUILD)/venv/bin/robot --outputdir $(BUILD)/demo robot/suites/demo.robot

# The rules below add the parts; each ends with a line "N passed, N failed".
CHECK_PARTS :=
DEEP_PARTS :=
-include $(wildcard tools/*/rules.mk tests/*/rules.mk)

check: setup kits
	@tools/setup --tests $(BUILD)
	@$(MAKE) --no-print-directory -j$(JOBS) build
	@tools/run-checks $(CHECK_PARTS:%="$(MAKE) --no-print-directory %")

# What takes hours, or both cores for itself.
.PHONY: check-deep
check-deep: setup kits
	@tools/setup --tests $(BUILD)
	@$(MAKE) --no-print-directory -j$(JOBS) build
	@tools/run-checks $(DEEP_PARTS:%="$(MAKE) --no-print-directory %")

SHARE := $(PREFIX)/share/vhostel

COMPLETIONS := $(PREFIX)/share/bash-completion/completions
UNITS := $(PREFIX)/lib/systemd/system
KITS ?= kernel-vm image-vm

# What VMs boot goes with it as far as it was made. Overrides belong into constants.site.yaml.
.PHONY: install
install: build docs
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(SHARE) \
		$(DESTDIR)$(SYSCONFDIR)/vhostel/templates $(DESTDIR)$(COMPLETIONS) \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8 \
		$(DESTDIR)$(UNITS)
	install $(BUILD)/vhosteld $(DESTDIR)$(PREFIX)/sbin/
	install $(BUILD)/vhostelctl $(DESTDIR)$(PREFIX)/bin/
	sed 's|\.\./build/|$(SHARE)/|' config/constants.yaml \
		> $(DESTDIR)$(SYSCONFDIR)/vhostel/constants.yaml
	install -m 644 config/topology.yaml $(DESTDIR)$(SYSCONFDIR)/vhostel/
	install -m 644 config/templates/* $(DESTDIR)$(SYSCONFDIR)/vhostel/templates/
	install -m 644 $(BUILD)/docs/vhostelctl.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(BUILD)/docs/vhosteld.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 tools/completion/vhostelctl $(DESTDIR)$(COMPLETIONS)/
	install -m 644 config/systemd/vhosteld.socket $(DESTDIR)$(UNITS)/
	sed 's|@sbindir@|$(PREFIX)/sbin|; s|@sysconfdir@|$(SYSCONFDIR)|' \
		config/systemd/vhosteld.service > $(DESTDIR)$(UNITS)/vhosteld.service
	cp -r robot $(DESTDIR)$(SHARE)/
	for kit in $(KITS); do \
		install -d $(DESTDIR)$(SHARE)/$$kit; \
		for file in vmlinux initramfs.cpio cmdline vhostel.img; do \
			[ ! -e $(BUILD)/$$kit/$$file ] || cp --sparse=always $(BUILD)/$$kit/$$file \
				$(DESTDIR)$(SHARE)/$$kit/ || exit 1; \
		done; \
	done

clean:
	rm -rf $(BUILD)

-include $(shell find $(BUILD)/server $(BUILD)/keywords $(BUILD)/tests -type f -name '*.d' 2>/dev/null)
