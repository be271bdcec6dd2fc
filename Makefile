# `make book` builds the book, `make test` passes the tests; both do all the set-up they need.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: book test pdf slides workshop check colab sabotage lab data members sync diagrams lint lock bench recorded clean help

book: $(VENV)/ready            ## build the book into _build/html
	@$(RUN) site/build.py

test: book                     ## build, then run every test, in a real browser too
	@$(RUN) site/browser.py
	@$(RUN) site/downloads.py pdf slides workshop
	@$(RUN) -m pytest -q -n 2 --dist loadfile

pdf: book                      ## the whole book as one PDF, in _build/downloads and on the site
	@$(RUN) site/browser.py
	@$(RUN) site/downloads.py pdf

slides: book                   ## a deck of slides for each chapter, offline
	@$(RUN) site/downloads.py slides

workshop: $(VENV)/ready        ## student notebooks, package and data in one zip (WHEELS=1: all packages too)
	@$(RUN) site/downloads.py workshop $(if $(WHEELS),--wheels)

check:                         ## what this machine lacks for the book, and how to mend it
	@if [ -x $(RUN) ]; then $(RUN) recbook/book/setup_check.py; else $(PYTHON) recbook/book/setup_check.py; fi

colab: $(VENV)/ready data      ## chapters as Colab runs them, on Python 3.12: make colab CHAPTERS="01 05"
	@$(RUN) tests/chapters/colab.py $(CHAPTERS)

sabotage: $(VENV)/ready members ## break every claim on purpose, see it fail (an hour; CI: weekly)
	@$(RUN) tests/chapters/sabotage.py

lab: $(VENV)/ready data        ## open JupyterLab on the chapters
	@$(RUN) -m jupyter lab --notebook-dir=chapters --LabApp.default_url=/lab/tree/01_concepts.ipynb

data: $(VENV)/ready            ## fetch and verify the data sets
	@$(RUN) -m recbook.data

members: $(VENV)/ready data    ## fit what the fusions are made of, once (minutes; the build does it)
	@$(RUN) -m recbook.fusion

sync: $(VENV)/ready            ## notebooks and text twins in step, no outputs, one address
	@$(RUN) site/sync.py

diagrams: $(VENV)/ready        ## draw the Mermaid diagrams that changed (needs a browser and npm)
	@$(RUN) site/browser.py
	@$(RUN) site/diagrams.py

lint: $(VENV)/ready            ## what the tests check of style, mended where it can be
	@$(RUN) -m ruff format . && $(RUN) -m ruff check --fix .

bench: $(VENV)/ready data      ## side-by-side timings against peers
	@for script in benchmarks/*.py; do $(RUN) $$script || exit 1; done

recorded: $(VENV)/ready data   ## measure again what the build cannot: five seeds, longer runs (over an hour)
	@for script in $$(ls benchmarks/recorded/*.py | grep -v record.py); do \
		$(RUN) $$script seeds && $(RUN) $$script longer || exit 1; done

lock: $(VENV)/ready            ## renew requirements.lock from pyproject.toml
	@$(RUN) -m pip install -q uv
	@$(RUN) -m uv pip compile -q --universal --python-version 3.11 --generate-hashes --all-extras \
	    --no-header --upgrade pyproject.toml -o requirements.lock

clean:                         ## remove what was built; the data stay
	rm -rf _build

help:                          ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/:/'

$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); \
	    sys.exit(None if ok else "recbook needs Python 3.11, 3.12 or 3.13, and this is %d.%d: name one, as in make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "setting up $(VENV) (once; about two minutes)"
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	@$(RUN) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
