# CSIT's keyword names, suites in parallel, the density matrix and its page.
.PHONY: check-csit
check-csit: build
	@PYTHONDONTWRITEBYTECODE=1 python3 tests/csit/run.py --build $(BUILD)

CHECK_PARTS += check-csit
