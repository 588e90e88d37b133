# One command for each habit; CONTRIBUTING.md explains them.
# Every one sets up what it needs first, in .venv and build/, and nowhere else.

PYTHON ?= python3

.PHONY: help demo test quick lint fix types unit end-to-end docs wheel bench clean

help:            ## say what there is
	@sed -n 's/^\([a-z][a-z -]*\):.*## /  make \1\t/p' Makefile | expand -t 40

demo:            ## set up, then analyze, lock, pack and run an example in an empty environment
	@PYTHON=$(PYTHON) sh scripts/setup.sh run
	@sh scripts/demo.sh

test:            ## set up, then run everything that CI runs
	@PYTHON=$(PYTHON) sh scripts/setup.sh test
	@sh scripts/test.sh

quick:           ## lint, types, import contracts and unit tests, in under two minutes
	@PYTHON=$(PYTHON) sh scripts/setup.sh develop
	@sh scripts/test.sh quick

lint types unit end-to-end docs: ## one part of the tests
	@PYTHON=$(PYTHON) sh scripts/setup.sh develop
	@sh scripts/test.sh $@

fix:             ## format, mend what the linter can, write the generated reference again
	@PYTHON=$(PYTHON) sh scripts/setup.sh develop
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	.venv/bin/python scripts/generate_reference.py

wheel:           ## build the wheel into dist/
	@PYTHON=$(PYTHON) sh scripts/setup.sh develop
	.venv/bin/uv build --wheel --out-dir dist .

bench:           ## measure the speeds that docs/explanation/speed.md speaks of
	@PYTHON=$(PYTHON) sh scripts/setup.sh develop
	.venv/bin/python benchmarks/run.py

clean:           ## remove everything these commands made
	rm -rf .venv build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
