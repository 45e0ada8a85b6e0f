PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := 1

.PHONY: repro help test report ui study-ui bench lint lock clean env

repro: env ## fetch, pretrain, fine-tune, report
	@$(BIN)/python -m pipelines.repro

help: ## what each target is for
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: env ## all tests but the slow ones (those: pytest -m slow), two files at a time, a thread each
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

report: env ## the report of the study that git holds, without data or training
	$(BIN)/python -m pipelines.report --profile study

study-ui: env ## the study that git holds in an MLflow UI of its own
	$(BIN)/python -m pipelines.track --profile study --to "sqlite:///study.db"
	$(BIN)/mlflow ui --backend-store-uri "sqlite:///study.db" --host 127.0.0.1

ui: env ## MLflow UI on loopback; `python -m pipelines.track` first puts all that is here into it
	$(BIN)/mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}" --host 127.0.0.1

bench: env ## speed, measured by pytest-benchmark
	$(BIN)/python -m pytest tests/performance --benchmark-enable --benchmark-only

lint: env ## what CI checks besides the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

lock: env ## pyproject.toml → requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --extra dev --extra sweep --no-header --quiet --output-file requirements.lock pyproject.toml

clean: ## results, caches and the environment go; fetched data stays
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .benchmarks runs trials trunks plots dvc_plots reports mlruns mlflow.db* study.db* ensembles/*/

env: $(BIN)/.built mlflow.db ## the environment in .venv, from the hash-pinned lock

mlflow.db: | $(BIN)/.built # its tables are made once, before several processes want them
	@env -u MLFLOW_TRACKING_URI $(BIN)/python -m benchmark.tracking.store

$(BIN)/.built: requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --requirement requirements.lock
	@echo 'import os; [os.environ.setdefault(k, v) for k, v in (("MLFLOW_DISABLE_TELEMETRY", "true"), ("DVC_NO_ANALYTICS", "1"))]' \
	  > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/no_telemetry.pth"
	@touch $@
