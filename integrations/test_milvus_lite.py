"""Milvus itself, embedded: collections on disk that are searched with m2v_lite's vectors."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from milvus_lite.server_manager import server_manager_instance
from numpy.typing import NDArray
from pymilvus import DataType, MilvusClient
from time_limit import LONGEST

from m2v_lite import Model2VecEmbeddingFunction

EXAMPLE = Path(__file__).parent.parent / "examples" / "milvus_collection.py"
COLLECTION = "docstrings"
QUERIES = ["wait until a thread is done", "compress a file", "Größe", "parse the date in a header", ""]
CONDITION, DELETED, DELETED_IDS = (
    'package in ["os", "tkinter", "asyncio"]',
    'package == "tkinter"',
    [3, 14, 159],
)
LIMIT = 20

Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The docstrings of Python's standard library, and one text that has no tokens."""
    rows: list[Row] = runpy.run_path(str(EXAMPLE))["read_library"]()
    assert len(rows) > 4000
    rows[100]["text"] = " "
    return rows


@pytest.fixture(scope="module")
def encoder(request: pytest.FixtureRequest) -> Model2VecEmbeddingFunction:
    """Vectors of length 1, for which all metrics agree on what is nearest, and others."""
    if request.param == "the bundled model":
        return Model2VecEmbeddingFunction(None)
    folder = request.getfixturevalue("models_folder") / "potion-base-8M"
    return Model2VecEmbeddingFunction(folder, normalize=False, dimensionality=100)


@contextmanager
def opened(path: Path) -> Iterator[MilvusClient]:
    """Give a client, and stop its server afterwards, so that another process can open the file."""
    client = MilvusClient(str(path))
    try:
        yield client
    finally:
        client.close()
        server_manager_instance.release_server(str(path))


def create(client: MilvusClient, dim: int, metric: str, index: str) -> None:
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("name", DataType.VARCHAR, max_length=200)
    schema.add_field("package", DataType.VARCHAR, max_length=100)
    schema.add_field("text", DataType.VARCHAR, max_length=60_000)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
    indexes = client.prepare_index_params()
    indexes.add_index("vector", index_type=index, metric_type=metric)
    client.create_collection(COLLECTION, schema=schema, index_params=indexes)


def insert(client: MilvusClient, rows: Sequence[Row], vectors: Sequence[NDArray[np.float32]]) -> None:
    for first in range(0, len(rows), 1000):
        part = slice(first, first + 1000)
        stored = [{**row, "vector": vector} for row, vector in zip(rows[part], vectors[part], strict=True)]
        assert client.insert(COLLECTION, stored)["insert_count"] == len(stored)


def search(client: MilvusClient, queries: Sequence[NDArray[np.float32]], condition: str) -> list[list[Row]]:
    """Return the hits of each query as plain dictionaries."""
    found = client.search(
        COLLECTION,
        data=queries,
        limit=LIMIT,
        filter=condition,
        output_fields=["package", "text"],
        search_params={"params": {"ef": 200}},  # how far HNSW looks around
    )
    return [
        [{**hit["entity"], "id": hit["id"], "distance": hit["distance"]} for hit in hits] for hits in found
    ]


