include $(sort $(wildcard $(BR2_EXTERNAL_VHOSTEL_PATH)/package/*/*.mk))
