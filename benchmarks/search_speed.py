"""Measure an index: how fast it is made and searched, its memory and its size, and what bits miss.

    make search-speed

The chunks are real texts: some 90,000 sentences in many languages, and beyond that number two to four of
these joined at random. Each size has an index of its own, of the bundled model, with rows of int8. All runs
have one core, and searches a fresh process.

- *add* and *encode*: the processor time of `Index.add` and of `StaticModel.encode` for the same texts, in
  turn.
- *query*: the elapsed time of `Index.search`, for queries of three kinds: two words of a text, the first half
  of its words, and all of it. Before, each kind is asked ten times, untimed.
- *private*: `Private_Dirty` of the process after all queries, less that of a process with numpy alone.
- *recall@10* by bits: the share of the ten nearest of all rows that are found when bits choose the rows to
  compare. Of int8: the share of the ten nearest by vectors in float32 that all rows of int8 give.

The recall by bits must be 0.99 at least, and that of int8 0.95. A search by words for all words of a text
must find it among the first three. Last, 10,000 files that have not changed are looked at again.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from prose import overlapping_texts
from results_folder import HERE, add_out_option, write_results

sys.path[:0] = [str(HERE.parent / "tests")]

from catalogs import sentences_by_language

from m2v_lite import StaticModel
from m2v_lite.search import Index, nearest

SIZES = (100_000, 1_000_000)
PROSE = 25_000  # as many texts as the words of the prose make without repeating them
QUERIES = 100
MODES = ("vector", "text", "hybrid")
FILES = 10_000
LEAST_BY_BITS, LEAST_OF_INT8 = 0.99, 0.95
COMPARED_AT_A_TIME = 100_000
SECONDS = 3600
COMMON = "the and of to a in is it for on with that"


def texts_for(number: int, environment: Path) -> list[str]:
    """Return so many different texts: sentences, and then sentences joined."""
    translated = [text for some in sentences_by_language(environment).values() for text in some]
    sentences = list(dict.fromkeys([*overlapping_texts(PROSE), *translated]))
    generator = random.Random(0)
    generator.shuffle(sentences)
    texts = dict.fromkeys(sentences)
    while len(texts) < number:
        texts[" ".join(generator.sample(sentences, generator.randint(2, 4)))] = None
    return list(texts)[:number]


def queries_of(texts: Sequence[str]) -> dict[str, list[str]]:
    """Return queries of three kinds, made of texts in a fixed stride."""
    some = [text for text in texts if len(text.split()) >= 4][:: max(1, len(texts) // (2 * QUERIES))]
    chosen = some[:QUERIES]
    return {
        "two words": [" ".join(text.split()[1:3]) for text in chosen],
        "half of a text": [" ".join(text.split()[: len(text.split()) // 2]) for text in chosen],
        "a text": chosen,
    }


def add_and_encode(texts: Sequence[str], path: Path, rounds: int) -> dict[str, Any]:
    """Make an index, and return the seconds of processor time, in rounds in turn with encoding alone."""
    model = StaticModel.from_pretrained()
    encoding, adding = [], []
    for _ in range(rounds):
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        start = time.process_time()
        model.encode(texts)
        encoding.append(time.process_time() - start)
        with Index(path, model) as index:
            start = time.process_time()
            index.add(texts)
            adding.append(time.process_time() - start)
            assert len(index) == len(texts)
    return {"encode, s": encoding, "add, s": adding}


def search_all(path: Path, kinds: dict[str, list[str]]) -> dict[str, Any]:
    """Return the milliseconds of each query by mode and kind, what bits miss, and the memory."""
    found: dict[str, Any] = {"ms": {}, "recall by bits": {}}
    with Index(path) as index:
        for mode in MODES:
            found["ms"][mode] = {}
            for kind, queries in kinds.items():
                found["ms"][mode][kind] = timed(index, queries, mode)
        found["ms"]["text"]["common words"] = timed(index, [COMMON] * 20, "text")
        found["private"], found["peak"] = memory_of(os.getpid())
        for text in kinds["a text"]:
            assert text in [hit.text for hit in index.search(text, 3, mode="text")], text
        by_bits = {kind: ids_of(index, queries) for kind, queries in kinds.items()}
        compared, nearest.COMPARED = nearest.COMPARED, sys.maxsize
        found["ms"]["vector, all rows"] = {
            kind: timed(index, queries, "vector") for kind, queries in kinds.items()
        }
        found["ids"] = {kind: ids_of(index, queries) for kind, queries in kinds.items()}
        nearest.COMPARED = compared
    for kind, right in found["ids"].items():
        found["recall by bits"][kind] = recall(by_bits[kind], right)
    return found


def timed(index: Index, queries: Sequence[str], mode: str) -> list[float]:
    """Return the milliseconds of each query."""
    for query in queries[:10]:
        index.search(query, mode=mode)
    times = []
    for query in queries:
        start = time.perf_counter()
        index.search(query, mode=mode)
        times.append((time.perf_counter() - start) * 1000)
    return times


def ids_of(index: Index, queries: Sequence[str]) -> list[list[int]]:
    """Return the numbers of the ten nearest texts of each query."""
    return [[int(hit.id) for hit in index.search(query, mode="vector")] for query in queries]


def recall(found: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> float:
    """Return the mean share of the right ones that were found."""
    return statistics.mean(
        len({*some} & {*others}) / len(others) for some, others in zip(found, right, strict=True)
    )


def nearest_in_float32(texts: Sequence[str], queries: Sequence[str]) -> list[list[int]]:
    """Return the numbers of the ten nearest texts of each query, from 1 up, by vectors in float32."""
    model = StaticModel.from_pretrained()
    wanted = model.encode(queries, normalize=True)
    best = np.full((len(queries), 0), 0, np.float32)
    numbers = np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(texts), COMPARED_AT_A_TIME):
        some = texts[start : start + COMPARED_AT_A_TIME]
        scores = wanted @ model.encode(some, normalize=True).T
        best = np.concatenate([best, scores], axis=1)
        here = np.broadcast_to(np.arange(start + 1, start + 1 + len(some)), scores.shape)
        numbers = np.concatenate([numbers, here], axis=1)
        order = np.argsort(-best, axis=1, kind="stable")[:, :10]
        best = np.take_along_axis(best, order, axis=1)
        numbers = np.take_along_axis(numbers, order, axis=1)
    return [list(map(int, row)) for row in numbers]


def memory_of(process: int) -> tuple[float, float]:
    """Return the private memory of a process and its peak, in MB."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    private = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_Dirty"))
    status = Path(f"/proc/{process}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return private / 1024, peak / 1024


def look_again(texts: Sequence[str], folder: Path) -> dict[str, float]:
    """Return the seconds that 10,000 new files take, and the same files when none has changed."""
    files = folder / "files"
    for number in range(FILES):
        file = files / f"{number // 100:03}" / f"{number:05}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(texts[number], encoding="utf-8")
    with Index(folder / "files.db") as index:
        start = time.perf_counter()
        assert index.update(files).added == FILES
        first = time.perf_counter() - start
        start = time.perf_counter()
        assert index.update(files).unchanged == FILES
        return {"new, s": first, "unchanged, s": time.perf_counter() - start}


def in_a_fresh_process(call: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function of this file returns in a process of its own, on one core."""
    core = sorted(os.sched_getaffinity(0))[-1]
    done = subprocess.run(
        [sys.executable, __file__, call.__name__],
        input=json.dumps([str(one) if isinstance(one, Path) else one for one in arguments]),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: os.sched_setaffinity(0, [core]),
    )
    return json.loads(done.stdout)


def numpy_alone() -> float:
    """Return the private memory of a process with numpy alone, in MB."""
    code = "import numpy; print(open('/proc/self/smaps_rollup').read())"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True, timeout=SECONDS
    )
    lines = done.stdout.splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1024


def measure(texts: list[str], folder: Path, rounds: int) -> dict[str, Any]:
    """Return all that is measured of an index of some texts."""
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    path = folder / "index.db"
    added = in_a_fresh_process(added_from, folder / "texts.json", path, rounds)
    kinds = queries_of(texts)
    searched = in_a_fresh_process(searched_in, path, kinds)
    of_int8 = {}
    for kind, queries in kinds.items():
        of_int8[kind] = recall(searched["ids"][kind], nearest_in_float32(texts, queries))
        assert of_int8[kind] >= LEAST_OF_INT8, (kind, of_int8)
        assert searched["recall by bits"][kind] >= LEAST_BY_BITS, (kind, searched["recall by bits"])
    del searched["ids"]
    size = sum(len(text.encode()) for text in texts) + len(texts) * StaticModel.from_pretrained().dim
    result = {
        "chunks": len(texts),
        "characters": sum(map(len, texts)) / len(texts),
        **added,
        **searched,
        "private above numpy": searched["private"] - numpy_alone(),
        "recall of int8": of_int8,
        "file, MB": path.stat().st_size / 1e6,
        "text and vectors, MB": size / 1e6,
    }
    path.unlink()
    return result


def added_from(texts: str, path: str, rounds: int) -> dict[str, Any]:
    return add_and_encode(json.loads(Path(texts).read_text(encoding="utf-8")), Path(path), rounds)


def searched_in(path: str, kinds: dict[str, list[str]]) -> dict[str, Any]:
    return search_all(Path(path), kinds)


def report_of(result: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    sizes = result["sizes"]
    heads = [f"{size['chunks']:,} chunks" for size in sizes]
    lines = [
        f"{result['machine']}, one core, Python {platform.python_version()}, numpy {np.__version__}, SQLite "
        f"{sqlite3.sqlite_version}; the bundled model, rows of int8",
        "",
        f"| | {' | '.join(heads)} |",
        f"|---|{'---|' * len(sizes)}",
    ]

    def add(name: str, cells: Sequence[str]) -> None:
        lines.append(f"| {name} | {' | '.join(cells)} |")

    add("characters of a chunk, mean", [f"{size['characters']:.0f}" for size in sizes])
    ratios = [
        statistics.median(one / other for one, other in zip(size["encode, s"], size["add, s"], strict=True))
        for size in sizes
    ]
    add("rate of `add`, that of `encode` is 1", [f"{ratio:.2f}" for ratio in ratios])
    add("file, times the text and the vectors", [_ratio(size) for size in sizes])
    add("private memory above numpy, MB", [f"{size['private above numpy']:.1f}" for size in sizes])
    add("peak memory, MB", [f"{size['peak']:.1f}" for size in sizes])
    for mode in sizes[0]["ms"]:
        for kind in sizes[0]["ms"][mode]:
            add(f"query, {mode}: {kind}, ms", [_times(size["ms"][mode][kind]) for size in sizes])
    for kind in sizes[0]["recall by bits"]:
        add(f"recall@10 by bits: {kind}", [f"{size['recall by bits'][kind]:.3f}" for size in sizes])
        add(f"recall@10 of int8: {kind}", [f"{size['recall of int8'][kind]:.3f}" for size in sizes])
    files = result["files"]
    lines += [
        "",
        "Times are the median, and in brackets that of 95 in 100. Bits choose among more than "
        f"{nearest.COMPARED:,} chunks.",
        "",
        f"{FILES:,} new files take {files['new, s']:.1f} s, and {files['unchanged, s']:.2f} s when none has "
        "changed.",
        "",
    ]
    return "\n".join(lines)


def _ratio(size: dict[str, Any]) -> str:
    return f"{size['file, MB'] / size['text and vectors, MB']:.2f}"


def _times(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.1f} ({sorted(times)[len(times) * 95 // 100]:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--texts", type=Path, required=True, help="the environment of `make texts`")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="numbers of chunks")
    parser.add_argument("--rounds", type=int, default=3, help="how often an index is made")
    parser.add_argument("--folder", help="where to write indexes (default: the system's temporary folder)")
    add_out_option(parser)
    options = parser.parse_args()
    measured = []
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        for size in options.sizes:
            texts = texts_for(size, options.texts)
            measured.append(measure(texts, folder, options.rounds))
            print(json.dumps({key: measured[-1][key] for key in ("chunks", "recall by bits")}), flush=True)
        files = look_again(texts_for(max(FILES, 1), options.texts), folder)
    result = {"machine": platform.machine(), "sizes": measured, "files": files}
    write_results(options.out, "search-speed", result, report_of(result))


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1] in ("added_from", "searched_in"):
        print(json.dumps(globals()[sys.argv[1]](*json.loads(sys.stdin.read()))))
    else:
        main()
