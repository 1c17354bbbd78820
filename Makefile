# What people do here most. Some of the tests: make test TESTS=tests/render
PYTHON ?= python
DIST ?= dist
TESTS ?= tests

.PHONY: run test check format wheel picture lock

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

lock:  ## write requirements.lock anew: what requirements.txt comes to on any machine, each file with its hash
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
		--custom-compile-command "make lock" --output-file requirements.lock requirements.txt
