# Every target sets up what it needs; there is no other set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run-installed
DEV_STAMP := $(VENV)/.dev-installed

.PHONY: demo run test check bench assets pins system clean

demo: $(RUN_STAMP)
	@DEBRIEF_STOP_WITH_PARENT=1 exec $(BIN)/python -m config.embedded --demo

run: $(RUN_STAMP)
	@DEBRIEF_STOP_WITH_PARENT=1 exec $(BIN)/python -m config.embedded

test: $(DEV_STAMP) system
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup $(ARGS)

check: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.checking mypy
	$(BIN)/lint-imports --config pyproject.toml
	git ls-files 'templates/*.html' | xargs $(BIN)/djade --target-version 5.2 --check
	$(BIN)/python -m tests.checking makemigrations --check --dry-run
	$(BIN)/python -m tests.checking check --deploy --fail-level ERROR
	$(BIN)/python -m frontend.check
	$(BIN)/hadolint Dockerfile

bench: $(DEV_STAMP)
	$(BIN)/python -m benchmarks

assets: $(DEV_STAMP)
	cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --no-audit --no-fund && PATH="$(CURDIR)/$(BIN):$$PATH" node build.mjs

pins: $(DEV_STAMP)
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q requirements/run.in -o requirements/run.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q requirements/dev.in -o requirements/dev.txt

system: $(DEV_STAMP)
	@$(BIN)/python -m tests.system

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("debrief: Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/run.txt | $(VENV)/bin/python
	@echo "debrief: installing what it needs (once)" >&2
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
