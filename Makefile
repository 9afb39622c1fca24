# Fairloop. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest
# Two cores carry three: most of a test's time is waiting for the processes it started.
WORKERS ?= 3

.PHONY: help setup demo up test quick lint format types contracts docs bench bench-fairness bench-mitigation reliability simulations clean

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## Make the virtual environment and check the machine

$(STAMP): pyproject.toml constraints.txt hatch_build.py web/package-lock.json
	@command -v git >/dev/null || { echo "git is missing; install it, for example: apt-get install git"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null || { echo "libgomp is missing (LightGBM needs it); install it, for example: apt-get install libgomp1"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing Fairloop and what it needs into $(VENV) (a few minutes the first time) ..."
	@PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q $(VENV)/lib src >/dev/null 2>&1 || true
	@touch $(STAMP)

demo: $(STAMP) ## Turn the loop three times on real census data, then leave the page open
	@$(BIN)/fairloop demo $(ARGS)

up: $(STAMP) ## Start the server on the folder .fairloop
	@$(BIN)/fairloop up $(ARGS)

test: $(STAMP) lint types contracts ## Lint, types, import contracts and all tests
	@$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not simulation" $(ARGS)

quick: $(STAMP) ## Unit tests only
	@$(PYTEST) tests/unit -q

lint: $(STAMP) ## Style and formatting
	@$(BIN)/ruff check src tests benchmarks examples
	@$(BIN)/ruff format --check src tests benchmarks examples

format: $(STAMP) ## Rewrite files in the project's style
	@$(BIN)/ruff check --fix -q src tests benchmarks examples || true
	@$(BIN)/ruff format -q src tests benchmarks examples

types: $(STAMP) ## mypy, strict
	@$(BIN)/mypy

contracts: $(STAMP) ## Import directions
	@$(BIN)/lint-imports --no-cache

docs: $(STAMP) ## Run every command and code block of README and docs
	@$(PYTEST) tests/docs

bench: $(STAMP) ## Measure, each beside the floor of the same run
	@for script in $(filter-out benchmarks/bench_mitigation.py,$(wildcard benchmarks/bench_*.py)); do env -u PYTHONDONTWRITEBYTECODE $(BIN)/python $$script || exit 1; done

bench-mitigation: $(STAMP) ## Repaired models beside those of Fairlearn and AIF360 (half an hour; DATA="FILE,target,positive,attribute" adds a table)
	@env -u PYTHONDONTWRITEBYTECODE OMP_NUM_THREADS=1 $(BIN)/python -W ignore benchmarks/bench_mitigation.py $(if $(DATA),--data $(DATA)) $(ARGS)

bench-fairness: $(STAMP) ## Group metrics of 10M rows beside a Polars group-by and Fairlearn
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python benchmarks/bench_fairness.py

reliability: $(STAMP) ## The kill tests, 20 rounds each
	@FAIRLOOP_ROUNDS=20 $(PYTEST) tests/reliability -q --timeout 1800

simulations: $(STAMP) ## Coverage, error rate and power over many seeds
	@$(PYTEST) -n 2 --dist load -m simulation tests --timeout 3600

clean: ## Remove the virtual environment and everything built
	@rm -rf $(VENV) build dist src/fairloop/server/static/vendor .demo .mypy_cache .ruff_cache .import_linter_cache .hypothesis
