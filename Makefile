# The two commands of a new user: `make demo` and `make test`. Everything else is for those who work on wanbatch.
PYTHON ?= python3
# A command that has to compile itself at each start takes twice as long; the tests start thousands.
unexport PYTHONDONTWRITEBYTECODE
VENV   := .venv
BIN    := $(VENV)/bin
WORKERS ?= 3
LANGUAGE_SERVER := tests/editor/node_modules/.package-lock.json
PAGE_TOOLS := node_modules/.package-lock.json

.PHONY: help demo test check lint types layering page format lock locks cases simulate mutants torture fuzz bench reference clean

## Every target in a line.
help:
	@awk '/^## /{said=substr($$0,4)} /^[a-z-]+:/{if(said!=""){sub(/:.*/,"");printf "%-10s %s\n",$$0,said;said=""}} /^$$/{said=""}' Makefile

## Creates the environment, installs the locked dependencies, runs the quickstart on the embedded emulator.
demo: $(VENV)/.demo
	$(BIN)/wanbatch run examples/specs/quickstart.wanbatch.yaml

## The whole test suite. What the money hangs on comes first, and every branch of it must be taken.
test: $(VENV)/.dev $(LANGUAGE_SERVER) $(PAGE_TOOLS)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(MONEY) $(COVERAGE)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests $(MONEY:%=--ignore=%)

# Add a module by adding a word: a package stands for all that is in it.
COVERED := \
	model.lifecycle model.period ledger \
	engine \
	plan.planner plan.identity \
	providers.client providers.http providers.dialects.reading \
	videos.outputs videos.trash
MONEY := tests/model tests/ledger tests/engine tests/plan tests/providers tests/videos
COVERAGE := $(COVERED:%=--cov=wanbatch.%) --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

## Formatting, lint, types, layering; of the report's page too.
check: lint types layering page

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

layering: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/test_layering.py

# The page's scripts and style: Biome formats and lints, tsc checks the types, those of the pure scripts
# without a browser's names.
page: $(PAGE_TOOLS)
	node_modules/.bin/biome check --error-on-warnings
	node_modules/.bin/tsc --project tsconfig.json
	node_modules/.bin/tsc --project tsconfig.pure.json

## A thousand seeds of the simulated engine; what breaks an invariant is printed with its seed.
simulate: $(VENV)/.dev
	PYTHONPATH=tests $(BIN)/python -m simulation --seeds 1000 --workers $(WORKERS)
	PYTHONPATH=tests $(BIN)/python -m simulation.shared --seeds 1000 --workers $(WORKERS)

## Every broken variant of the engine, each noticed by a seed or by a test.
mutants: $(VENV)/.dev
	WANBATCH_CASES=all $(BIN)/python -m pytest -n $(WORKERS) tests/simulation/test_mutants.py tests/simulation/test_shared.py

## Every test and case, where `make test` takes a slice of those that start real processes.
cases: $(VENV)/.dev $(LANGUAGE_SERVER) $(PAGE_TOOLS)
	WANBATCH_CASES=all $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests $(MONEY:%=--ignore=%)

## Two hundred SIGKILLs, disks that fail, fifty takeovers of a shared ledger, on real processes.
torture: $(VENV)/.dev
	$(BIN)/python tests/torture/torture.py
	$(BIN)/python tests/torture/disk.py
	$(BIN)/python tests/torture/takeovers.py

## A hundred thousand mutated manifests and a million mutated replies.
fuzz: $(VENV)/.dev
	$(BIN)/python tests/fuzz/fuzz_manifests.py --count 100000
	$(BIN)/python tests/fuzz/fuzz_replies.py --count 1000000

## What is claimed about speed, each beside a bound or a peer measured in the same run.
bench: $(VENV)/.dev
	set -e; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

## Makes docs/reference/ from commands, codes and schemas.
reference: $(VENV)/.dev
	PYTHONPATH=docs $(BIN)/python -m make_reference

## Lets ruff and Biome mend what they can.
format: $(VENV)/.dev $(PAGE_TOOLS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	node_modules/.bin/biome check --write

## Rewrites both lock files from pyproject.toml: hashes, no addresses.
lock: $(VENV)/.dev
	echo hatchling | $(BIN)/uv pip compile -q --universal --no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 --all-extras pyproject.toml - -o requirements.lock
	echo hatchling | $(BIN)/uv pip compile -q --universal --no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 --all-extras --group dev pyproject.toml - -o requirements-dev.lock

## Proves both lock files, each in a new environment, with the pip that venv brings.
locks: prove-requirements.lock prove-requirements-dev.lock

prove-%:
	@set -eu; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder"; \
	python="$$folder/bin/python"; \
	"$$python" -c 'import ensurepip, pip, sys; print("$*: pip", pip.__version__); sys.exit(pip.__version__ != ensurepip.version())'; \
	"$$python" -m pip install -q --disable-pip-version-check --no-compile --require-hashes -r $*; \
	"$$python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	"$$python" -m pip check; \
	"$$folder/bin/wanbatch" --version

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wanbatch needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# The language server of the editor tests, and what checks the page. The locks name no registry, so that
# npm asks the one it is set to.
$(LANGUAGE_SERVER): tests/editor/package.json tests/editor/package-lock.json
$(PAGE_TOOLS): package.json package-lock.json
$(LANGUAGE_SERVER) $(PAGE_TOOLS):
	@command -v npm >/dev/null || { echo "Node 18 or newer is needed, with npm: https://nodejs.org"; exit 1; }
	cd $(<D) && npm ci --ignore-scripts --loglevel=error
	touch $@

clean:
	rm -rf $(VENV) node_modules tests/editor/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
