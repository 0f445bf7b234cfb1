# Style and structure, without running anything of the project.
.PHONY: lint
lint:
	@tools/lint/run

CHECK_PARTS += lint
