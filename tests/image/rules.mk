# Suites of image VMs: what the image has in it, payloads with real packets, commands and files,
# bad starts, faults; and what of the Buildroot tree can be checked without a build.
# `check-image-deep` is what takes minutes: 100 MB both ways and strict limits on time, the image
# itself in both ways of booting, and whether a second build gives the same bytes.
IMAGE_SUITES := robot/suites/image_vm

.PHONY: check-image check-image-deep check-buildroot image-kit
image-kit:
	@tools/image-vm/build --output $(BUILD)/image-vm

check-buildroot:
	@tools/image-vm/buildroot/check

check-image: image-kit check-buildroot $(BUILD)/vhosteld
	@tests/image/run --build $(BUILD) --output $(BUILD)/check-image $(IMAGE_SUITES)

check-image-deep: image-kit $(BUILD)/vhosteld
	@tests/image/build-again $(BUILD)/image-vm $(BUILD)/image-vm-again
	@tools/image-vm/check --output $(BUILD)/image-vm
	@tests/image/run --build $(BUILD) --output $(BUILD)/check-image-deep \
		--variable MEGABYTES:100 --variable STRICT:$(or $(STRICT),True) \
		$(IMAGE_SUITES)/guest.robot

CHECK_PARTS += check-image
DEEP_PARTS += check-image-asan check-image-deep

# The same against a server with address and undefined behaviour sanitizers; a finding ends it.
.PHONY: check-image-asan
check-image-asan: image-kit
	+@$(MAKE) --no-print-directory $(ASAN) build
	@ln -sfn ../venv $(BUILD)/asan/venv
	@tests/image/run --build $(BUILD)/asan --output $(BUILD)/asan/check-image \
		--variable 'GROWTH MIB:400' --variable MEGABYTES:100 $(IMAGE_SUITES)

# Start Image VM against the plain boot of the same image, watched by an agent ping every 5 s.
.PHONY: bench-image
bench-image: image-kit $(BUILD)/vhosteld
	@tools/with-server --build $(BUILD) --log $(BUILD)/bench-image.server.log \
		tests/bench/image_boot.py --image $(BUILD)/image-vm
