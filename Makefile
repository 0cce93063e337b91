# genlab's commands. Each makes .venv, installs what it needs as pinned in constraints.txt, and does its job.
# Needs python3 (3.11 or newer), make, bash and a package index. PYTHON=python3.12 make run picks another interpreter.

SHELL := bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNS := runs/edge_of_stability
# One more than two cores: some tests wait for servers and processes.
WORKERS ?= 3
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_CONSTRAINT := constraints.txt

.DEFAULT_GOAL := help
.PHONY: help run test test-all check lint format package docs links clean
.NOTPARALLEL:

help:
	@echo "make run      run the mini preset of edge_of_stability and say where the report lies   (minutes; installs genlab[train])"
	@echo "make test     run the tests: warnings are errors, the documentation is executed        (minutes; installs genlab[dev])"
	@echo "make test-all runs the long tests, too                                                 (half an hour on two cores)"
	@echo "make check    the whole gate: ruff, mypy --strict, the import contract, then make test"
	@echo "make lint     the gate without the tests"
	@echo "make format   let ruff lay out the code"
	@echo "make package  build sdist and wheel, and use the wheel in an empty environment             (a minute; asks a package index)"
	@echo "make docs     build the documentation as a site, tutorials run: site/index.html        (a few minutes on two cores)"
	@echo "make links    ask every external link of the documentation                             (wants the network)"
	@echo "make clean    remove .venv and caches; runs/ stays"
	@echo "PYTHON=python3.12 make run    use that interpreter for a new .venv; WORKERS=8 make test: eight tests at a time"

run: $(VENV)/.installed-train
	@$(BIN)/genlab run edge_of_stability --preset mini --out $(RUNS)

check: lint test

test: $(VENV)/.installed-dev
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not long"

test-all: $(VENV)/.installed-dev
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/.installed-dev
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

package: $(VENV)/.made
	@PYTHONPATH= $(BIN)/python .ci/package.py

docs: $(VENV)/.installed-dev
	@$(BIN)/sphinx-build -q -E -W --keep-going -j auto -b html -d build/doctrees docs site
	@echo "the site: $(CURDIR)/site/index.html"

links: $(VENV)/.installed-dev
	@$(BIN)/sphinx-build -q --keep-going -b linkcheck -D nb_execution_mode=off -d build/links/doctrees docs build/links

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist site
	@find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
	@echo "removed $(VENV) and caches; runs/ is untouched"

# Stamps: made once, made again when the metadata or the pins change. dev holds all of train.
$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "genlab needs Python 3.11 or newer, and there is no '$(PYTHON)' here. Name one: PYTHON=python3.12 make run" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "genlab needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name a newer one: PYTHON=python3.12 make run" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.installed-train: $(VENV)/.made pyproject.toml constraints.txt
	$(call install,train)
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.made pyproject.toml constraints.txt oracles.txt
	$(call install,dev)
	@$(BIN)/python -m pip install -qq --no-deps -r oracles.txt
	@touch $(VENV)/.installed-train $@

# On a terminal one line shows what pip is at; elsewhere only errors are printed.
define install
@echo "installing genlab[$(1)] into $(VENV), as pinned in constraints.txt (half a minute to a few minutes; torch is the large part)"
@if [ -t 1 ]; then \
	set -o pipefail; \
	$(BIN)/python -m pip install --progress-bar off -e '.[$(1)]' 2>&1 | awk ' \
		/^ERROR|rror:/ { failed = 1 } \
		failed { print; next } \
		/Collecting|Downloading|Processing|Building|Preparing|Installing/ { printf "\r\033[K%s", substr($$0, 1, 78); fflush() } \
		END { printf "\r\033[K" }'; \
else \
	$(BIN)/python -m pip install -qq -e '.[$(1)]'; \
fi
endef
