# Frontdesk's entry points. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

BIN := .venv/bin
# PORT=… and ONCE=1 are for `make demo`; PYTEST_ARGS=… narrows `make test`, as in PYTEST_ARGS="-k media".
PYTEST_ARGS ?=
# More for bench/bridge.py, as in BENCH_ARGS="--json --only frontdesk".
BENCH_ARGS ?=
# Beyond the packages that pyproject.toml names: what sets the machine up and what every test stands on.
MYPY_EXTRA := scripts tests/support tests/conftest.py

export PYTHON

.PHONY: help setup test-services demo test check bench bench-bridge soak lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: ## create or update .venv and the console's assets from the lock files (instant when nothing changed)
	@scripts/setup.sh

test-services: setup ## make PostgreSQL and Chromium available to the tests (installed where missing)
	@$(BIN)/python scripts/test_services.py

demo: setup ## place a spoken call on a fresh Frontdesk and show it live (ONCE=1: exit after the call; PORT=…)
	@$(BIN)/frontdesk demo $(if $(filter-out 0,$(ONCE)),--once) $(if $(PORT),--port $(PORT))

test: setup test-services ## run every test (PYTEST_ARGS="-k …" narrows)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: setup ## lint, formatting, types, layers, ownership
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy $(MYPY_EXTRA)
	$(BIN)/lint-imports
	$(BIN)/frontdesk audit

bench: setup ## measure the engine: latency by part, word error
	$(BIN)/python -m bench.engine

bench-bridge: setup ## measure the bridge beside a bare relay, a plain one and Pipecat (BENCH_ARGS="--json"; 10 minutes)
	@$(BIN)/python scripts/bench_env.py
	@$(BIN)/python bench/bridge.py $(BENCH_ARGS)

soak: setup ## long runs: the engine's memory over 500 sessions, its capacity
	$(BIN)/python bench/engine_soak.py
	$(BIN)/python bench/engine_capacity.py

lock: setup ## resolve the dependencies again and rewrite the lock files, with hashes and without registry addresses
	$(BIN)/python scripts/lock.py

clean: ## remove what setup and tests made (.venv, caches); calls and recordings in .frontdesk stay
	rm -rf .venv node_modules server/console/static/vendor .cache build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