def brute_force(metric: str, vectors: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how near each vector is, as the metric says it."""
    table, one = vectors.astype(np.float64), query.astype(np.float64)
    if metric == "L2":
        return np.asarray(((table - one) ** 2).sum(axis=1))
    products = table @ one
    if metric == "IP":
        return np.asarray(products)
    return np.asarray(products / np.maximum(np.linalg.norm(table, axis=1) * np.linalg.norm(one), 1e-30))


class Truth:
    """What searches must find among the rows that are left."""

    def __init__(self, rows: list[Row], encoder: Model2VecEmbeddingFunction, metric: str) -> None:
        self.rows, self.metric = rows, metric
        self.vectors = np.array(encoder.encode_documents(row["text"] for row in rows))
        self.texts = [*QUERIES, *(row["text"].splitlines()[0] for row in rows[::200])]
        self.queries = encoder.encode_queries(self.texts)
        self.is_left = np.ones(len(rows), bool)

    def delete(self, gone: Sequence[bool]) -> None:
        self.is_left &= ~np.array(gone)

    def check(self, found: list[list[Row]], fulfils: Sequence[bool], recall: float) -> None:
        """Assert that each query has found the nearest rows that fulfil a condition.

        Args:
            found: the hits of each query.
            fulfils: (rows) which of them may be found.
            recall: the share of the nearest that must be there, over all queries.
        """
        allowed = np.flatnonzero(self.is_left & np.array(fulfils))
        assert len(found) == len(self.queries)
        missed = 0
        for query, hits in zip(self.queries, found, strict=True):
            scores = brute_force(self.metric, self.vectors, query)
            ids = [hit["id"] for hit in hits]
            assert len(set(ids)) == len(ids) == LIMIT
            assert set(ids) <= set(allowed.tolist())
            assert [(hit["package"], hit["text"]) for hit in hits] == [
                (self.rows[i]["package"], self.rows[i]["text"]) for i in ids
            ]
            distances = np.array([hit["distance"] for hit in hits])
            np.testing.assert_allclose(distances, scores[ids], rtol=1e-4, atol=1e-5)
            sign = 1 if self.metric == "L2" else -1
            assert (np.diff(sign * distances) >= 0).all()
            # Of rows that are equally near, any may be found.
            worst = np.sort(sign * scores[allowed])[LIMIT - 1]
            missed += int((sign * scores[ids] > worst + 1e-5 * max(1, abs(worst))).sum())
        assert 1 - missed / (LIMIT * len(found)) >= recall


SEARCH_AGAIN = """
import json, sys
import test_milvus_lite
from m2v_lite import Model2VecEmbeddingFunction
path, source, options, texts, conditions = json.load(sys.stdin)
encoder = Model2VecEmbeddingFunction(source, **options)
with test_milvus_lite.opened(path) as client:
    client.load_collection(test_milvus_lite.COLLECTION)
    queries = encoder.encode_queries(texts)
    print(json.dumps([test_milvus_lite.search(client, queries, condition) for condition in conditions]))
"""


def search_again(
    path: Path, encoder: Model2VecEmbeddingFunction, texts: list[str], *conditions: str
) -> list[list[list[Row]]]:
    """Encode queries and search in a new process, once for each condition."""
    source = None if encoder.model_source is None else str(encoder.model_source)
    options = {"normalize": encoder.model.normalize, "dimensionality": encoder.dim}
    request = json.dumps([str(path), source, options, texts, conditions])
    done = in_a_new_process("-c", SEARCH_AGAIN, input=request)
    found: list[list[list[Row]]] = json.loads(done)
    return found


def in_a_new_process(*arguments: str, **options: Any) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        timeout=LONGEST,
        **options,
    )
    output: str = done.stdout
    return output


# HNSW looks at a part of the rows, and finds less if few of them fulfil a condition.
@pytest.mark.parametrize(
    ("encoder", "index", "recall", "recall_of_few"),
    [
        ("the bundled model", "FLAT", 1.0, 1.0),
        ("not normalized", "FLAT", 1.0, 1.0),
        ("not normalized", "HNSW", 0.95, 0.75),
    ],
    indirect=["encoder"],
)
@pytest.mark.parametrize("metric", ["COSINE", "IP", "L2"])
def test_a_collection(
    encoder: Model2VecEmbeddingFunction,
    index: str,
    metric: str,
    recall: float,
    recall_of_few: float,
    rows: list[Row],
    tmp_path: Path,
) -> None:
    truth = Truth(rows, encoder, metric)
    everything = [True] * len(rows)
    fulfils = [row["package"] in {"os", "tkinter", "asyncio"} for row in rows]
    path = tmp_path / "notes.db"
    with opened(path) as client:
        create(client, encoder.dim, metric, index)
        insert(client, rows, encoder.encode_documents(row["text"] for row in rows))
        truth.check(search(client, truth.queries, ""), everything, recall)
        truth.check(search(client, truth.queries, CONDITION), fulfils, recall_of_few)
        client.delete(COLLECTION, filter=DELETED)
        client.delete(COLLECTION, ids=DELETED_IDS)
        truth.delete([row["package"] == "tkinter" or row["id"] in DELETED_IDS for row in rows])
        truth.check(search(client, truth.queries, ""), everything, recall)
        truth.check(search(client, truth.queries, CONDITION), fulfils, recall_of_few)
    anything, some = search_again(path, encoder, truth.texts, "", CONDITION)
    truth.check(anything, everything, recall)
    truth.check(some, fulfils, recall_of_few)
    with opened(path) as client:
        client.load_collection(COLLECTION)
        (count,) = client.query(COLLECTION, filter="", output_fields=["count(*)"])
        assert count["count(*)"] == truth.is_left.sum() < len(rows) - len(DELETED_IDS)


def test_the_metrics_differ(rows: list[Row], models_folder: Path) -> None:
    """The control: vectors that are not normalized tell the metrics apart."""
    encoder = Model2VecEmbeddingFunction(models_folder / "potion-base-8M", normalize=False)
    vectors, query = np.array(encoder([row["text"] for row in rows])), encoder._encode_query(QUERIES[0])
    nearest = {
        metric: tuple(np.argsort((1 if metric == "L2" else -1) * brute_force(metric, vectors, query))[:LIMIT])
        for metric in ("COSINE", "IP", "L2")
    }
    assert len(set(nearest.values())) == 3


def test_the_example(tmp_path: Path) -> None:
    def run(*arguments: str) -> list[str]:
        return in_a_new_process(str(EXAMPLE), *arguments, cwd=tmp_path).splitlines()

    first = run("wait until a thread is done")
    assert first[0].split()[1:3] == ["docstrings:", "encoded"]
    assert first[1:3] == ["nearest to: wait until a thread is done", ""]
    assert [line for line in first if "threading.Thread.join" in line]
    assert len(first) == 10
    again = run("wait until a thread is done")
    assert again == first[1:]
    only = run("wait until a thread is done", "--module", "threading")
    assert len(only) == 9
    assert all(line.split()[1].startswith("threading.") for line in only[2:])
    number = int(first[0].split()[0])
    (left,) = run("--delete", "threading")
    assert left.endswith(" docstrings are left")
    assert 0 < int(left.split()[0]) < number
    assert run("--delete", 'none" or id >= 0 or package == "none') == [left]
    assert len(run("wait until a thread is done", "--module", "threading")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["library.db"]


def test_what_the_page_says(tmp_path: Path) -> None:
    page = (EXAMPLE.parent.parent / "docs" / "milvus.md").read_text(encoding="utf-8")
    (program,) = (
        block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "MilvusClient" in block
    )
    program += "print([hit['entity']['text'] for hit in hits])"
    for _ in range(2):  # a database that is new, and one that is there
        output = in_a_new_process("-c", program, cwd=tmp_path)
        assert output == "['Water is boiling.', 'The kettle is on.']\n"
