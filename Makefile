# The verbs of this repository; `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo live workbench test chaos bench bench-workbench soak lint format lock audit wheel notices clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## create .venv and install the locked dependencies, when either has changed

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "setup: expected Python 3.11 or newer, found $$($(PYTHON) --version 2>&1)." \
	    "Install one and name it: make setup PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); echo "setup: no virtual environment could be made." \
	    "On Debian and Ubuntu, install python3-venv and run make again" >&2; exit 1; }
	@echo "setup: installing into $(VENV)"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## play the demonstration
	@$(BIN)/python -m chargeline.demo

live: setup ## run the live service on this machine, fed by the simulator, until ^C: PER_SECOND=5
	@PER_SECOND=$(or $(PER_SECOND),5) $(BIN)/python -m tests.live.stand

# Half of the time goes into waiting for processes and servers, so there are two workers more than there are cores.
# What the hundreds of processes import is compiled once, whatever the environment says.
WORKERS := $(shell cores=$$(getconf _NPROCESSORS_ONLN || echo 2); echo $$((cores < 7 ? cores + 2 : 8)))

test: setup ## run the tests, side by side
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n $(WORKERS)

workbench: setup ## show the workbench on invented data, until ^C
	@$(BIN)/python -m tests.workbench.stand

chaos: setup ## kill, freeze and mislead the service under load, and compare: SEED=7 for the same again
	@SEED=$(SEED) $(BIN)/python -m tests.live.chaos

bench: setup ## measure the throughput
	@$(BIN)/python -m tests.bench.run
	@$(BIN)/python -m tests.bench.live

bench-workbench: setup ## measure the pages with a year of visits: VISITS=100000 QUESTIONS=20000 SECONDS=60
	@VISITS=$(VISITS) QUESTIONS=$(QUESTIONS) SECONDS=$(SECONDS) $(BIN)/python -m tests.bench.workbench

soak: setup ## send a million messages (MESSAGES=) and watch memory and speed
	@$(BIN)/python -m tests.bench.soak

lint: setup ## check style, format and types
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy services

format: setup ## put imports and layout in order
	@$(BIN)/ruff check --select I --fix
	@$(BIN)/ruff format

# The options keep the names of this machine's package sources out of the files.
COMPILE := env -u PIP_FIND_LINKS $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe \
	--no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

lock: setup ## pin the dependencies again, from pyproject.toml
	@$(COMPILE) --upgrade --extra dev --output-file requirements.lock pyproject.toml
	@$(COMPILE) --output-file requirements-runtime.lock --constraint requirements.lock pyproject.toml
	@$(COMPILE) --upgrade --output-file requirements-build.lock --constraint requirements.lock requirements-build.in

# A package that the database does not answer for fails the audit (--strict): silence is not health.
# Another database: AUDIT="--vulnerability-service osv"; a finding that is accepted: AUDIT="--ignore-vuln ID".
audit: setup ## ask whether a vulnerability of a locked package is published: AUDIT= for options of pip-audit
	@for lock in requirements-runtime.lock requirements-build.lock requirements.lock; do \
	  echo "audit: $$lock"; \
	  $(BIN)/pip-audit --disable-pip --require-hashes --strict --progress-spinner off $(AUDIT) -r $$lock || exit 1; done

# Installed as the Dockerfile installs it: locked packages by their hashes, then the wheel alone.
OUT ?= dist
wheel: setup ## build the wheel into dist/, with its bill of materials and checksums
	@rm -rf $(OUT) && mkdir -p $(OUT)
	@$(PIP) wheel --no-deps --no-build-isolation --wheel-dir $(OUT) .
	@$(BIN)/python -m venv --without-pip $(OUT)/venv
	@$(PIP) --python $(OUT)/venv/bin/python install --require-hashes -r requirements-runtime.lock
	@$(PIP) --python $(OUT)/venv/bin/python install --no-deps --no-index $(OUT)/chargeline-*.whl
	@$(BIN)/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
	  --output-file $(OUT)/chargeline.cdx.json $(OUT)/venv/bin/python
	@cd $(OUT) && sha256sum chargeline* > SHA256SUMS && cat SHA256SUMS

notices: setup ## write THIRD-PARTY.md again, after a change of dependencies
	@$(BIN)/python -m tests.pages third-party > THIRD-PARTY.md

clean: ## remove the virtual environment and every cache
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
