# Everything a newcomer needs is `make up` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATABASES := sqlite postgresql
# More than cores: the tests of running services wait more than they compute.
PROCESSES := 4

.DEFAULT_GOAL := help
.PHONY: help up demo test test-deep chaos fuzz bench check format generate migrations lock secrets compose-check clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

up: $(VENV)/.installed ## run everything here, with a demo network, until Ctrl-C
	@exec $(BIN)/python manage.py up

demo: $(VENV)/.installed ## the same, but end after the first report
	@exec $(BIN)/python manage.py up --once

test: $(VENV)/.installed-dev ## the tests on SQLite, and those on PostgreSQL that depend on the database
	@for database in $(DATABASES); do \
		echo "== $$database"; \
		TEST_DATABASE=$$database $(BIN)/python -m pytest -n $(PROCESSES) -m "not deep" || exit 1; \
	done

test-deep: $(VENV)/.installed-dev ## the long proofs: chaos, fuzz, browsers, deep models
	@for database in $(DATABASES); do \
		echo "== $$database"; \
		TEST_DATABASE=$$database $(BIN)/python -m pytest -n $(PROCESSES) -m deep || exit 1; \
	done

chaos: $(VENV)/.installed-dev ## hurt everything while reports are made: MINUTES=10 SEED=1 DATABASE=postgresql
	@$(BIN)/python -m tests.chaos $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) \
		$(if $(DATABASE),--database $(DATABASE)) $(if $(FAULTS),--faults $(FAULTS))

fuzz: $(VENV)/.installed-dev ## ask whatever one can think of, as each role: EXAMPLES=200 SEED=1 DATABASE=postgresql
	@$(BIN)/python -m tests.fuzz $(if $(EXAMPLES),--examples $(EXAMPLES)) $(if $(SEED),--seed $(SEED)) \
		$(if $(DATABASE),--database $(DATABASE)) $(if $(ROLES),--roles $(ROLES))

bench: $(VENV)/.installed-dev bench/.venv/.installed ## measure against peers, and write bench/RESULTS.md
	@for what in queries csv_files workbooks papers memory sizes network_zip through_the_api clients; do \
		$(BIN)/python -m bench.$$what || exit 1; \
	done

check: $(VENV)/.installed-dev ## lint, types, layers, and what is generated
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING

format: $(VENV)/.installed-dev ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(VENV)/.installed-dev ## make openapi.yaml, the catalogues, the pages of rules and guarantees and the README's map anew
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file openapi.yaml
	$(BIN)/python docs/catalogues.py
	$(BIN)/python docs/rules.py
	$(BIN)/python docs/guarantees.py
	$(BIN)/python docs/map.py

migrations: $(VENV)/.installed-dev ## make the migrations that the models lack
	$(BIN)/python manage.py makemigrations

lock: $(VENV)/.installed-dev ## resolve all requirements.txt anew
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url requirements.in -o requirements.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url bench/requirements.in -o bench/requirements.txt

secrets: ## make the secrets that compose.yaml reads, once
	@$(PYTHON) school/runtime/make_secrets.py secrets

compose-check: $(VENV)/.installed-dev ## run compose.yaml for real with podman, and make a report through it
	@$(BIN)/python -m tests.support.compose_check

clean: ## remove the virtual environment and all state
	rm -rf $(VENV) var bench/.venv bench/.data

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: give its name with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || \
		{ echo "This Python lacks venv: install it (Debian: python3-venv)."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.txt | $(VENV)/.python
	@echo "Installing into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

bench/.venv/.installed: bench/requirements.txt | $(VENV)/.python
	@echo "Installing what we are measured against into bench/.venv ..."
	@$(PYTHON) -m venv bench/.venv
	@bench/.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.txt
	@touch $@
