# The ad-hoc client, its completion, and the documentation that programs give of themselves.
VHOSTELCTL_SOURCES := $(wildcard tools/vhostelctl/*.c) $(wildcard server/value/*.c) \
	$(addprefix server/base/,error.c file.c own.c str.c wait.c) server/remote/scan.c \
	keywords/nearest.c
VHOSTELCTL_OBJECTS := $(VHOSTELCTL_SOURCES:%.c=$(BUILD)/%.o)
VHOSTELCTL_LIBS := -lcurl -lxmlrpc -lxmlrpc_util -ljansson -lcrypt -lm

build: $(BUILD)/vhostelctl

$(BUILD)/vhostelctl: $(VHOSTELCTL_OBJECTS)
	@echo "  LINK $@"
	$(Q)$(CC) $(PROJECT_LDFLAGS) $(LDFLAGS) -o $@ $^ $(VHOSTELCTL_LIBS)

# Pages that come from the running programs: keywords, library specification, man pages.
.PHONY: docs
docs: $(BUILD)/docs/vhosteld.8

$(BUILD)/docs/vhosteld.8: $(BUILD)/vhosteld $(BUILD)/vhostelctl tools/vhostelctl/docs
	@tools/with-server --build $(BUILD) --log $(BUILD)/docs.server.log \
		tools/vhostelctl/docs --build $(BUILD) $(BUILD)/docs
	@echo "  DOCS $(BUILD)/docs: keywords.html library.json vhosteld.8 vhostelctl.1"

-include $(VHOSTELCTL_OBJECTS:.o=.d)
