"""Compare search with the peers, on the same texts and queries, on one core. This needs Linux.

    make search-side-by-side MODEL=FOLDER

FOLDER holds minishlab/potion-base-8M in float32, which makes all vectors. Each contender has an adapter in
search_contenders/, which makes an index, opens it, and returns the ten best texts for a query. The
texts and queries are those of docstring_items.py.

In each round, each contender opens its index in a fresh process, and answers all queries one by one: the
script measures the time from the start of the process to the first answer, the processor time of each of the
other answers, and the memory after the last. The contenders take turns, with a warm file cache. Slow ones
answer all queries in the first round, and the first query in the others.

Every text that a contender returns must be the one that it was given. The best ten by vectors are compared
with those of brute force in float32; those of the exact contenders must be the same, but for rounding.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from compare import processor
from docstring_items import KINDS, KnownItem, chunks_and_queries
from numpy.typing import NDArray
from results_folder import HERE, add_out_option, write_results
from search_process import LIMIT

from m2v_lite import StaticModel

SECONDS = 900  # many times what a process takes
OURS = "m2v_lite"
ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1"),
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}
# How near vectors' products may be to count as equal.
TIE = 1e-5
# A search by words or by both must find this share of the chunks of which it is given a third of the words.
LEAST_FOUND = 0.9

START, QUERY, SLOW_QUERY = "start to first answer, ms", "query, ms", "95 of 100 queries, ms"
PRIVATE, RESIDENT, PEAK = "private, MB", "resident, MB", "peak, MB"
INSTALLED, BUILD, INDEX, RECALL = "installed, MB", "build, s", "index, MB", f"recall@{LIMIT}"
FOUND = tuple(f"MRR@{LIMIT}, {kind}" for kind in KINDS)
COLUMNS = (INSTALLED, START, PRIVATE, PEAK, QUERY, SLOW_QUERY, BUILD, INDEX, RECALL, *FOUND)
MORE_IS_BETTER = (RECALL, *FOUND)


class Contender(NamedTuple):
    """An adapter of search_contenders/, a way to search, and what is told of it.

    Attributes:
        name: its name in the table.
        adapter: the file of search_contenders/.
        mode: "hybrid", "vector" or "text".
        packages: what must be installed; m2v-lite where it makes the vectors.
        recall: the recall that it must have, which tells how exact its search by vectors is.
        is_slow: whether it answers all queries only once.
    """

    name: str
    adapter: str
    mode: str
    packages: tuple[str, ...]
    recall: float = 0.0
    is_slow: bool = False

    @property
    def folder(self) -> str:
        """Where its index is. Only txtai needs another one for another way to search."""
        return f"{self.adapter}-{self.mode}" if self.adapter == "txtai" else self.adapter


EXACT, IN_INT8, APPROXIMATE = 0.99, 0.95, 0.7
CONTENDERS = [
    *(
        Contender(f"m2v_lite, {mode}", OURS, mode, ("m2v-lite",), IN_INT8)
        for mode in ("hybrid", "vector", "text")
    ),
    *(
        Contender(f"arara-rag, {mode}", "arara_rag", mode, ("arara-rag",), EXACT)
        for mode in ("hybrid", "vector", "text")
    ),
    *(
        Contender(f"txtai, {mode}", "txtai", mode, ("txtai", "model2vec", "torch"), APPROXIMATE)
        for mode in ("hybrid", "vector")
    ),
    Contender("fastembed and numpy, vector", "fastembed", "vector", ("fastembed",), EXACT),
    Contender("Milvus Lite, vector", "milvus_lite", "vector", ("pymilvus", "milvus-lite", "m2v-lite"), EXACT),
    Contender("llm, vector", "llm", "vector", ("llm", "m2v-lite"), EXACT, is_slow=True),
]
# arara-rag says how fast it is and how much memory it has with so many texts.
GROWING = ["m2v_lite, hybrid", "m2v_lite, vector", "arara-rag, hybrid", "arara-rag, vector"]
GROWING_COLUMNS = (QUERY, SLOW_QUERY, PRIVATE, RESIDENT, PEAK, BUILD)

# The values of all rounds, by contender and figure.
Measured = dict[str, dict[str, list[float]]]


class Texts(NamedTuple):
    """What is searched: the chunks, the queries, and for each query the products of its vector with all."""

    chunks: list[str]
    items: list[KnownItem]
    products: NDArray[np.float32]
    checksums: list[int]


class Bench(NamedTuple):
    """Where the processes run, and what all of them are given."""

    folder: Path
    model: str
    peers_python: str

    def run(self, contender: Contender, program: str, *arguments: str) -> dict[str, Any]:
        """Run a program of this folder in the contender's environment, and return what it prints last."""
        python = sys.executable if contender.adapter == OURS else self.peers_python
        environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(HERE.parent)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # keep compiled modules, as pip does
        done = subprocess.run(
            [python, str(HERE / program), *arguments], capture_output=True, timeout=SECONDS, env=environment
        )
        if done.returncode:
            raise SystemExit(f"{contender.name} ended with status {done.returncode}:\n{done.stderr.decode()}")
        answer: dict[str, Any] = json.loads(done.stdout.decode().strip().split("\n")[-1])
        return answer

    def build(self, contender: Contender, chunks: Sequence[str]) -> dict[str, float]:
        """Make an index, and return its seconds and MB."""
        texts, index = self.folder / "texts.json", self.folder / contender.folder
        texts.write_text(json.dumps(chunks), encoding="utf-8")
        shutil.rmtree(index, ignore_errors=True)
        index.mkdir()
        answer = self.run(contender, "search_process.py", "build", *self._of(contender), str(texts))
        os.sync()  # until pages of a new file are on the disk, they count as private
        size = sum(path.stat().st_size for path in index.rglob("*") if path.is_file())
        return {BUILD: answer["seconds"], INDEX: size / 1e6}

    def answer(self, contender: Contender, queries: Sequence[str]) -> tuple[dict[str, float], list[Any]]:
        """Answer queries in a fresh process, and return the figures and the hits of each query."""
        source = self.folder / "queries.txt"
        source.write_text("\n".join(queries), encoding="utf-8", newline="\n")
        start = time.monotonic_ns()
        answer = self.run(
            contender, "search_process.py", "answer", *self._of(contender), str(source), str(len(queries))
        )
        figures = {START: (answer["first"] - start) / 1e6}
        if times := answer["milliseconds"]:
            figures[QUERY] = statistics.median(times)
            figures[SLOW_QUERY] = sorted(times)[len(times) * 95 // 100]
            for figure, name in ((PRIVATE, "Private_Dirty"), (RESIDENT, "VmRSS"), (PEAK, "VmHWM")):
                figures[figure] = answer["memory"][name] / 1024
        return figures, answer["found"]

    def _of(self, contender: Contender) -> list[str]:
        adapter = HERE / "search_contenders" / f"{contender.adapter}.py"
        return [str(adapter), contender.mode, str(self.folder / contender.folder), self.model]


def texts_of(packages: Iterable[Path], model: str, chunks: int, queries: int) -> Texts:
    """Return the chunks and queries, with the exact products of their vectors."""
    found, items = chunks_and_queries(packages, chunks, queries)
    encoder = StaticModel.from_pretrained(model)
    rows = encoder.encode_document(found, normalize=True)
    asked = encoder.encode_query([item.query for item in items], normalize=True)
    return Texts(found, items, asked @ rows.T, [crc32(chunk.encode()) for chunk in found])


def only_first(texts: Texts, chunks: int) -> Texts:
    """Return the same with fewer chunks."""
    return Texts(texts.chunks[:chunks], texts.items, texts.products[:, :chunks], texts.checksums[:chunks])


def quality(contender: Contender, found: list[Any], texts: Texts) -> dict[str, float]:
    """Return how good the hits are, and check that they are right.

    Args:
        contender: who found them.
        found: for each query, the numbers of chunks and the checksums of the texts, the best first.
        texts: what was searched.

    Raises:
        SystemExit: a text is another one, a hit is missing or there twice, or hits are worse than promised.
    """
    recalls: list[float] = []
    ranks: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for hits, item, products in zip(found, texts.items, texts.products, strict=True):
        numbers = [number for number, _ in hits]
        if any(texts.checksums[number] != checksum for number, checksum in hits):
            raise SystemExit(f"{contender.name} returned other texts than it was given: {item.query}")
        if len(set(numbers)) != len(numbers) or (len(numbers) != LIMIT and contender.mode != "text"):
            raise SystemExit(f"{contender.name} returned {numbers}: {item.query}")
        least = np.partition(products, -LIMIT)[-LIMIT]
        recalls.append(float((products[numbers] >= least - TIE).mean()) if numbers else 0.0)
        rank = numbers.index(item.chunk) + 1 if item.chunk in numbers else 0
        ranks[item.kind].append(1 / rank if rank else 0.0)
    figures = {f"MRR@{LIMIT}, {kind}": statistics.mean(values) for kind, values in ranks.items()}
    if contender.mode == "vector":
        figures[RECALL] = statistics.mean(recalls)
        if figures[RECALL] < contender.recall:
            raise SystemExit(f"{contender.name} has a recall of {figures[RECALL]:.3f}")
    elif figures[FOUND[0]] < LEAST_FOUND:
        raise SystemExit(f"{contender.name} finds too few chunks by their words: {figures[FOUND[0]]:.3f}")
    return figures


def measure(bench: Bench, contenders: list[Contender], texts: Texts, rounds: int) -> Measured:
    """Build all indexes, and then measure all contenders in turns."""
    measured: Measured = {contender.name: {} for contender in contenders}
    built: dict[str, dict[str, float]] = {}
    for contender in contenders:
        if contender.folder not in built:
            built[contender.folder] = bench.build(contender, texts.chunks)
            bench.answer(contender, [texts.items[0].query])  # warms the file cache
        for figure, value in built[contender.folder].items():
            measured[contender.name][figure] = [value]
    queries = [item.query for item in texts.items]
    for number in range(rounds):
        start = number % len(contenders)
        for contender in contenders[start:] + contenders[:start]:
            answers_all = number == 0 or not contender.is_slow
            figures, found = bench.answer(contender, queries if answers_all else queries[:1])
            if answers_all:
                figures |= quality(contender, found, texts)
            for figure, value in figures.items():
                measured[contender.name].setdefault(figure, []).append(value)
        print(f"  round {number + 1} of {rounds}", file=sys.stderr)
    return measured


def medians(measured: Measured) -> dict[str, dict[str, float]]:
    return {
        name: {figure: statistics.median(values) for figure, values in figures.items()}
        for name, figures in measured.items()
    }


def said(figure: str, value: float | None) -> str:
    """Return a value with as many digits as it deserves."""
    if value is None:
        return "-"
    if figure in MORE_IS_BETTER:
        return f"{value:.3f}"
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def table(measured: Measured, columns: Sequence[str]) -> str:
    """Return a table of medians."""
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for name, figures in medians(measured).items():
        cells = (said(column, figures.get(column)) for column in columns)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def ahead(measured: Measured, contenders: Iterable[Contender]) -> str:
    """Return lines that say where another contender is better than m2v_lite at the same way to search."""
    of = medians(measured)
    all_contenders = [contender for contender in contenders if contender.name in of]
    lines = []
    for ours in all_contenders:
        if ours.adapter != OURS:
            continue
        for column in COLUMNS:
            own = of[ours.name].get(column)
            better = {}
            for other in all_contenders:
                theirs = of[other.name].get(column)
                if (
                    own is None
                    or theirs is None
                    or other.mode != ours.mode
                    or said(column, theirs) == said(column, own)
                ):
                    continue
                if (theirs > own) == (column in MORE_IS_BETTER):
                    better[other.name.partition(",")[0]] = said(column, theirs)
            if better:
                names = ", ".join(f"{name} ({value})" for name, value in better.items())
                lines.append(f"- {ours.mode}; {column}: {names}; m2v_lite {said(column, own)}")
    return "\n".join(lines) + "\n" if lines else "- nowhere\n"


NOTES = """\
- *installed*: the packages with all that they need. m2v_lite with numpy alone, which is all that it loads
  here, has {alone:.0f} MB.{torch}
- *private* and *peak*: the memory after all queries, and the most at any time. What is only mapped from a
  file counts in the peak alone.
- *query*: processor time, with the vector of the query and the texts of the hits. llm compares vector by
  vector in Python, and has one round.
- *build*: elapsed time, with the model, after the imports.
- *recall@10*: the share of the ten nearest by brute force in float32 that are found. m2v_lite keeps vectors
  in int8. Above 5,000 texts, txtai's default is an approximate index. The others are exact.
- *MRR@10*: the mean of 1 / rank of the chunk that a query was made from. *Some words* is a third of its
  words, which favors search by words. *First sentence* begins the docstring whose rest is the chunk.
- The vectors are model2vec's in arara-rag and txtai, fastembed's own, and m2v_lite's in Milvus Lite and llm.
  All have the same model.
"""
# What the README of arara-rag 0.6.0 says.
STATED = (
    "arara-rag states 0.82 ms with 10,000 documents and 6.3 ms with 50,000, and a peak of 479 and 493 MB, of "
    "which the tokenizer of its own model has 316 MB. That model is not the one here.\n"
)


def report_of(result: dict[str, Any], contenders: list[Contender]) -> str:
    """Return the results as Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    of_cpu = "+cpu" in result["versions"].get("torch", "")
    torch = " txtai has the build of torch for CPUs alone." if of_cpu else ""
    lines = [
        f"One core of {result['processor']}; potion-base-8M; {result['chunks']:,} chunks of "
        f"{result['characters']:.0f} characters on average, from docstrings; {result['queries']} queries of "
        f"{result['words']:.0f} words on average, one at a time; medians of {result['rounds']} fresh "
        "processes each, taking turns, with a warm file cache.",
        "",
        f"{versions}.",
        "",
        table(result["measured"], COLUMNS),
        NOTES.format(alone=result["with numpy alone, MB"], torch=torch),
        "Others are ahead of m2v_lite here:",
        "",
        ahead(result["measured"], contenders),
    ]
    for number, measured in result["growing"].items():
        lines += [f"With {int(number):,} chunks:", "", table(measured, GROWING_COLUMNS)]
    return "\n".join([*lines, STATED] if result["growing"] else lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="the folder of potion-base-8M in float32")
    parser.add_argument("--peers-python", help="the Python of the environment .venv-search-peers")
    parser.add_argument(
        "--only", nargs="+", metavar="ADAPTER", help="compare only these of search_contenders/"
    )
    parser.add_argument("--chunks", type=int, default=20_000, metavar="N")
    parser.add_argument("--queries", type=int, default=200, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument(
        "--growing",
        type=int,
        nargs="*",
        default=[10_000, 50_000],
        metavar="N",
        help="then compare m2v_lite and arara-rag with N chunks",
    )
    parser.add_argument("--growing-rounds", type=int, default=3, metavar="N")
    add_out_option(parser)
    options = parser.parse_args()
    contenders = [one for one in CONTENDERS if options.only is None or one.adapter in options.only]
    packages = []
    if any(one.adapter != OURS for one in contenders):
        if options.peers_python is None:
            parser.error("--peers-python is missing: make search-side-by-side makes the environment")
        program = "import sysconfig; print(sysconfig.get_path('purelib'))"
        done = subprocess.run(
            [options.peers_python, "-c", program], capture_output=True, check=True, timeout=SECONDS
        )
        packages.append(Path(done.stdout.decode().strip()))
    compileall.compile_dir(HERE.parent / "m2v_lite", quiet=1)  # as pip does when it installs
    model = str(Path(options.model).absolute())
    texts = texts_of(packages, model, max(options.chunks, *options.growing, 0), options.queries)
    searched = only_first(texts, options.chunks)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})  # the processes inherit this
    try:
        with tempfile.TemporaryDirectory() as temporary:
            bench = Bench(Path(temporary), model, options.peers_python)
            sizes = {one.adapter: bench.run(one, "installed_size.py", *one.packages) for one in contenders}
            numpy = bench.run(contenders[0], "installed_size.py", "numpy")
            measured = measure(bench, contenders, searched, options.rounds)
            growing = {
                number: measure(
                    bench,
                    [one for one in contenders if one.name in GROWING],
                    only_first(texts, number),
                    options.growing_rounds,
                )
                for number in options.growing
            }
    finally:
        os.sched_setaffinity(0, cores)
    for contender in contenders:
        measured[contender.name][INSTALLED] = [sizes[contender.adapter]["MB"]]
    versions = {name: version for size in sizes.values() for name, version in size["versions"].items()}
    result = {
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"Python": platform.python_version(), **numpy["versions"], **versions},
        "rounds": options.rounds,
        "chunks": options.chunks,
        "queries": options.queries,
        "characters": sum(map(len, searched.chunks)) / len(searched.chunks),
        "words": statistics.mean(len(item.query.split()) for item in searched.items),
        "checksum of the texts": hashlib.sha256("\0".join(searched.chunks).encode()).hexdigest(),
        "with numpy alone, MB": sizes[OURS]["own MB"] + numpy["MB"] if OURS in sizes else numpy["MB"],
        "packages installed": {name: size["packages"] for name, size in sizes.items()},
        "measured": measured,
        "growing": growing,
    }
    report = report_of(result, contenders)
    print(report)
    write_results(options.out, "search-side-by-side", result, report)


if __name__ == "__main__":
    main()
