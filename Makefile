# Two commands do everything: make run, make test.
PYTHON ?= python3
PORT ?= 8501
SERVE ?= 1
WORKSPACE ?= demo-workspace
BIN := .venv/bin
READY := .venv/ready
PEERS := .venv-bench/ready
SPARK := .venv-spark/ready
# Where Python may write no bytecode (most containers), each command would compile its libraries anew: seconds of each.
BYTECODE := $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)

.PHONY: help setup run test test-kill lint bench lock

help: ## list every target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make the environment alone

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { echo "Tillmill needs Python 3.11 to 3.13; this is $$($(PYTHON) --version). Next: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --require-hashes $(BYTECODE) -r requirements.lock
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: $(READY) ## demo brand: source systems, pipeline, portal (PORT=8501 SERVE=1)
	@if [ "$(SERVE)" != 0 ]; then $(BIN)/tillmill apps --check --port $(PORT); fi
	@$(BIN)/tillmill demo init --workspace $(WORKSPACE)
	@$(BIN)/tillmill demo run --workspace $(WORKSPACE) -- $(BIN)/tillmill run --workspace $(WORKSPACE)
	@if [ "$(SERVE)" != 0 ]; then exec $(BIN)/tillmill apps --workspace $(WORKSPACE) --port $(PORT); fi

test: $(READY) $(if $(filter true,$(CI)),$(SPARK)) ## every test; CI=true adds the slow ones
	@$(BIN)/python -m tests.e2e.chromium
	@$(BIN)/python -m tests.ingestion.connectors.odbcdrivers
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(if $(filter true,$(CI)),,-m "not slow")

test-kill: $(READY) ## kill -9 at random moments: 500 over all connectors, 20 of whole runs (N= for more)
	@KILLS=$(or $(N),500) WHOLE_KILLS=$(or $(N),20) $(BIN)/python -m pytest tests/kill tests/faults/test_plant_mqtt.py tests/faults/test_plant_tcp.py tests/e2e/test_run_kill.py -n 2 --dist loadgroup --timeout 7200

lint: $(READY) ## ruff, mypy, sqlfluff, import-linter, clean locks
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint --processes 2 dbt_project/models
	@$(BIN)/lint-imports
	@! grep -n '://' requirements.lock requirements-all.lock benchmarks/peers.lock

bench: $(READY) $(PEERS) ## every promise as a ratio (QUICK=1 for a tenth); make bench-NAME for one
	@for module in benchmarks/bench_*.py; do $(BIN)/python -m benchmarks.$$(basename $$module .py) || exit 1; done

bench-%: $(READY) $(PEERS)
	@$(BIN)/python -m benchmarks.bench_$*

$(PEERS): benchmarks/peers.lock $(READY) # what we are measured against, apart from what we ship
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@VIRTUAL_ENV=.venv-bench $(BIN)/uv pip install --quiet --require-hashes -r benchmarks/peers.lock
	@touch $@

$(SPARK): requirements-all.lock $(READY) # every extra, for the tables that Spark builds
	@test -x .venv-spark/bin/python || $(PYTHON) -m venv .venv-spark
	@VIRTUAL_ENV=.venv-spark $(BIN)/uv pip install --quiet --require-hashes -r requirements-all.lock
	@VIRTUAL_ENV=.venv-spark $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

lock: ## write the locks anew
	@for lock in "requirements.lock pyproject.toml --extra demo --group dev" "requirements-all.lock pyproject.toml --all-extras --group dev" "benchmarks/peers.lock benchmarks/peers.in"; do set -- $$lock; out=$$1; shift; \
	  $(BIN)/uv pip compile "$$@" --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --no-strip-extras --quiet --output-file $$out >/dev/null || exit 1; done
