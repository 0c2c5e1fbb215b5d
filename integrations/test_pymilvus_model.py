"""`pymilvus.model`, the package whose embedding function m2v_lite's takes the place of."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
from milvus_documents import DIM, DOCUMENTS, QUERIES, assert_as_printed
from pymilvus import model
from pymilvus.model.base import BaseEmbeddingFunction
from time_limit import LONGEST

import m2v_lite
from m2v_lite import InputTypeError, Model2VecEmbeddingFunction

THEIRS = model.dense.Model2VecEmbeddingFunction


def test_the_signatures_are_theirs() -> None:
    for name, method in vars(THEIRS).items():
        ours = inspect.getattr_static(Model2VecEmbeddingFunction, name)
        if callable(method):
            for their, our in zip(
                inspect.signature(method).parameters.values(),
                inspect.signature(ours).parameters.values(),
                strict=True,
            ):
                assert (our.name, our.kind, our.default) == (their.name, their.kind, their.default)
        elif isinstance(method, property):
            assert isinstance(ours, property)
    assert {"encode_documents", "encode_queries", "__call__", "dim", "_encode"} <= set(vars(THEIRS))


def test_the_examples_of_the_documents(models_folder: Path) -> None:
    function = m2v_lite.Model2VecEmbeddingFunction(model_source=str(models_folder / "potion-base-8M"))
    assert_as_printed(function.encode_documents(DOCUMENTS), function.encode_queries(QUERIES))
    assert function.dim == DIM


def test_it_is_an_embedding_function() -> None:
    function = Model2VecEmbeddingFunction(None)
    assert isinstance(function, BaseEmbeddingFunction)
    assert isinstance(function, Model2VecEmbeddingFunction)
    assert not isinstance(function, THEIRS)


OURS = "from m2v_lite import Model2VecEmbeddingFunction; function = Model2VecEmbeddingFunction(None)"


@pytest.mark.parametrize(
    "lines",
    [
        (OURS, "from pymilvus.model.base import BaseEmbeddingFunction as Base"),
        ("from pymilvus.model.base import BaseEmbeddingFunction as Base", OURS),
        (OURS, "import pymilvus.model", "Base = pymilvus.model.base.BaseEmbeddingFunction"),
        ("from pymilvus import model", OURS, "Base = model.base.BaseEmbeddingFunction"),
        (OURS, "from pymilvus.model.dense.openai import BaseEmbeddingFunction as Base"),
        (
            OURS,
            "from pymilvus import MilvusClient",
            "from pymilvus.model import base; Base = base.BaseEmbeddingFunction",
        ),
    ],
)
def test_whichever_is_imported_first(lines: tuple[str, ...]) -> None:
    check = """
import pickle
assert isinstance(function, Base) and isinstance(function, Model2VecEmbeddingFunction)
assert isinstance(pickle.loads(pickle.dumps(function)), Base)
print(function.encode_queries(["tea"])[0].shape)
"""
    command = [sys.executable, "-c", "\n".join(lines) + check]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=LONGEST)
    assert done.stdout == "(256,)\n"


def test_nothing_of_it_is_imported() -> None:
    check = f"import sys; {OURS}; function(['tea', 'coffee']); print('pymilvus' in sys.modules)"
    command = [sys.executable, "-c", check]
    assert subprocess.check_output(command, text=True, timeout=LONGEST) == "False\n"


def test_a_column_of_a_data_frame() -> None:
    function = Model2VecEmbeddingFunction(None)
    frame = pandas.DataFrame({"text": DOCUMENTS}, index=[7, 5, 3])
    np.testing.assert_array_equal(function(frame["text"]), function(DOCUMENTS))
    np.testing.assert_array_equal(function(frame["text"][:1]), function(DOCUMENTS[:1]))
    assert function(frame["text"][:0]) == []
    with pytest.raises(InputTypeError, match="got DataFrame"):
        function(frame)
    frame.loc[5, "text"] = None
    with pytest.raises(
        InputTypeError, match=r"text 1 is .*, not a str; pass '' for a missing text, as encode"
    ):
        function(frame["text"])
