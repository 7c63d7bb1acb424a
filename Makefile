# Everything that a developer does, by one name each. `make help` lists it.
# A fresh machine needs only make and Python 3.11 or later: each target makes .venv and installs into it, once.

SHELL  := /bin/bash
PYTHON ?=
ARGS   ?=
BIN    := .venv/bin
# What an installation depends on; a change in either installs again.
PINS   := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo dagster test faults bench loss pictures lint format clean

help: ## list what there is
	@echo "pgpredict: make what?"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.installed-demo ## real flights, two models, every row compared with scikit-learn
	@$(BIN)/pgpredict demo $(ARGS)

dagster: .venv/.installed-demo .venv/.installed-dagster ## two models and a learner on those flights in Dagster, with its UI; Ctrl-C stops it
	@$(BIN)/python -m dagster_project.serve $(ARGS)

# One thread for each worker: scikit-learn's would wait for each other's turn on the same cores.
test: .venv/.installed-dev ## all tests, on Postgres 18 and 16; ARGS='tests/sql -k promote' runs some
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

bench: .venv/.installed-bench ## the benchmarks, as ratios from one run; ARGS=boosting runs one
	@$(BIN)/python -m benchmarks $(ARGS)

loss: .venv/.installed-bench ## the picture of a learner on the flights of a year, beside models of scikit-learn
	@$(BIN)/python -m benchmarks.running_loss $(ARGS)

faults: .venv/.installed-dev ## 200 kills while rows go into streams, 100 while learners learn; none is lost or double
	@$(BIN)/python -m tests.faults $(ARGS)

pictures: .venv/.installed-dev ## screenshots for the documents, of a `make dagster` that has done everything
	@$(BIN)/python -m tests.dagster_project.pictures $(ARGS)

lint: .venv/.installed-dev ## style, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.installed-dev ## rewrite the code in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove .venv and every cache
	rm -rf .venv .dagster .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

.venv/.installed-%: $(PINS) | .venv/bin/python
	@echo "installing pgpredict[$*] into .venv (once, about a minute)"
	@set -o pipefail; $(BIN)/python -u -m pip install --disable-pip-version-check \
		--constraint constraints.txt --editable '.[$*]' 2>&1 | awk '$(NAMES)'
	@touch $@

# Of what pip says: the names of the packages, to see that it works; and all that follows an error.
define NAMES
tolower($$1) ~ /^error/ { failed = 1 } \
failed { print; next } \
/^(Collecting|Processing)/ { \
	sub(/.*\//, "", $$2); sub(/-[0-9].*|[^A-Za-z0-9._-].*/, "", $$2); printf " %s", $$2; fflush() } \
/^Installing collected/ { print "\n putting them in place"; fflush() }
endef

# PYTHON=... names an interpreter; otherwise the first of these that is new enough.
.venv/bin/python:
	@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
				echo "error: $$python has no venv module" >&2; \
				echo "  do: install it (on Debian and Ubuntu: apt install python3-venv)" >&2; \
				exit 1; \
			fi; \
			exec "$$python" -m venv .venv; \
		fi; \
	done; \
	found=$$($(or $(PYTHON),python3) --version 2>&1 | tail -n 1); \
	echo "error: pgpredict needs Python 3.11 or later; found: $${found:-none}" >&2; \
	echo "  do: install one, or name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
	exit 1
