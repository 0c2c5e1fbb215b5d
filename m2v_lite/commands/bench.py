"""`m2v-lite bench`: measures speed, start-up time and memory on this machine, and prints a report.

It needs no data of its own: the texts come from Python's `help()`.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from m2v_lite import __version__
from m2v_lite.commands.options import positive
from m2v_lite.model import StaticModel

SHORT_WORDS, LONG_WORDS = 13, 220
LONG_SHARE = 20  # short texts for each long text
WARM_UP = 100
TOLERANCES = {"float16": 2e-3}
TOLERANCE = 1e-5

# The first numbers of three vectors of the bundled model, as model2vec 0.10.0 computes them.
STORED = {
    "The kettle is on, and a small board hums quietly.": (
        -0.19725378,
        -0.03421749,
        -0.13083158,
        0.012076762,
        0.036230285,
        -0.0140895555,
    ),
    "Über die Brücke fährt der Zug; 昨日の夜は雨が降った。 👍": (
        -0.102308005,
        -0.3228803,
        -0.22151092,
        -0.1360978,
        0.21118625,
        0.1370364,
    ),
    "HTTP/1.1 404 Not Found: /favicon.ico (127.0.0.1)": (
        0.12226508,
        0.021080187,
        -0.13912922,
        -0.12788646,
        0.059024516,
        -0.004216037,
    ),
}

FIRST_VECTOR = """\
import sys
import numpy
place, text = sys.argv[1:]
if text:
    from m2v_lite import StaticModel
    model = StaticModel.from_pretrained(place or None)
    model.encode(text)
print("ready", flush=True)
try:
    print(open("/proc/self/smaps_rollup").read())
except OSError:
    pass
