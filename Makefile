# What a fresh clone needs: python3 (3.11 to 3.14), npm, make and package indexes for both.

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/.ready
CONFIG := $(CURDIR)/pyproject.toml
PROJECT := {{cookiecutter.project_slug}}
# One more than there are cores: tests wait for one another's servers, and for the clock.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
BIOME := scripts/lint/node_modules/.bin/biome
TSC := scripts/lint/node_modules/.bin/tsc
TOOLS := build/tools
DEMO := build/booking-bot
SITE := build/site
export UV_PYTHON_DOWNLOADS = never

# Nothing that runs inside the braces directory may leave a cache there: it would be rendered.
export PYTHONDONTWRITEBYTECODE = 1
export RUFF_CACHE_DIR = $(CURDIR)/build/ruff
export MYPY_CACHE_DIR = $(CURDIR)/build/mypy

.PHONY: help demo site test missing check in-place fast slow lowest clean

help:
	@echo 'make demo     generate a project into build/ and talk to its bot'
	@echo 'make site     build the documentation as a site; dead links end it'
	@echo 'make test     all of these, from quick to slow:'
	@echo '  make check     lint, types and which way imports run, of the template and of the project in it'
	@echo '  make fast      hooks, answers, and every combination of answers rendered'
	@echo '  make in-place  the tests of the toolkit and of the bot, inside the template directory'
	@echo '  make slow      generated projects in fresh environments, their wheel, and cruft update'
	@echo 'make missing  which servers are not installed, and what is not tested without them'
	@echo 'make lowest   the tests in place with the oldest releases that pyproject.toml allows'
	@echo 'make clean    remove what these made'

# The project is a new one each time, its environment is not.
demo: $(TOOLS)/.ready
	@rm -rf $(TOOLS)/demo
	@if [ -d $(DEMO)/.venv ]; then mv $(DEMO)/.venv $(TOOLS)/demo; fi
	@rm -rf $(DEMO)
	@$(TOOLS)/bin/cookiecutter . --no-input --output-dir build
	@if [ -d $(TOOLS)/demo ]; then mv $(TOOLS)/demo $(DEMO)/.venv; fi
	@PATH="$$PATH:$(CURDIR)/$(TOOLS)/bin" $(MAKE) --silent --directory $(DEMO) .venv/.ready
	@echo
	@unset PYTHONDONTWRITEBYTECODE; cd $(DEMO) && \
	  printf '%s\n' 'I want to book' 'Haircut' 'Tomorrow 2pm' | .venv/bin/python -m bot chat --echo

site: $(SITE)/tools/.ready
	@$(SITE)/tools/bin/python scripts/make_site.py --to $(SITE)

test: missing check fast in-place slow

missing:
	@$(PYTHON) scripts/missing_servers.py

# The generated pyproject.toml is Jinja, not TOML, until it is rendered; then it is checked too.
check: $(READY) $(BIOME)
	$(BIN)/ruff check --config $(CONFIG) --extend-exclude pyproject.toml .
	$(BIN)/ruff format --check --config $(CONFIG) .
	MYPYPATH='$(PROJECT)/src:$(PROJECT)/tests/toolkit/storage' $(BIN)/mypy --exclude tests/typing/wrong hooks tests scripts *.py
	cd '$(PROJECT)' && $(BIN)/mypy --config-file $(CONFIG)
	$(BIOME) check --config-path scripts/lint --error-on-warnings '$(PROJECT)/src/toolkit/harness/simulator/static'
	$(TSC) --project scripts/lint
	$(BIN)/pytest --quiet tests/test_arrows.py

fast: $(READY)
	$(BIN)/pytest --timeout 180 -m 'not slow' -n $(WORKERS) tests

in-place: $(READY)
	cd '$(PROJECT)' && PYTHONPATH=src $(BIN)/python -m pytest -c $(CONFIG) --rootdir . -p no:cacheprovider -n $(WORKERS) --timeout 180

# More workers than cores: many of these tests wait for processes of their own. One that hangs ends
# its worker, as a hanging loop may not heed a signal.
slow: $(READY)
	$(BIN)/pytest -m slow -n 5 --timeout 900 -o timeout_method=thread tests

lowest: build/lowest/.ready
	cd '$(PROJECT)' && PYTHONPATH=src $(CURDIR)/build/lowest/bin/python -m pytest -c $(CONFIG) --rootdir . -p no:cacheprovider -n auto --timeout 180

clean:
	rm -rf build $(VENV) scripts/lint/node_modules

# install FOLDER, PACKAGES: with uv, which is installed into the folder first where it is not on the
# path; with pip where that fails.
define install
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v < (3, 15) and "Python 3.11 to 3.14 is needed, and this is %d.%d; try: make PYTHON=python3.13" % v)'
	@echo 'Installing into $(1), once.'
	@$(PYTHON) -m venv $(1)
	@[ -n '$(UV)' ] || $(1)/bin/python -m pip install --quiet --quiet --disable-pip-version-check uv || true
	@if uv=$$(PATH="$$PATH:$(CURDIR)/$(1)/bin" command -v uv); then \
	  $$uv pip install --quiet --python $(1)/bin/python $(2); \
	else \
	  $(1)/bin/python -m pip install --quiet --quiet --disable-pip-version-check $(2); \
	fi
	@touch $@
endef

$(READY): pyproject.toml
	$(call install,$(VENV),--editable '.[test]')

build/lowest/.ready: pyproject.toml
	$(call install,build/lowest,--resolution lowest-direct --editable '.[test]')

$(SITE)/tools/.ready: pyproject.toml
	$(call install,$(SITE)/tools,--editable '.[site]')

$(TOOLS)/.ready: pyproject.toml
	$(call install,$(TOOLS),'cookiecutter>=2.6')

# Biome and TypeScript check the simulator's JavaScript and CSS; no generated project has them.
$(BIOME): scripts/lint/package-lock.json
	@command -v npm >/dev/null || { echo 'npm is needed: install Node.js 18 or newer'; exit 1; }
	@npm ci --prefix scripts/lint --loglevel error --no-audit --no-fund >&2
	@touch $@
