# The commands of the README. Needs Python 3.11+, git and make, nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test bench nightly lock

# One more than the least machine has cores: a third of the time of tests is waiting for other programs.
WORKERS ?= 3
CONFIG ?= examples/demo.toml
BIN := .venv/bin
comma := ,
# The tests start hundreds of programs: each is a second faster where compiled code is kept.
unexport PYTHONDONTWRITEBYTECODE

help: ## list these commands
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/dev.stamp ## make .venv with everything the checks need

run: .venv/base.stamp ## start the gateway with the demo configuration
	@exec $(BIN)/gateway serve --config $(CONFIG)

test: .venv/dev.stamp ## every check; the tests come last, so their summary ends the output
	@failed=; \
	check() { printf '\n== %s\n' "$$*"; $(BIN)/"$$@" || failed="$$failed $$1"; }; \
	check ruff format --check .; \
	check ruff check .; \
	check mypy; \
	check lint-imports; \
	if [ -n "$$failed" ]; then printf '\n== failed before the tests:%s\n' "$$failed"; fi; \
	check pytest -n $(WORKERS) --dist worksteal; \
	[ -z "$$failed" ]

bench: .venv/dev.stamp ## the benchmark: one JSON object and a table
	@$(BIN)/python -m benchmarks

nightly: .venv/dev.stamp ## the long form of the property tests
	@$(BIN)/pytest -m nightly -n $(WORKERS) --dist worksteal

lock: .venv/dev.stamp ## bring constraints.txt up to pyproject.toml: versions only, no host names
	@$(BIN)/uv pip compile --quiet --universal --all-extras --no-header --no-annotate \
	  --python-version 3.11 pyproject.toml -o constraints.txt
	@git --no-pager diff --stat -- constraints.txt

# A stamp newer than these two files means there is nothing to install.
.venv/base.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@$(call install,.)
	@touch $@

# The development set contains the base, so `make run` after it installs nothing.
.venv/dev.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@$(call install,.[postgres$(comma)documents$(comma)dev])
	@touch .venv/base.stamp $@

# uv is four times faster than pip; where it cannot be had, pip does the same.
define install
if [ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; \
then $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '$(1)'; \
else $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(1)'; fi
endef

$(BIN)/python:
	@for python in python3 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making .venv with $$($$python --version)"; $$python -m venv .venv && exit 0; \
	    rm -rf .venv; echo "$$python cannot make a virtual environment (on Debian: apt install python3-venv)" >&2; \
	  fi; \
	done; \
	echo "Python 3.11 or newer is needed, with its venv module; none of python3, python3.13, python3.12, python3.11 has it" >&2; exit 1
