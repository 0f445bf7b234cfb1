################################################################################
#
# vhostel-run
#
################################################################################

VHOSTEL_RUN_VERSION = local
VHOSTEL_RUN_SITE = $(BR2_EXTERNAL_VHOSTEL_PATH)/../../kernel-vm
VHOSTEL_RUN_SITE_METHOD = local

define VHOSTEL_RUN_BUILD_CMDS
	$(TARGET_CC) $(TARGET_CFLAGS) $(TARGET_LDFLAGS) \
		-o $(@D)/vhostel-run $(@D)/payload-run.c
endef

define VHOSTEL_RUN_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/vhostel-run $(TARGET_DIR)/usr/sbin/vhostel-run
endef

$(eval $(generic-package))
