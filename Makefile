# Two commands matter: `make demo` and `make test`. Each sets up what it needs.
SHELL := bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON := .venv/bin/python
# Two files at a time: two cores. tests/conftest.py has the order.
PYTEST := -m pytest --numprocesses 2
MODEL := models/handover.tar.gz
BOT := $(wildcard config.yml domain.yml handover_channel/rasa/policy.py) $(shell find data -name '*.yml' 2>/dev/null)

export RASA_TELEMETRY_ENABLED := false
export SQLALCHEMY_SILENCE_UBER_WARNING := 1
export TF_CPP_MIN_LOG_LEVEL := 2
# Tests start processes by the dozen: each would compile all of ours again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup train demo check unit test test-next test-pro try-pro lint docs docs-site dist bench clean

help:
	@echo "make demo       talk to the bot in a Messenger on this machine"
	@echo "make check      lint, and the unit tests without databases and browser: the inner loop"
	@echo "make test       set up, train, and run every test"
	@echo "make test-next  all that imports no Rasa, on Python 3.12 or later and SQLAlchemy 2"
	@echo "make test-pro   what can be tested of Rasa Pro 3.21 without a licence, on Python 3.12"
	@echo "make try-pro    a CALM bot from training to the way back; needs RASA_LICENSE"
	@echo "make lint       ruff, mypy, import contracts"
	@echo "make docs       write the tables of docs/settings.md, doctor.md and troubleshooting.md from the code"
	@echo "make docs-site  the documentation as a site, in site/; a dead link is an error"
	@echo "make dist       the source distribution and the wheel, in dist/"
	@echo "make bench      measure, beside Rasa's own channel, and write docs/benchmarks.md (ONLY=ack: one figure;"
	@echo "                RUNS=3: everything three times, into one document; RENDER=3: that from three runs made before)"
	@echo "make setup      .venv from the pinned requirements"
	@echo "make train      train the example bot"

# --- set-up ---------------------------------------------------------------------------------------

setup: .venv/.complete

.venv/.complete: requirements.txt pyproject.toml
	@.ci/venv .venv requirements.txt 3.10
	@touch $@

.venv-next/.complete: requirements-next.txt pyproject.toml
	@.ci/venv .venv-next requirements-next.txt 3.12 3.13
	@touch $@

# The file is complete: pip need not read what each of 240 packages needs.
.venv-pro/.complete: requirements-pro.txt pyproject.toml
	@PIP_NO_DEPS=1 .ci/venv .venv-pro requirements-pro.txt 3.12
	@touch $@

# --- the bot --------------------------------------------------------------------------------------

train: $(MODEL)

# touch: Rasa leaves the file alone when it finds nothing new in the training data.
$(MODEL): $(BOT) | setup
	.venv/bin/rasa train --out models --fixed-model-name handover
	@touch $@

demo: setup
	@.venv/bin/handover demo

# --- checks ---------------------------------------------------------------------------------------

# Lint and tests at the same time: two cores.
check: setup
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint unit

unit: setup
	$(PYTHON) $(PYTEST) -q -m "not postgres and not redis and not browser" tests/unit

test: setup train
	$(PYTHON) $(PYTEST)

# A few examples of each property, no browser and no Node.js: in CI, `make test` has them.
# Without a Python of that age there is nothing to run: said aloud, and an error in CI.
test-next:
	@if .ci/find-python 3.12 3.13 >/dev/null; then \
	  $(MAKE) --no-print-directory .venv-next/.complete && \
	    .venv-next/bin/python $(PYTEST) -m "not rasa and not browser and not node" --hypothesis-profile quick; \
	else \
	  echo "make test-next: SKIPPED, there is no Python 3.12 or 3.13 (with venv) on this machine" >&2; \
	  [ "$${CI:-}" != true ]; \
	fi

# LiteLLM, which Rasa Pro imports, asks the network for prices otherwise.
test-pro try-pro: export LITELLM_LOCAL_MODEL_COST_MAP := True
test-pro:
	@if .ci/find-python 3.12 >/dev/null; then \
	  $(MAKE) --no-print-directory .venv-pro/.complete && .venv-pro/bin/python -m pytest tests/pro; \
	else \
	  echo "make test-pro: SKIPPED, there is no Python 3.12 (with venv) on this machine" >&2; \
	  [ "$${CI:-}" != true ]; \
	fi

try-pro: .venv-pro/.complete
	@PATH="$(CURDIR)/.venv-pro/bin:$$PATH" tests/pro/try_with_licence

lint: setup
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

# --- documents ------------------------------------------------------------------------------------

docs: setup
	$(PYTHON) -m handover_channel.settings.reference docs/settings.md
	$(PYTHON) -m handover_channel.doctor.reference docs/doctor.md
	$(PYTHON) docs/messages.py docs/troubleshooting.md
	$(PYTHON) -m handover_channel.testing.schema handover_channel/testing/scenario.schema.json

.venv-docs/.complete: requirements-docs.txt
	@"$$(.ci/find-python 3.10 3.11 3.12 3.13)" -m venv --clear .venv-docs
	@.venv-docs/bin/python -m pip --disable-pip-version-check --quiet install -r requirements-docs.txt
	@touch $@

docs-site: .venv-docs/.complete
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet

# --- packages -------------------------------------------------------------------------------------

dist: setup
	rm -rf build dist
	$(PYTHON) -c "import setuptools.build_meta as backend; backend.build_sdist('dist')" >/dev/null
	$(PYTHON) -m pip --disable-pip-version-check --quiet wheel --no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz
	@ls dist

# --- figures --------------------------------------------------------------------------------------

# Nothing else should run meanwhile; docs/benchmarks.md says how long each figure took. BENCH_SCALE=0.1 takes a tenth of the counts.
bench: setup
	@$(PYTHON) -m bench $(if $(RUNS),--runs $(RUNS)) $(if $(RENDER),--render $(RENDER)) $(ONLY)

clean:
	rm -rf .venv .venv-next .venv-pro .venv-docs build dist site models .rasa .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
