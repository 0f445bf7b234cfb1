# Suites of image VMs: what the image has in it, payloads with real packets, commands and files,
# bad starts, faults. `check-image-deep` is what takes minutes: 100 MB both ways.
IMAGE_SUITES := robot/suites/image_vm

.PHONY: check-image check-image-deep image-kit
image-kit:
	@tools/image-vm/build --output $(BUILD)/image-vm

check-image: image-kit $(BUILD)/vhosteld
	@tests/image/run --build $(BUILD) --output $(BUILD)/check-image $(IMAGE_SUITES)

check-image-deep: image-kit $(BUILD)/vhosteld
	@tests/image/run --build $(BUILD) --output $(BUILD)/check-image-deep \
		--variable MEGABYTES:100 --variable STRICT:$(or $(STRICT),False) \
		$(IMAGE_SUITES)/guest.robot

CHECK_PARTS += check-image
DEEP_PARTS += check-image-asan check-image-deep

# The same against a server with address and undefined behaviour sanitizers; a finding ends it.
.PHONY: check-image-asan
check-image-asan: image-kit
	+@$(MAKE) --no-print-directory $(ASAN) build
	@ln -sfn ../venv $(BUILD)/asan/venv
	@tests/image/run --build $(BUILD)/asan --output $(BUILD)/asan/check-image \
		--variable 'GROWTH MIB:400' $(IMAGE_SUITES)

# Start Image VM against the plain boot of the same image, watched by an agent ping every 5 s.
.PHONY: bench-image
bench-image: image-kit $(BUILD)/vhosteld
	@tools/with-server --build $(BUILD) --log $(BUILD)/bench-image.server.log \
		tests/bench/image_boot.py --image $(BUILD)/image-vm
