# make train: a virtual environment, the package, a model trained on the bundled sample exam, its scores.
# make test:  the same environment with the test extra, then ruff, mypy and pytest.

PYTHON ?= python3
OLDEST_PYTHON ?= python3.10
AUDIT_SERVICE ?= pypi
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
CONSTRAINTS := -c constraints.txt
FOLDERS := baselines cli encoders exam features metrics scoring
REQUIREMENTS := setup.cfg pyproject.toml constraints.txt
# The editable install links every file by itself, so it is renewed when a file comes or goes; edits need nothing.
FILES := $(shell find $(FOLDERS) -type f -not -name '*.pyc' | LC_ALL=C sort | cksum | cut -d ' ' -f 1)

.PHONY: $(VENV)/installed-train-$(FILES) test-environment train test test-all test-oldest faults mutants coverage dist-smoke install-hashed audit lint docs bench clean

train: $(VENV)/installed-train-$(FILES)
	$(BIN)/cmexam-baseline train --out runs/sample --overwrite

test: lint $(VENV)/core/installed-$(FILES)
	CORE_PYTHON=$(CURDIR)/$(VENV)/core/bin/python OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m "not minutes"
	OMP_NUM_THREADS=1 $(BIN)/pytest benchmarks -m small -q --benchmark-columns=min,rounds

# Also what needs ../shared and minutes: training on 30,000 questions.
test-all: test
	$(BIN)/pytest -m minutes

# With the oldest versions that setup.cfg allows, on the oldest Python.
test-oldest:
	tests/oldest.sh $(OLDEST_PYTHON)

# kill -9 a hundred times for every command that writes; some tens of minutes.
faults: $(VENV)/installed-test-$(FILES)
	$(BIN)/python tests/faults/kill.py

mutants: $(VENV)/installed-test-$(FILES)
	$(BIN)/python tests/mutate.py

coverage: $(VENV)/installed-test-$(FILES)
	$(PIP) install $(CONSTRAINTS) pytest-cov
	$(BIN)/pytest -m "not minutes" $(addprefix --cov=cmexam_baseline.,$(FOLDERS)) --cov-report=term-missing:skip-covered

# Wheel and sdist into empty environments, every dependency by its hash.
dist-smoke:
	tests/dist_smoke.sh $(PYTHON)

# All that scoring, training LightGBM and reports need, by version and hash.
install-hashed: | $(BIN)/python
	$(PIP) install --require-hashes -r constraints-hashes.txt
	$(PIP) install --no-deps .

# Known vulnerabilities of every version that constraints.txt names; a package that cannot be looked up is an error.
# Needs PyPI's JSON interface, or api.osv.dev with AUDIT_SERVICE=osv.
audit: | $(BIN)/python
	$(PIP) install pip-audit
	$(BIN)/pip-audit --strict --disable-pip --no-deps --vulnerability-service $(AUDIT_SERVICE) -r constraints.txt

lint: $(VENV)/installed-test-$(FILES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The site, into site/; a page that is missing or a link that leads nowhere is an error.
docs: | $(BIN)/python
	$(PIP) install $(CONSTRAINTS) --config-settings editable_mode=strict -e ".[docs]"
	rm -f $(VENV)/installed-*
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(VENV)/installed-test-$(FILES)
	$(PIP) install $(CONSTRAINTS) -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/compare.py

clean:
	rm -rf $(VENV) build dist site *.egg-info runs .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# editable_mode=strict is the kind of editable install that mypy and pyright understand, too.
define install
	rm -rf build *.egg-info $(VENV)/installed-*
	$(PIP) install $(CONSTRAINTS) --config-settings editable_mode=strict -e ".[$(1)]"
	touch $@
endef

$(VENV)/installed-train-$(FILES): $(REQUIREMENTS) | $(BIN)/python
	$(call install,lightgbm)

$(VENV)/installed-test-$(FILES): $(REQUIREMENTS) | $(BIN)/python
	$(call install,test)
	touch $(VENV)/installed-train-$(FILES)

# An installation without extras, for the test that tries every command in one.
$(VENV)/core/installed-$(FILES): $(REQUIREMENTS) $(VENV)/installed-test-$(FILES)
	$(PYTHON) -m venv $(VENV)/core
	rm -rf build *.egg-info $(VENV)/core/installed-*
	$(VENV)/core/bin/python -m pip --disable-pip-version-check -q install $(CONSTRAINTS) --config-settings editable_mode=strict -e .
	touch $@
