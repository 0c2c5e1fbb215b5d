"""Check the arithmetic of docs/engines.md by ten million texts: processor time, bytes, a kill in the middle.

    make many-texts

Texts are made of parts of real prose, in shards of 100,000. First one process encodes a few shards: from what
these take, the report foretells what all of them will take. Then two processes encode all shards with
examples/engines/sharded_vectors.py; one of them is killed in the middle and started again. All rows must be
there, once, and the vectors of a sample must be those of `model.encode`.

The same few texts, shorter and longer and in other precisions, tell what a text takes by its length, and how
many bytes a vector takes in Parquet.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from corpora import prose_texts
from results_folder import HERE, add_out_option, write_results

from m2v_lite import StaticModel

PROGRAM = HERE.parent / "examples" / "engines" / "sharded_vectors.py"
DIFFERENT = 50_000
PARTS = 2
OTHER_PARTS = (1, 10)
PRECISIONS: dict[str, dict[str, str]] = {
    "float32": {},
    "int8": {"precision": "int8"},
    "ubinary": {"precision": "ubinary"},
}
SAMPLE = 997
SECONDS = 3600


class Used(NamedTuple):
    """What a process took: processor seconds and elapsed seconds; and its exit status."""

    processor: float
    elapsed: float
    status: int


def make_shards(folder: Path, texts: int, size: int, parts: int) -> int:
    """Write numbered texts of so many parts to files of `size` texts, and return the bytes of text."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    prose = pa.array([text[:90] for text in prose_texts(DIFFERENT)])
    total = 0
    for first in range(0, texts, size):
        ids = np.arange(first, min(first + size, texts))
        chosen = generator.integers(len(prose), size=(parts, len(ids)))
        columns = [prose.take(pa.array(rows)) for rows in chosen]
        column = pc.binary_join_element_wise(*columns, pa.array(ids).cast(pa.string()), " ")
        total += pc.sum(pc.binary_length(column)).as_py()
        pq.write_table(pa.table({"id": ids, "text": column}), folder / f"{first // size:05}.parquet")
    return total


def start(*arguments: str | Path | int, core: int = 0) -> subprocess.Popen[bytes]:
    """Start a program of Python on one of the cores."""
    cores = sorted(os.sched_getaffinity(0))
    chosen = {cores[core % len(cores)]}
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)], preexec_fn=lambda: os.sched_setaffinity(0, chosen)
    )


def finished(process: subprocess.Popen[bytes], began: float) -> Used:
    """Wait for a process, and return what it took."""
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    elapsed = time.perf_counter() - began
    return Used(usage.ru_utime + usage.ru_stime, elapsed, process.returncode)


def succeeded(process: subprocess.Popen[bytes], began: float) -> Used:
    """Do the same, and check that it did its work."""
    used = finished(process, began)
    assert used.status == 0
    return used


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.parquet"))


def check(source: Path, target: Path) -> int:
    """Check that each row is there once, with the vector it should have in a sample; return how many."""
    model = StaticModel.from_pretrained()
    names = sorted(path.name for path in source.iterdir())
    assert sorted(path.name for path in target.glob("*.parquet")) == names
    rows = 0
    for name in names:
        given, made = pq.read_table(source / name), pq.read_table(target / name)
        assert made.select(["id", "text"]).equals(given)
        rows += len(made)
        sample = made.take(pa.array(range(0, len(made), SAMPLE)))
        vectors = sample["embedding"].combine_chunks().flatten().to_numpy().reshape(len(sample), -1)
        expected = model.encode(sample["text"].to_pylist(), precision="int8")
        np.testing.assert_array_equal(vectors, expected)
    return rows


ONE_FILE = """
import json, sys
from pathlib import Path
sys.path.append(sys.argv[1])
from sharded_vectors import add_vectors
from m2v_lite import Embedder
embed = Embedder(**json.loads(sys.argv[2]))
for name in sys.argv[4:]:
    add_vectors(embed, Path(sys.argv[3]) / name, Path(sys.argv[3]) / "vectors")
"""


def of_one_file(folder: Path, options: dict[str, str]) -> dict[str, float]:
    """Return what the texts in a folder of one file take with some options of `Embedder`."""
    seconds = {}
    (file,) = folder.glob("*.parquet")
    for names in ([], [file.name]):
        began = time.perf_counter()
        program = start("-c", ONE_FILE, PROGRAM.parent, json.dumps(options), folder, *names)
        seconds[len(names)] = succeeded(program, began).processor
    vectors = folder / "vectors"
    used = {"seconds": seconds[1] - seconds[0], "bytes": vectors.stat().st_size - file.stat().st_size}
    vectors.unlink()
    return used


