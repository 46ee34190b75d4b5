# What people and CI run; every target sets up what it needs. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3.11
TORCH := $(shell sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.in)
# another index for torch alone, such as that of its CPU builds
TORCH_INDEX ?=
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# DVC's own default is a folder that every user of the machine may write
export DVC_SITE_CACHE_DIR := $(CURDIR)/.dvc/tmp/flywheel/site-cache

# Telemetry of every tool is off, and nothing looks for an account.
export DO_NOT_TRACK := 1
export DVC_NO_ANALYTICS := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export GX_ANALYTICS_ENABLED := false
export HF_HUB_DISABLE_TELEMETRY := 1
export HF_HUB_OFFLINE ?= 1
export WANDB_ERROR_REPORTING := false
export MLFLOW_DISABLE_TELEMETRY := true

.DEFAULT_GOAL := help
.PHONY: help setup run repro sweep up serve down releases promote rollback ingest release-feedback forget monitor trace demo restore doctor test check soak lock clean \
	tensorboard mlflow \
	bench-train bench-parallel bench-growth bench-plan bench-sweep bench-tracking \
	bench-quality bench-clean bench-validate bench-orchestration bench-serving bench-ingest bench-attack

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: .venv/.complete ## make .venv from requirements.lock
.venv/.complete: requirements.lock requirements.in
	$(PYTHON) -m venv --clear .venv
	.venv/bin/pip install --no-deps --require-hashes -r requirements.lock
	.venv/bin/pip install $(addprefix --index-url ,$(strip $(TORCH_INDEX))) $(TORCH)  # its CUDA build brings its libraries
	.venv/bin/pip check
	touch $@

run: setup ## one full turn on the data of params.yaml, ending with a table
	@python -m flows.flywheel

repro: setup ## the same by plain dvc repro, under the same lock
	@python -m flows.reproduce

sweep: setup ## search hyperparameters: make sweep NAME=name goes on with that one; WINNER=1 then runs the winner as a candidate
	@python -m flows.sweep $(if $(NAME),--name $(NAME)) $(if $(WINNER),--run-winner)

up: setup ## start Prefect (UI, API, worker) here, with the deployments of prefect.yaml
	@python -m flows.services.up

serve: setup ## the prediction service alone, on port 8000 (PORT=...), until Ctrl-C; `make up` has it, too
	@exec python -m serving $(if $(PORT),--port $(PORT))

down: setup ## end what `make up` started
	@python -m flows.services.down

releases: setup ## every release, what the gate said, what is live, and who changed it when and why
	@python -m tasks.release list
	@echo
	@python -m tasks.release history

promote: setup ## make a release live, step by step: make promote VERSION=v1.2.0 WHY='...' (DESPITE=1: also a refused one)
	@python -m flows.promote "$$VERSION" --why "$$WHY" $(if $(DESPITE),--despite-verdict)

# what runs is good enough to go back: an emergency does not wait for a newer lock's packages
rollback: $(if $(wildcard .venv/bin/python),,setup) ## make an earlier release live at once: make rollback WHY='...' (TO=v1.1.0; without TO: what was live before)
	@python -m flows.rollback_now $(if $(TO),--to "$$TO") --why "$$WHY"

monitor: setup ## look at the live side once: drift, quality by corrections, volume; the report is live/monitor/report.html
	@python -m flows.monitor

restore: setup ## bring data, params and model of a run back: make restore RUN=name (without RUN: list them)
	@python -m flows.restore $(RUN)

ingest: setup ## feedback from the service's store into data/feedback; odd floods are held
	@python -m flows.ingest_feedback

release-feedback: setup ## what is held; accept it: WHY='...' (PARTITION=name for one, REJECT=1 to keep it out)
	@python -m flows.release_feedback $(PARTITION) --why "$$WHY" $(if $(REJECT),--reject)

trace: setup ## one correction, from its request to the models that learnt from it: make trace EVENT=event_id
	@python -m flows.trace "$$EVENT"

demo: setup ## the loop closes: a source that no file has comes in by corrections alone, within minutes (TURNS=5: a learning curve)
	@python -m benchmarks.demo $(if $(TURNS),--turns $(TURNS))

forget: setup ## take what a person said out of everything: RATER=name (CLIENT=key_id, where keys are on), or PREDICTION=id
	@python -m flows.forget $(if $(RATER),--rater "$$RATER") $(if $(CLIENT),--client "$$CLIENT") \
		$(if $(PREDICTION),--prediction "$$PREDICTION")

