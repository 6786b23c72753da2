# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
STAMP := .venv/.installed
RESULTS ?= results
FAST := tests/config tests/geometries tests/interop \
	tests/quadrature/test_samplers.py tests/tracking/test_store.py tests/test_layers.py tests/test_registry.py tests/test_sweep.py

.PHONY: run test test-fast test-slow bench docs setup lint clean

run: setup  ## the quickstart: Gaussian and neural orbitals of two molecules beside PySCF; FULL=1 for thirty runs
	$(BIN)/nnks quickstart $(if $(FULL),--full) --results=$(RESULTS)

test: setup lint  ## style, types, then every test
	$(BIN)/python -m pytest -q --cov=nnks --cov-report= --cov-fail-under=95

test-fast: setup  ## the daily round: config, geometries, input, layers, stores
	$(BIN)/python -m pytest -q $(FAST)

test-slow: setup  ## what `make test` leaves out: what repeats others (tests/slow.txt), whole molecules, limits; more than an hour
	$(BIN)/python -m pytest -q -m slow

bench: setup  ## timings beside PySCF, growth, steps of minibatches, variances, hard cases: results/benchmarks, about an hour on two cores
	$(BIN)/python -m benchmarks.convergence
	$(BIN)/python -m benchmarks.series
	$(BIN)/python -m benchmarks.minibatch
	$(BIN)/python -m benchmarks.variance
	$(BIN)/python -m benchmarks.robustness
	$(BIN)/python -m benchmarks.overhead
	$(BIN)/python -m benchmarks.page

docs: setup  ## the documentation site in site/, read without a network: open site/index.html
	$(BIN)/mkdocs build --strict

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --level error

setup: $(STAMP)  ## creates .venv and installs nnks with the pinned versions

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]' --constraint constraints.txt
	touch $(STAMP)

clean:
	rm -rf .venv .pytest_cache .ruff_cache site