def measure(texts: int, size: int, few: int, folder: Path) -> dict[str, Any]:
    """Return what a few shards take, and what all of them take."""
    shards, first_shards, vectors, first_vectors = (
        folder / name for name in ("all", "few", "vectors-of-all", "vectors-of-few")
    )
    bytes_of_text = make_shards(shards, texts, size, PARTS)
    by_length, by_precision = [], {}
    for parts in (PARTS, *OTHER_PARTS):
        other = folder / f"{parts}-parts"
        length = make_shards(other, size, size, parts) / size
        by_length.append({"bytes_of_text": length, **of_one_file(other, PRECISIONS["int8"])})
    for name, options in PRECISIONS.items():
        by_precision[name] = of_one_file(folder / f"{PARTS}-parts", options)

    first_shards.mkdir()
    for path in sorted(shards.iterdir())[:few]:
        os.link(path, first_shards / path.name)
    began = time.perf_counter()
    calibration = succeeded(start(PROGRAM, first_shards, first_vectors), began)
    began = time.perf_counter()
    base = succeeded(start(PROGRAM, first_shards, first_vectors), began)  # all is there: only its start

    began = time.perf_counter()
    processes = [start(PROGRAM, shards, vectors, "--part", part, "--of", 2, core=part) for part in range(2)]
    while len(list(vectors.glob("*.parquet"))) < texts // size // 4:
        time.sleep(0.05)
        assert processes[0].poll() is None, "it ended too early"
    processes[1].send_signal(signal.SIGKILL)
    killed = finished(processes[1], began)
    assert killed.status in (0, -signal.SIGKILL)  # with few texts, it may have ended just before
    second = succeeded(start(PROGRAM, shards, vectors, "--part", 1, "--of", 2, core=1), began)
    first = succeeded(processes[0], began)
    elapsed = time.perf_counter() - began
    rows = check(shards, vectors)
    assert rows == texts
    return {
        "texts": texts,
        "size": size,
        "shards": -(-texts // size),
        "bytes_of_text": bytes_of_text,
        "bytes_read": size_of(shards),
        "bytes_written": size_of(vectors),
        "few_texts": few * size,
        "few_bytes_written": size_of(first_vectors),
        "start_seconds": base.processor,
        "few_seconds": calibration.processor - base.processor,
        "all_seconds": first.processor + second.processor + killed.processor - 3 * base.processor,
        "was_killed": killed.status != 0,
        "elapsed": elapsed,
        "by_length": by_length,
        "by_precision": by_precision,
    }


def report(result: dict[str, Any]) -> str:
    """Return the figures as text."""
    texts, few = result["texts"], result["few_texts"]
    foretold = result["few_seconds"] / few * texts
    written = result["few_bytes_written"] / few * texts
    per_text = result["bytes_of_text"] / texts
    all_seconds, read = result["all_seconds"], result["bytes_read"] / texts
    lines = [
        f"{result['machine']}; the bundled potion-base-8M in int8; {texts:,} texts of {per_text:.0f} bytes, "
        f"in {result['shards']} Parquet files; vectors in int8; two processes"
        f"{', of which one was killed and started again' if result['was_killed'] else ''}",
        "",
        f"| | foretold from {few:,} texts | measured | measured / foretold |",
        "|---|---|---|---|",
        f"| processor seconds | {foretold:.1f} | {all_seconds:.1f} | **{all_seconds / foretold:.2f}** |",
        f"| MB written | {written / 1e6:.0f} | {result['bytes_written'] / 1e6:.0f} | "
        f"**{result['bytes_written'] / written:.2f}** |",
        "",
        f"A text takes {all_seconds / texts * 1e6:.1f} µs of a core, with reading and writing; it is read "
        f"from {read:.0f} bytes of Parquet, and written in {result['bytes_written'] / texts:.0f} bytes with "
        "its vector.",
        "",
        f"All rows were there, once. Elapsed: {result['elapsed']:.0f} s.",
        "",
        "| bytes of a text | µs of a core a text | core-hours for a billion texts |",
        "|---|---|---|",
    ]
    for used in sorted(result["by_length"], key=lambda used: float(used["bytes_of_text"])):
        one = used["seconds"] / result["size"]
        lines.append(f"| {used['bytes_of_text']:.0f} | {one * 1e6:.1f} | {one * 1e9 / 3600:,.0f} |")
    lines += [
        "",
        "| vectors in | bytes of a vector in Parquet | µs of a core a text | TB for a billion texts |",
        "|---|---|---|---|",
    ]
    for name, used in result["by_precision"].items():
        one = used["bytes"] / result["size"]
        seconds = used["seconds"] / result["size"] * 1e6
        lines.append(f"| {name} | {one:.0f} | {seconds:.1f} | {one / 1e3:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--texts", type=int, default=10_000_000, help="how many (default: %(default)s)")
    parser.add_argument("--shard", type=int, default=100_000, help="texts of a file (default: %(default)s)")
    parser.add_argument("--few", type=int, default=5, help="files to foretell from (default: %(default)s)")
    add_out_option(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options.texts, options.shard, options.few, Path(folder))
    result["machine"] = f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}"
    text = report(result)
    print(text)
    write_results(options.out, "many-texts", result, text)


if __name__ == "__main__":
    main()