"""


def board() -> str:
    """Return the machine's name from its device tree, or else the name of its processor."""
    for path in ("/proc/device-tree/model", "/sys/firmware/devicetree/base/model"):
        for line in _lines(path):
            return line.strip("\0 ")
    for line in _lines("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        if name.strip().lower() in ("model name", "cpu model", "hardware") and value.strip():
            return value.strip()
    return platform.processor() or platform.machine()


def memory() -> str:
    """Return how much memory the machine has, in words."""
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal:"):
            return f"{int(line.split()[1]) / 1024:,.0f} MB of memory"
    return "unknown memory"


def _lines(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            yield from file
    except OSError:
        return


def texts_of(words: int, number: int) -> list[str]:
    """Return up to `number` different texts of `words` words each, from Python's documentation.

    Examples:
        >>> [len(text.split()) for text in texts_of(13, 2)]
        [13, 13]
    """
    from pydoc_data.topics import topics

    all_words = " ".join(topics[name] for name in sorted(topics)).split()
    texts = [
        " ".join(all_words[start : start + words]) for start in range(0, len(all_words) - words + 1, words)
    ]
    return list(dict.fromkeys(texts))[:number]


def first_vector(model: str | None, text: str) -> tuple[float, float | None]:
    """Return the ms from the start of a process to its first vector, and its private MB or None if unknown.

    With an empty text, the process only imports numpy.
    """
    import subprocess  # the other commands do not need it

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FIRST_VECTOR, model or "", text],  # the command has warned
        stdout=subprocess.PIPE,
        env=environment,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        seconds = time.perf_counter() - start
        rest = process.stdout.read()
    if ready != "ready\n" or process.returncode:
        raise SystemExit(
            f"m2v-lite bench: a measured process failed with status {process.returncode}; "
            "see its output above"
        )
    private = [int(line.split()[1]) / 1024 for line in rest.splitlines() if line.startswith("Private_Dirty:")]
    return seconds * 1e3, private[0] if private else None


def start_up(model: str | None, rounds: int) -> list[tuple[str, str]]:
    """Return lines on start-up and private memory: medians of fresh processes, next to numpy alone."""
    import statistics  # the other commands do not need it

    text = next(iter(STORED))
    runs: dict[str, list[tuple[float, float | None]]] = {"": [], text: []}
    for number in range(rounds + 1):
        if number == 1 and hasattr(os, "sync"):
            os.sync()  # pages of new files count as private until they are on the disk
        for wanted, figures in runs.items():
            figure = first_vector(model, wanted)
            if number:  # the first round only reads the files into the cache
                figures.append(figure)
    (numpy_ms, numpy_mb), (ms, mb) = (
        (
            statistics.median(milliseconds for milliseconds, _ in figures),
            statistics.median(megabytes or 0.0 for _, megabytes in figures),
        )
        for figures in runs.values()
    )
    private = f"{mb:.1f} MB; numpy alone {numpy_mb:.1f} MB" if mb else "unknown on this system"
    return [
        ("start to first vector", f"{ms:.0f} ms; numpy alone {numpy_ms:.0f} ms"),
        ("private memory then", private),
    ]


def speed(model: str | None, short: Sequence[str], long: Sequence[str], rounds: int) -> list[tuple[str, str]]:
    """Return lines on speed: medians over rounds. A fresh model sees its texts once in each round."""
    import statistics

    lines = []
    for name, texts in (("short", short), ("long", long)):
        seconds = []
        for _ in range(rounds):
            fresh = StaticModel.from_pretrained(model)
            start = time.perf_counter()
            fresh.encode(texts)
            seconds.append(time.perf_counter() - start)
        characters = sum(map(len, texts)) // len(texts)
        per_second = len(texts) / statistics.median(seconds)
        label = f"{len(texts):,} {name} texts of {characters:,} characters"
        lines.append((label, f"{per_second:,.0f} texts/s"))
    fresh = StaticModel.from_pretrained(model)
    singles = []
    for text in short:
        start = time.perf_counter()
        fresh.encode(text)
        singles.append(time.perf_counter() - start)
    median = statistics.median(singles[WARM_UP:] or singles)
    lines.append(("one short text", f"{median * 1e3:.2f} ms"))
    return lines


def check_stored() -> tuple[bool, str]:
    """Compare vectors of the bundled model with `STORED`, which holds to the bit on every machine."""
    vectors = StaticModel.from_pretrained().encode(list(STORED))
    stored = np.array(list(STORED.values()), np.float32)
    difference = float(np.abs(vectors[:, : stored.shape[1]] - stored).max())
    return difference == 0, "equal to the bit" if difference == 0 else f"WRONG by {difference:.1e}"


def check_means(model: str | None, texts: Sequence[str]) -> tuple[bool, str]:
    """Compare vectors with the means of their rows, computed in float64, one text at a time."""
    loaded = StaticModel.from_pretrained(model)
    vectors = loaded.encode(texts).astype(np.float64)
    largest = 0.0
    for text, vector in zip(texts, vectors, strict=True):
        rows = loaded.encode_as_sequence(text, max_length=loaded.max_length)
        mean = rows.mean(axis=0, dtype=np.float64) if len(rows) else np.zeros(loaded.dim)
        if loaded.normalize:
            mean /= np.linalg.norm(mean) or 1
        largest = max(largest, float(np.abs(vector - mean).max() / (np.abs(mean).max() or 1)))
    right = largest <= TOLERANCES.get(str(loaded.embedding_dtype), TOLERANCE)
    return right, f"{'within' if right else 'WRONG by'} {largest:.0e}"


def add(commands: Any) -> None:
    """Add this command to the parser."""
    bench = commands.add_parser(
        "bench",
        help="measure speed and memory on this machine",
        description="Measure speed, start-up and memory on this machine, check the vectors, and print the "
        "results as Markdown. Close other programs first. The exit status is 1 if a vector is wrong.",
    )
    bench.add_argument(
        "--model", help="a model folder, packed model or name on the hub (default: the bundled model)"
    )
    bench.add_argument(
        "--texts", type=positive, default=4000, metavar="N", help="number of short texts (default: 4000)"
    )
    bench.add_argument(
        "--rounds", type=positive, default=5, metavar="N", help="number of times to measure (default: 5)"
    )
    bench.set_defaults(run=_bench, parser=bench)


def _bench(options: argparse.Namespace) -> None:
    short = texts_of(SHORT_WORDS, options.texts)
    long = texts_of(LONG_WORDS, -(-len(short) // LONG_SHARE))
    loaded = StaticModel.from_pretrained(options.model)
    stored_right, stored = check_stored()
    means_right, means = check_means(options.model, [*short, *long])
    name = options.model or "bundled"
    table = f"{len(loaded.embedding):,} x {loaded.dim} {loaded.embedding_dtype}"
    lines = [
        ("machine", f"{os.cpu_count()} cores, {platform.machine()}, {memory()}"),
        ("system", f"{platform.system()} {platform.release()}"),
        (
            "Python, numpy",
            f"{platform.python_version()} ({sys.maxsize.bit_length() + 1} bit), {np.__version__}",
        ),
        ("m2v_lite", f"{__version__}, model {name}: {table}"),
        *start_up(options.model, options.rounds),
        *speed(options.model, short, long, options.rounds),
        ("check: stored vectors", stored),
        (f"check: means of {len(short) + len(long):,} texts", means),
    ]
    print(f"### {board()}\n\n| | |\n|---|---|")
    for label, value in lines:
        print(f"| {label} | {value} |")
    if not (stored_right and means_right):
        raise SystemExit(1)
