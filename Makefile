# What people do here most. Some of the tests: make test TESTS=tests/render
PYTHON ?= python
DIST ?= dist
TESTS ?= tests

.PHONY: run test check format wheel picture

run:  ## serve the page
	$(PYTHON) app.py

test:  ## run the tests, or some of them
	$(PYTHON) -m pytest $(TESTS)

check:  ## lint, layout and types
	ruff check .
	ruff format --check .
	pyright

format:  ## put the layout right, and what else can be mended by itself
	ruff check --fix .
	ruff format .

wheel:  ## build the package, with the default weights inside
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir $(DIST) .

picture:  ## draw the house in CONTRIBUTING.md anew
	$(PYTHON) -m tests.architecture_picture
