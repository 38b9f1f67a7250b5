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
SOURCES := $(shell find $(FOLDERS) -name '*.py' -o -name '*.csv' -o -name '*.html' -o -name '*.css' -o -name '*.js' -o -name 'py.typed')
REQUIREMENTS := setup.cfg pyproject.toml constraints.txt

.PHONY: train test test-all test-oldest faults mutants coverage dist-smoke install-hashed audit lint bench bench-guard clean

train: $(VENV)/package-installed
	$(BIN)/cmexam-baseline train --out runs/sample --overwrite

test: $(VENV)/test-installed lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -m "not minutes"
	$(BIN)/python benchmarks/guard.py

# Also what needs ../shared and minutes: training on 30,000 questions.
test-all: test
	$(BIN)/pytest -m minutes

# With the oldest versions that setup.cfg allows, on the oldest Python.
test-oldest:
	tests/oldest.sh $(OLDEST_PYTHON)

# kill -9 a hundred times for every command that writes; some tens of minutes.
faults: $(VENV)/test-installed
	$(BIN)/python tests/faults/kill.py

mutants: $(VENV)/test-installed
	$(BIN)/python tests/mutate.py

coverage: $(VENV)/test-installed
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

lint: $(VENV)/test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/test-installed
	$(PIP) install $(CONSTRAINTS) -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/compare.py

bench-guard: $(VENV)/test-installed
	$(BIN)/python benchmarks/guard.py

clean:
	rm -rf $(VENV) build dist *.egg-info runs .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/dependencies-installed: $(REQUIREMENTS) | $(BIN)/python
	$(PIP) install $(CONSTRAINTS) .
	touch $@

$(VENV)/test-dependencies-installed: $(REQUIREMENTS) | $(BIN)/python
	$(PIP) install $(CONSTRAINTS) torch ".[test]"
	touch $@ $(VENV)/dependencies-installed

# An old build/ would ship modules that are deleted by now.
define install-package
	rm -rf build *.egg-info
	$(PIP) install --no-deps --force-reinstall .
	rm -rf build *.egg-info
	touch $@
endef

$(VENV)/package-installed: $(VENV)/dependencies-installed $(SOURCES)
	$(install-package)

$(VENV)/test-installed: $(VENV)/test-dependencies-installed $(SOURCES)
	$(install-package)
	touch $(VENV)/package-installed
