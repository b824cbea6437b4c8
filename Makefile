# What a fresh clone needs: python3 (3.11 or newer), npm, make and package indexes for both.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/.ready
CONFIG := $(CURDIR)/pyproject.toml
PROJECT := {{cookiecutter.project_slug}}
BIOME := scripts/lint/node_modules/.bin/biome
DEMO := build/booking-bot

# Nothing that runs inside the braces directory may leave a cache there: it would be rendered.
export PYTHONDONTWRITEBYTECODE = 1
export RUFF_CACHE_DIR = $(CURDIR)/build/ruff
export MYPY_CACHE_DIR = $(CURDIR)/build/mypy

.PHONY: help demo test check in-place fast slow clean

help:
	@echo 'make demo   generate a project into build/ and talk to its bot'
	@echo 'make test   all of these, from quick to slow:'
	@echo '  make check     lint, types and which way imports run, of the template and of the project in it'
	@echo '  make fast      hooks, answers, and every combination of answers rendered'
	@echo '  make in-place  the tests of the toolkit and of the bot, inside the template directory'
	@echo '  make slow      generated projects in fresh environments, their wheel, and cruft update'
	@echo 'make clean  remove what these made'

demo: $(READY)
	@rm -rf $(DEMO)
	@$(BIN)/cookiecutter . --no-input --output-dir build
	@$(MAKE) --silent --directory $(DEMO) .venv/.ready
	@echo
	@cd $(DEMO) && for line in 'I want to book' 'Haircut' 'Tomorrow 2pm'; do \
	  echo "> $$line"; \
	  echo "$$line" | .venv/bin/python -m bot chat 2> chat.log || { cat chat.log; exit 1; }; \
	done

test: check fast in-place slow

# The generated pyproject.toml is Jinja, not TOML, until it is rendered; then it is checked too.
check: $(READY) $(BIOME)
	$(BIN)/ruff check --config $(CONFIG) --extend-exclude pyproject.toml .
	$(BIN)/ruff format --check --config $(CONFIG) .
	MYPYPATH='$(PROJECT)/src:$(PROJECT)/tests/toolkit/storage' $(BIN)/mypy --exclude tests/typing/wrong hooks tests scripts *.py
	cd '$(PROJECT)' && $(BIN)/mypy --config-file $(CONFIG)
	$(BIOME) check --config-path scripts/lint --error-on-warnings '$(PROJECT)/src/toolkit/harness/simulator/static'
	$(BIN)/pytest --quiet tests/test_arrows.py

fast: $(READY)
	$(BIN)/pytest --timeout 180 -m 'not slow' -n auto tests

in-place: $(READY)
	cd '$(PROJECT)' && PYTHONPATH=src $(BIN)/python -m pytest -c $(CONFIG) --rootdir . -p no:cacheprovider -n auto --timeout 180

# More workers than cores: many of these tests wait for processes of their own.
slow: $(READY)
	$(BIN)/pytest -m slow -n 3 tests

clean:
	rm -rf build $(VENV) scripts/lint/node_modules

$(READY): pyproject.toml
	@echo 'Installing into $(VENV), once.'
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Python 3.11 or newer is needed, and this is %d.%d; try: make PYTHON=python3.12" % v[:2])'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(READY)

# Checks the simulator's JavaScript and CSS; no generated project has it.
$(BIOME): scripts/lint/package-lock.json
	@command -v npm >/dev/null || { echo 'npm is needed: install Node.js 18 or newer'; exit 1; }
	@npm ci --prefix scripts/lint --loglevel error --no-audit --no-fund >&2
	@touch $@
