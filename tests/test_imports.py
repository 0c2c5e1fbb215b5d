"""What is imported to load a model and encode one text: a module that nobody needs costs start-up and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from time_limit import LONGEST

# Of the standard library, beyond what numpy imports itself; C parts are named with an underscore.
STANDARD = {"__future__", "json", "json.decoder", "json.encoder", "json.scanner", "mmap", "typing", "zlib"}
OWN = {
    "m2v_lite",
    "m2v_lite.arguments",
    "m2v_lite.disk",
    "m2v_lite.errors",
    "m2v_lite.loading",
    "m2v_lite.model",
    "m2v_lite.embedding",
    "m2v_lite.embedding.dtypes",
    "m2v_lite.embedding.pooling",
    "m2v_lite.embedding.read_ahead",
    "m2v_lite.embedding.table",
    "m2v_lite.encoding",
    "m2v_lite.encoding.batches",
    "m2v_lite.encoding.compare_methods",
    "m2v_lite.encoding.encoder",
    "m2v_lite.encoding.more_methods",
    "m2v_lite.files",
    "m2v_lite.files.config",
    "m2v_lite.files.layouts",
    "m2v_lite.files.model_parts",
    "m2v_lite.files.reading",
    "m2v_lite.files.safetensors",
    "m2v_lite.files.save_methods",
    "m2v_lite.tokenization",
    "m2v_lite.tokenization.added_tokens",
    "m2v_lite.tokenization.in_arrays",
    "m2v_lite.tokenization.memo_limits",
    "m2v_lite.tokenization.vocabulary",
    "m2v_lite.tokenization.wordpiece",
    "m2v_lite.tokenization.wordpiece.normalizer",
    "m2v_lite.tokenization.wordpiece.one_text",
    "m2v_lite.tokenization.wordpiece.perfect_hash",
    "m2v_lite.tokenization.wordpiece.pieces",
    "m2v_lite.tokenization.wordpiece.token_tables",
    "m2v_lite.tokenization.wordpiece.tokenizer",
    "m2v_lite.tokenization.word_memo",
}
OF_A_PACKED_MODEL = {"m2v_lite.files.packed_format", "m2v_lite.tokenization.wordpiece.mapped_tables"}  # fmt: skip
OF_A_FOLDER = {
    "m2v_lite.embedding.freed_memory",
    "m2v_lite.tokenization.added_entries", "m2v_lite.tokenization.definition", "m2v_lite.tokenization.kinds", "m2v_lite.tokenization.tokenizer_json",
    "m2v_lite.tokenization.left_to_library", "m2v_lite.tokenization.wordpiece.supported",
    "m2v_lite.tokenization.wordpiece.token_tree",
}  # fmt: skip

FIRST_VECTOR = """
import sys
from m2v_lite import StaticModel
StaticModel.from_pretrained(sys.argv[1] or None).encode("a small board")
"""


def imported(program: str, *arguments: str) -> set[str]:
    """Return the modules that a program imports, those of Python's own start included."""
    command = [sys.executable, "-X", "importtime", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONGEST)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert "cumulative" in lines[0]
    return {line.rpartition("|")[2].strip() for line in lines[1:]}


@pytest.fixture(scope="module")
def of_numpy() -> set[str]:
    return imported("import numpy")


def assert_imports(modules: set[str], of_numpy: set[str], own: set[str]) -> None:
    """Assert that nothing is imported but what numpy imports, `own` and little of the standard library."""
    assert {name for name in modules if name.partition(".")[0] == "m2v_lite"} == own
    beyond = {name for name in modules - of_numpy - own if not name.startswith("_")}
    assert beyond <= STANDARD


def test_the_bundled_model(of_numpy: set[str]) -> None:
    assert_imports(imported(FIRST_VECTOR, ""), of_numpy, OWN | OF_A_PACKED_MODEL)


def test_a_folder_of_the_bert_kind(of_numpy: set[str], tiny: Callable[[str], Path]) -> None:
    modules = imported(FIRST_VECTOR, str(tiny("wordpiece-float32")))
    assert_imports(modules, of_numpy, OWN | OF_A_FOLDER)


def test_the_embedding_function_of_milvus(of_numpy: set[str]) -> None:
    program = """
from m2v_lite import Model2VecEmbeddingFunction
Model2VecEmbeddingFunction(None).encode_queries(["a small board"])
"""
    assert_imports(
        imported(program),
        of_numpy,
        OWN
        | OF_A_PACKED_MODEL
        | {
            "m2v_lite.integrations",
            "m2v_lite.integrations.milvus",
            "m2v_lite.encoding.texts",
            "m2v_lite.embedding.precision",
            "m2v_lite.encoding.requests",
            "m2v_lite.encoding.strategies",
        },
    )


@pytest.mark.parametrize("one_more", ["csv", "tokenizers", "m2v_lite.hub", "asyncio"])
def test_one_import_more_is_seen(one_more: str, of_numpy: set[str]) -> None:
    """The control."""
    modules = imported(f"import {one_more}\n{FIRST_VECTOR}", "")
    with pytest.raises(AssertionError, match=one_more):
        assert_imports(modules, of_numpy, OWN | OF_A_PACKED_MODEL)