doctor: setup ## hash everything in DVC's cache and remote again; MEND=1 sets damaged objects aside
	@python -m flows.doctor $(if $(MEND),--mend)

tensorboard: setup ## the trainings that TensorBoard was told of, on 127.0.0.1, PORT=6006
	@mkdir -p .run/tracking/tensorboard
	@python -m tensorboard.main --logdir .run/tracking/tensorboard --host 127.0.0.1 --port $(or $(PORT),6006)

mlflow: .bench/mlflow/.complete ## the trainings that MLflow was told of, on 127.0.0.1, PORT=5000
	@mkdir -p .run/tracking/mlflow
	@.bench/mlflow/bin/mlflow server --host 127.0.0.1 --port $(or $(PORT),5000) --workers 1 \
		--backend-store-uri sqlite:///.run/tracking/mlflow/mlflow.db
.bench/mlflow/.complete: requirements-mlflow.lock
	$(PYTHON) -m venv --clear .bench/mlflow
	.bench/mlflow/bin/pip install --quiet --no-deps --require-hashes -r requirements-mlflow.lock
	touch $@

test: setup ## the whole test suite
	@pytest -n 2

check: setup ## format, lint, types, import contracts, architecture and fast tests
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	pytest -q -n 2 -m "not slow"

bench-train: setup ## examples/s, tokens/s and MFU beside transformers' Trainer, plain PyTorch and Lightning
	@pip install --quiet --no-deps --target .bench/train -r benchmarks/train-requirements.txt
	@PYTHONPATH=.bench/train python -m benchmarks.train

bench-sweep: setup ## epochs that Hyperband spends beside full random search, at which quality
	@python -m benchmarks.sweep

bench-parallel: setup ## ddp and fsdp on two processes beside one process on all threads
	@python -m benchmarks.parallel

bench-growth: setup ## how an epoch's time grows with rows and with parameters
	@python -m benchmarks.growth

bench-quality: setup ## the candidate beside TF-IDF, VADER and the paper, per source
	@python -m benchmarks.quality

bench-clean: setup ## speed of cleaning and of near-duplicate clustering, recall of planted twins
	@python -m benchmarks.clean

bench-validate: setup ## time of stage validate on 1,000,000 rows
	@python -m benchmarks.validate

bench-plan: setup ## the planner's memory and time beside what real trainings need
	@python -m benchmarks.plan

bench-orchestration: setup ## overhead of the flow beside plain DVC, ZenML, Metaflow, Dagster and Kedro
	@python -m benchmarks.orchestration

bench-serving: setup ## the prediction service beside FastAPI, LitServe, BentoML, MLflow and ONNX Runtime alone
	@python -m benchmarks.serving

bench-ingest: setup ## rows/s from the store to partitions beside ADBC to Parquet alone (ROWS=10000000)
	@python -m benchmarks.ingest

bench-attack: setup ## accounts that flip every other label, in the clone that make demo left: their weight, and what they bring about
	@python -m benchmarks.attack

bench-tracking: setup ## time of a training with each tracker on, and with W&B's server away
	@python -m benchmarks.tracking

soak: setup ## 200 kills at random moments of a run, 1,000 swaps, 50 restarts and 200,000 hostile bodies under load
	@KILLS=200 SWAPS=1000 RESTARTS=50 BODIES=200000 pytest -q -s --timeout 7200 \
		tests/flows/test_kills.py tests/serving/test_swap.py tests/serving/test_hostile.py

lock: setup ## recompile requirements.lock from requirements.in, and MLflow's own lock after it
	pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links \
		--unsafe-package torch --output-file requirements.lock requirements.in
	sed -n 's/^mlflow-skinny\(==[^ ]*\).*/mlflow\1/p' requirements.lock | pip-compile --quiet \
		--generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links \
		--output-file requirements-mlflow.lock -

clean: ## remove what the stages wrote and what the tools cached; raw data, feedback, records in .run, DVC's cache and .venv stay
	find data -mindepth 1 -maxdepth 1 ! -name raw ! -name feedback ! -name .rescued -exec rm -rf {} +
	[ ! -d .run ] || find .run -mindepth 1 -maxdepth 1 ! -name tracking ! -name sweeps ! -name plan -exec rm -rf {} +
	rm -rf models .mypy_cache .ruff_cache .import_linter_cache .hypothesis
