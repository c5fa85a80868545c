# To start, use `make up` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATABASES := sqlite postgresql
# Test processes; more than cores, because the end-to-end tests mostly wait.
PROCESSES := 4

.DEFAULT_GOAL := help
.PHONY: help up demo test test-deep chaos fuzz bench bench-web check format generate clients migrations lock audit secrets pin-images compose-check clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

up: $(VENV)/.installed ## run the whole service with a demo network until Ctrl-C
	@exec $(BIN)/python manage.py up

demo: $(VENV)/.installed ## run the whole service, request one report, and stop
	@exec $(BIN)/python manage.py up --once

test: $(VENV)/.installed-dev ## run all tests on SQLite, and database tests again on PostgreSQL
	@for database in $(DATABASES); do \
		echo "== $$database"; \
		TEST_DATABASE=$$database $(BIN)/python -m pytest -n $(PROCESSES) -m "not deep" || exit 1; \
	done

test-deep: $(VENV)/.installed-dev ## run the long tests: chaos, fuzzing, browsers, state machines
	@for database in $(DATABASES); do \
		echo "== $$database"; \
		TEST_DATABASE=$$database $(BIN)/python -m pytest -n $(PROCESSES) -m deep || exit 1; \
	done

chaos: $(VENV)/.installed-dev ## inject faults under load: MINUTES=10 SEED=1 DATABASE=postgresql
	@$(BIN)/python -m tests.chaos $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) \
		$(if $(DATABASE),--database $(DATABASE)) $(if $(FAULTS),--faults $(FAULTS))

fuzz: $(VENV)/.installed-dev ## send generated requests as each role: EXAMPLES=200 SEED=1 DATABASE=postgresql
	@$(BIN)/python -m tests.fuzz $(if $(EXAMPLES),--examples $(EXAMPLES)) $(if $(SEED),--seed $(SEED)) \
		$(if $(DATABASE),--database $(DATABASE)) $(if $(ROLES),--roles $(ROLES))

bench: $(VENV)/.installed-dev bench/.venv/.installed ## run the benchmarks against other tools, and write bench/RESULTS.md
	@for what in queries csv_files workbooks papers memory sizes network_zip through_the_api clients; do \
		$(BIN)/python -m bench.$$what || exit 1; \
	done

bench-web: $(VENV)/.installed-dev bench/.venv/.installed ## run the benchmarks of the web process against other servers (needs wrk)
	@command -v wrk >/dev/null || { echo "wrk is not installed: install the package wrk (Debian: apt install wrk)."; exit 1; }
	@for what in polls submits lists latency growth queues waiters workers endurance; do \
		$(BIN)/python -m bench.web_$$what || exit 1; \
	done

check: $(VENV)/.installed-dev ## check formatting, lint, layers, types, migrations and settings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING
	PUBLIC_URL=https://reports.example.org TRUSTED_PROXIES=1 \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/.installed-dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(VENV)/.installed-dev ## write openapi.yaml, the message catalogues, docs/rules.md and docs/guarantees.md
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file openapi.yaml
	$(BIN)/python docs/catalogues.py
	$(BIN)/python docs/rules.py
	$(BIN)/python docs/guarantees.py

clients: $(VENV)/.installed-dev ## generate the clients in TypeScript and Python into clients/ (TypeScript needs npm)
	@$(BIN)/python clients/python/generate.py
	@if command -v npm >/dev/null; then cd clients/typescript && npm ci --ignore-scripts --no-fund --no-audit \
		&& npm run generate && npm run build; \
	else echo "npm is not installed: the TypeScript client was not generated."; fi

migrations: $(VENV)/.installed-dev ## create missing migrations
	$(BIN)/python manage.py makemigrations

lock: $(VENV)/.installed-dev ## upgrade and pin all requirements.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url requirements.in -o requirements.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url bench/requirements.in -o bench/requirements.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url clients/python/requirements.in -o clients/python/requirements.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url requirements-audit.in -o requirements-audit.txt

audit: var/audit/.installed ## write var/sbom.json, and look the requirements up in the advisories (needs the internet)
	@var/audit/bin/cyclonedx-py requirements --output-reproducible --output-file var/sbom.json requirements.txt
	@# Strict: a requirement that the advisories do not know, or that cannot be looked up, fails.
	@var/audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements.txt

secrets: ## create the secrets for compose.yaml, unless they exist
	@$(PYTHON) school/runtime/make_secrets.py secrets

pin-images: ## write the digests of the current images into .env: ENGINE=docker
	@$(PYTHON) school/runtime/pin_images.py compose.yaml .env $(or $(ENGINE),docker)

compose-check: $(VENV)/.installed-dev ## run compose.yaml with podman, and request a report through its proxy
	@$(BIN)/python -m tests.support.compose_check

clean: ## remove the virtual environment and all state
	rm -rf $(VENV) var bench/.venv bench/.data

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is required: set its name with PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || \
		{ echo "The venv module is missing: install it (Debian: python3-venv)."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.txt | $(VENV)/.python
	@echo "Installing into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

var/audit/.installed: requirements-audit.txt | $(VENV)/.python
	@echo "Installing the audit tools into var/audit ..."
	@$(PYTHON) -m venv var/audit
	@var/audit/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.txt
	@touch $@

bench/.venv/.installed: bench/requirements.txt | $(VENV)/.python
	@echo "Installing the benchmark peers into bench/.venv ..."
	@$(PYTHON) -m venv bench/.venv
	@bench/.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.txt
	@touch $@
