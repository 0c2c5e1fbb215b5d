"""Daft's `embed_text` with our provider: on this machine and on Ray, rows without a text, options, errors."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import daft
import numpy as np
import pyarrow as pa
import pytest
from conftest import matrix, run_program  # type: ignore[attr-defined]  # mypy knows that of the tests
from daft.functions import embed_text
from time_limit import LONGEST

from m2v_lite import InputTypeError, InputValueError, ModelNotFoundError, StaticModel
from m2v_lite.integrations.daft import M2VLiteProvider

PAGE = Path(__file__).parents[2] / "docs" / "libraries" / "daft.md"
TEXTS = ["The kettle is on.", "Water is boiling.", "The train was late.", "湯が沸いた", ""]
HOLED = ["The kettle is on.", None, "The train was late."]

# What a person writes, who attaches the provider once.
PROGRAM = """
import sys
import daft
from daft.functions import embed_text
from m2v_lite.integrations.daft import M2VLiteProvider

daft.attach_provider(M2VLiteProvider())
frame = daft.read_parquet(sys.argv[2])
vectors = embed_text(frame["text"], provider="m2v-lite", model=sys.argv[1], dimensions=32)
plain = daft.DataType.fixed_size_list(daft.DataType.float32(), 32)
frame.with_column("embedding", vectors.cast(plain)).write_parquet(sys.argv[3])
"""


@pytest.fixture
def attached() -> Iterator[None]:
    """The provider, attached to this process' session."""
    daft.attach_provider(M2VLiteProvider())
    yield
    daft.detach_provider("m2v-lite")


def embedded(texts: list[str | None], provider: Any = None, **options: Any) -> Any:
    """Return the column that Daft adds."""
    frame = daft.from_pydict({"text": texts})
    vectors = embed_text(frame["text"], provider=provider or M2VLiteProvider(), **options)
    return frame.with_column("embedding", vectors).to_pydict()["embedding"]


@pytest.mark.parametrize("runner", ["native", "ray"])
def test_a_program(runner: str, rows: pa.Table, source: Path, small_model: Path, tmp_path: Path) -> None:
    program, target = tmp_path / "program.py", tmp_path / "out"
    program.write_text(PROGRAM)
    environment = {"DAFT_RUNNER": runner, "RAY_ADDRESS": "local"}
    run_program(program, small_model, source / "0.parquet", target, dies_at_exit=True, **environment)
    written = daft.read_parquet(str(target)).sort("id").to_arrow()
    texts = rows["text"].to_pylist()[: len(rows) // 4]
    assert written["text"].to_pylist() == texts
    known = StaticModel.from_pretrained(small_model, dimensionality=32).encode(texts)
    np.testing.assert_array_equal(matrix(written["embedding"]), known)


@pytest.mark.parametrize("options", [{}, {"batch_size": 2}, {"dimensions": 64}, {"max_length": 3}])
def test_vectors_are_those_of_encode(options: dict[str, Any]) -> None:
    loading = {"dimensionality": options["dimensions"]} if "dimensions" in options else {}
    encoding = {"max_length": options["max_length"]} if "max_length" in options else {}
    known = StaticModel.from_pretrained(**loading).encode(TEXTS, **encoding)
    np.testing.assert_array_equal(np.array(embedded([*TEXTS], **options)), known)


def test_types() -> None:
    frame = daft.from_pydict({"text": TEXTS})
    for options, known in (
        ({}, daft.DataType.embedding(daft.DataType.float32(), 256)),
        ({"dimensions": 64}, daft.DataType.embedding(daft.DataType.float32(), 64)),
        ({"precision": "int8"}, daft.DataType.embedding(daft.DataType.int8(), 256)),
        ({"quantize_to": "float64"}, daft.DataType.embedding(daft.DataType.float64(), 256)),
    ):
        added = frame.with_column(
            "embedding", embed_text(frame["text"], provider=M2VLiteProvider(), **options)
        )
        assert added.schema()["embedding"].dtype == known
        np.testing.assert_array_equal(
            np.array(added.to_pydict()["embedding"]), np.array(embedded([*TEXTS], **options))
        )


def test_two_columns(attached: None) -> None:
    """Of different lengths, in one query."""
    frame = daft.from_pydict({"text": TEXTS})
    for dimensions in (64, 32):
        vectors = embed_text(frame["text"], provider="m2v-lite", dimensions=dimensions)
        frame = frame.with_column(f"of {dimensions}", vectors)
    columns = frame.to_pydict()
    for dimensions in (64, 32):
        known = StaticModel.from_pretrained(dimensionality=dimensions).encode(TEXTS)
        np.testing.assert_array_equal(np.array(columns[f"of {dimensions}"]), known)


def test_missing_texts() -> None:
    known = StaticModel.from_pretrained().encode([HOLED[0], HOLED[2]])  # type: ignore[list-item]
    for provider, options in ((M2VLiteProvider(null="null"), {}), (M2VLiteProvider(), {"null": "null"})):
        first, second, third = embedded(HOLED, provider, **options)
        assert second is None
        np.testing.assert_array_equal([first, third], known)
    assert not np.any(embedded(HOLED, null="empty")[1])
    assert embedded([None, None], null="null") == [None, None]
    with pytest.raises(InputTypeError, match=r"row 1 of the column: .*null='empty'"):
        embedded(HOLED)
    assert embedded(HOLED, on_error="ignore") == [None] * 3


def test_wrong_arguments(tmp_path: Path) -> None:
    """They are errors at once, before Daft reads a row."""
    column = daft.col("text")
    provider = M2VLiteProvider()
    with pytest.raises(ModelNotFoundError):
        embed_text(column, provider=provider, model=str(tmp_path / "nothing"))
    with pytest.raises(InputValueError, match="dimensionality is 1000"):
        embed_text(column, provider=provider, dimensions=1000)
    with pytest.raises(InputTypeError, match="no option 'dimension'"):
        embed_text(column, provider=provider, dimension=64)


def test_a_descriptor(small_model: Path) -> None:
    descriptor: Any = M2VLiteProvider("ours").get_text_embedder(str(small_model), batch_size=10)
    assert descriptor.get_provider() == "ours"
    assert descriptor.get_model() == str(small_model)
    assert descriptor.get_options() == {"batch_size": 10}
    assert (descriptor.get_udf_options().batch_size, descriptor.get_udf_options().max_retries) == (10, 0)
    assert M2VLiteProvider().get_text_embedder(max_retries=2).get_udf_options().max_retries == 2
    assert M2VLiteProvider().get_text_embedder().get_model() == "m2v-lite"
    pickled = pickle.dumps(descriptor)
    assert len(pickled) < 2000
    again = pickle.loads(pickled).instantiate().embed_text(TEXTS)
    np.testing.assert_array_equal(again, StaticModel.from_pretrained(small_model).encode(TEXTS))


def test_without_daft() -> None:
    program = "import sys, m2v_lite\nsys.modules['daft'] = None\nimport m2v_lite.integrations.daft"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST)
    assert done.stderr.splitlines()[-1].endswith(
        "MissingPackageError: Daft is not installed; install it with: pip install 'm2v-lite[daft]'"
    )


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    try:
        for program in programs:
            exec(program, names)
    finally:
        daft.detach_provider("m2v-lite")
    texts = ["The kettle is on.", "Water is boiling.", "The train was late."]
    written = daft.read_parquet("vectors").to_pydict()
    assert written["text"] == texts
    np.testing.assert_array_equal(np.array(written["embedding"]), StaticModel.from_pretrained().encode(texts))
