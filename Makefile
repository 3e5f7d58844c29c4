# `make demo` shows the whole way, `make test` runs the tests. Both make .venv first if need be.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
HOMEWORKS := hw1 hw2 hw3

export OMP_NUM_THREADS := 1

.PHONY: help demo verify test test-all lint starter

help:
	@echo "make demo      verify, release and grade the class in examples/"
	@echo "make verify    hold every hidden suite to its known mistakes and equivalents"
	@echo "make test      the fast tests"
	@echo "make test-all  every test, minutes"
	@echo "make lint      ruff and mypy"
	@echo "make starter   write starter_code/ again"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Installing into $(VENV)/ (minutes, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --retries 10 --constraint constraints.txt --editable '.[dev]'
	@touch $@

# The gate over every homework takes minutes (`make verify`); the demo shows it on the smallest.
# `grade` ends with 1 where a submission could not be read, and examples/ has such ones on purpose.
demo: $(READY)
	$(BIN)/autograder verify hw0
	$(BIN)/autograder release $(HOMEWORKS) --out dist
	@for hw in $(HOMEWORKS); do \
		$(BIN)/autograder grade $$hw examples/$$hw --out results/$$hw --jobs 2 || [ $$? -eq 1 ] || exit 1; \
	done

verify: $(READY)
	$(BIN)/autograder verify

test: $(READY)
	$(BIN)/python -m pytest

test-all: $(READY)
	$(BIN)/python -m pytest -m ""

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

starter: $(READY)
	$(BIN)/autograder starter
