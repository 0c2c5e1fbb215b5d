"""Find functions of Python's standard library by what they do, in a Milvus collection on disk.

    pip install -e ".[milvus]"
    python examples/milvus_collection.py "wait until a thread is done"
    python examples/milvus_collection.py "wait until a thread is done" --module asyncio
    python examples/milvus_collection.py --delete tkinter

The first run reads thousands of docstrings and fills the collection. Later runs open it and search. Milvus
runs inside the process and the package holds the model, so you need no server and no network.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from m2v_lite import Model2VecEmbeddingFunction

try:
    from pymilvus import MilvusClient
except ImportError as missing:
    sys.exit(f"{missing.name} is not installed; install it with: pip install -e '.[milvus]'")

COLLECTION = "functions"
ROWS_AT_A_TIME = 1000


def documented(node: ast.Module | ast.ClassDef, name: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the docstring of each public function and class in a module or class."""
    for child in node.body:
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)) and not child.name.startswith("_"):
            if text := ast.get_docstring(child):
                yield f"{name}.{child.name}", text
            if isinstance(child, ast.ClassDef):
                yield from documented(child, f"{name}.{child.name}")


def read_library() -> list[dict[str, Any]]:
    """Return a row for each documented function and class of the standard library."""
    folder = Path(sysconfig.get_path("stdlib"))
    rows: list[dict[str, Any]] = []
    for path in sorted([*folder.glob("[a-z]*.py"), *folder.glob("[a-z]*/*.py")]):
        package = path.relative_to(folder).parts[0]
        if package in {"site-packages", "dist-packages", "test", "idlelib", "lib2to3"}:
            continue
        module = ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        for name, text in documented(ast.parse(path.read_bytes()), module):
            rows.append({"id": len(rows), "name": name, "package": package.removesuffix(".py"), "text": text})
    return rows


def fill(client: MilvusClient, encoder: Model2VecEmbeddingFunction) -> None:
    """Make the collection, with a vector for each row."""
    rows = read_library()
    start = time.perf_counter()
    vectors = encoder.encode_documents(row["text"] for row in rows)
    encoded = time.perf_counter()
    for row, vector in zip(rows, vectors, strict=True):
        row["vector"] = vector
    client.create_collection(COLLECTION, dimension=encoder.dim, metric_type="COSINE")
    for first in range(0, len(rows), ROWS_AT_A_TIME):
        client.insert(COLLECTION, rows[first : first + ROWS_AT_A_TIME])
    print(f"{len(rows)} docstrings: encoded in {encoded - start:.2f} s, ", end="")
    print(f"stored and indexed in {time.perf_counter() - encoded:.2f} s")


def only(package: str) -> str:
    """Return the filter for the rows of one module or package."""
    return f"package == {json.dumps(package)}"


def search(client: MilvusClient, encoder: Model2VecEmbeddingFunction, query: str, condition: str) -> None:
    """Print the rows nearest to `query` that meet a condition."""
    (hits,) = client.search(
        COLLECTION,
        data=encoder.encode_queries([query]),
        limit=7,
        filter=condition,
        output_fields=["name", "text"],
    )
    print(f"nearest to: {query}\n")
    for hit in hits:
        row = hit["entity"]
        print(f"{hit['distance']:6.3f}  {row['name']:<42} {row['text'].splitlines()[0][:58]}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Find functions of Python's standard library.")
    parser.add_argument("query", nargs="?", default="wait until a thread is done")
    parser.add_argument("--module", help="search only this module or package")
    parser.add_argument("--delete", metavar="MODULE", help="delete a module or package from the collection")
    parser.add_argument(
        "--database", default="library.db", help="file of the collection (default: library.db)"
    )
    arguments = parser.parse_args()

    encoder = Model2VecEmbeddingFunction(None)
    client = MilvusClient(arguments.database)
    if not client.has_collection(COLLECTION):
        fill(client, encoder)
    client.load_collection(COLLECTION)
    if arguments.delete:
        client.delete(COLLECTION, filter=only(arguments.delete))
        (left,) = client.query(COLLECTION, filter="", output_fields=["count(*)"])
        print(f"{left['count(*)']} docstrings are left")
    else:
        search(client, encoder, arguments.query, only(arguments.module) if arguments.module else "")
    client.close()


if __name__ == "__main__":
    main()
