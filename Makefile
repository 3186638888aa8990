# Two commands matter: `make demo` and `make test`. Both set up what they need and reuse it.
PYTHON ?= python3.11
LIGHT_PYTHON ?= $(PYTHON)
VENVS := .venvs
UV := $(VENVS)/tools/bin/uv
PYTEST_ARGS ?=
# Processes for the tests of the portable engine, whose frameworks compile on one core.
JOBS ?= auto
# Extra arguments for installing torch, e.g. an index that serves CPU-only builds.
TORCH_PIP_ARGS ?=
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: help demo test test-main test-tf-keras test-portable test-light test-legacy ops fuzz lint format schema lock clean

help:
	@echo "make demo    the main job on real data: train, export, serve, load, fine-tune, publish"
	@echo "make test    the tests in all environments: main, main with tf_keras, the portable"
	@echo "             engine on each backend, light, legacy"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make ops     every case of every op of the portable engine, on each backend"
	@echo "make fuzz    100,000 damaged files for the parsers; takes a while"
	@echo "make schema  compile the .proto files of the SavedModel format"
	@echo "make lock    resolve requirements/*.in to the newest versions"

demo: $(VENVS)/demo/.ready
	$(VENVS)/demo/bin/python demo/main.py

test: test-main test-tf-keras test-portable test-light test-legacy

test-main: $(VENVS)/main/.ready
	$(VENVS)/main/bin/python -m pytest --ignore=tests/engines/portable $(PYTEST_ARGS)

test-tf-keras: $(VENVS)/main/.ready
	TF_USE_LEGACY_KERAS=1 $(VENVS)/main/bin/python -m pytest tests/keras tests/seeds $(PYTEST_ARGS)

test-portable: $(VENVS)/main/.ready
	KERAS_BACKEND=jax $(VENVS)/main/bin/python tools/make_supported_ops.py --check
	set -e; for backend in jax torch tensorflow; do echo "portable engine on $$backend"; \
	  KERAS_BACKEND=$$backend $(VENVS)/main/bin/python -m pytest -n $(JOBS) tests/engines/portable $(PYTEST_ARGS); done

test-light: $(VENVS)/light/.ready
	$(VENVS)/light/bin/python -m pytest --ignore=tests/engines/portable $(PYTEST_ARGS)
	set -e; for backend in jax torch; do echo "portable engine on $$backend, no TensorFlow"; \
	  KERAS_BACKEND=$$backend $(VENVS)/light/bin/python -m pytest -n $(JOBS) tests/engines/portable $(PYTEST_ARGS); done

test-legacy: $(VENVS)/legacy/.ready
	$(VENVS)/legacy/bin/python -m pytest tests/keras tests/seeds tests/engines tests/savedmodel tests/graph \
	  --ignore=tests/engines/portable $(PYTEST_ARGS)

ops: $(VENVS)/main/.ready
	set -e; for backend in jax torch tensorflow; do echo "every case of every op on $$backend"; \
	  ANYHUB_ALL_CASES=1 KERAS_BACKEND=$$backend $(VENVS)/main/bin/python -m pytest -q \
	    -n $(JOBS) tests/engines/portable/ops $(PYTEST_ARGS); done

fuzz: $(VENVS)/light/.ready
	$(VENVS)/light/bin/python tests/savedmodel/fuzz/run_all.py --count 100000

lint: $(VENVS)/lint/.ready
	$(VENVS)/lint/bin/ruff check .
	$(VENVS)/lint/bin/ruff format --check .
	$(VENVS)/lint/bin/mypy
	PYTHONPATH=src $(VENVS)/lint/bin/lint-imports
	$(VENVS)/lint/bin/python tools/make_schema.py --check

format: $(VENVS)/lint/.ready
	$(VENVS)/lint/bin/ruff check --fix .
	$(VENVS)/lint/bin/ruff format .

schema: $(VENVS)/lint/.ready
	$(VENVS)/lint/bin/python tools/make_schema.py

lock: $(UV)
	for name in demo main light legacy lint; do \
	  $(UV) pip compile -q --upgrade --no-emit-index-url --no-header --python-version 3.11 \
	    requirements/$$name.in -o requirements/$$name.txt || exit 1; done

$(UV):
	$(PYTHON) -m venv $(VENVS)/tools
	$(VENVS)/tools/bin/pip install -q -r requirements/tools.txt

# torch comes by pip: the resolver of uv does not look where a local CPU build may lie.
define torch_venv
	$(UV) venv -q --clear --seed --python $(PYTHON) $(VENVS)/$*
	$(VENVS)/$*/bin/python -m pip install -q --no-deps $(TORCH_PIP_ARGS) -r requirements/torch.txt
	$(UV) pip install -q --compile-bytecode --python $(VENVS)/$* -r requirements/$*.txt
	$(UV) pip install -q --python $(VENVS)/$* --no-deps -e .
	touch $@
endef

$(VENVS)/light/.ready: PYTHON := $(LIGHT_PYTHON)
$(VENVS)/main/.ready $(VENVS)/light/.ready: $(VENVS)/%/.ready: requirements/%.txt requirements/torch.txt pyproject.toml $(UV)
	$(torch_venv)

$(VENVS)/%/.ready: requirements/%.txt pyproject.toml $(UV)
	$(UV) venv -q --clear --python $(PYTHON) $(VENVS)/$*
	$(UV) pip install -q --compile-bytecode --python $(VENVS)/$* -r requirements/$*.txt
	$(UV) pip install -q --python $(VENVS)/$* --no-deps -e .
	touch $@

clean:
	rm -rf $(VENVS) .demo dist
