# The NF density matrix of this machine: `make density MAX_CHAINS=4 MAX_NODES=2 VSWITCH=ovs` runs the
# suite and leaves density.json and density.html in $(BUILD)/density/.
DENSITY_VARIABLES := MAX_CHAINS MAX_NODES TOPOLOGY VNF VSWITCH FRAME_SIZES RATE DURATION MEMORY \
	CPUS_PER_NF

.PHONY: density
density: setup kits
	@tools/setup --tests $(BUILD)
	@$(MAKE) --no-print-directory -j$(JOBS) build
	@mkdir -p $(BUILD)/density && rm -f $(BUILD)/density/density.json $(BUILD)/density/density.html
	@status=0; tools/with-server --build $(BUILD) --log $(BUILD)/density/server.log \
		$(BUILD)/venv/bin/robot --outputdir $(BUILD)/density \
		$(foreach v,$(DENSITY_VARIABLES),$(if $($(v)),--variable '$(v):$($(v))')) \
		robot/suites/nf_density || status=$$?; \
		tools/density/report $(BUILD)/density/density.json $(BUILD)/density/density.html && \
		echo "Density: $(BUILD)/density/density.html" && exit $$status
