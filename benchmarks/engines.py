"""Measure engines against plain encode: Daft, Ray Data, Spark and others, on 2 million texts.

    make bench-engines                                            # all of them
    make bench-engines ENGINES_OPTIONS="--engines daft spark --texts 50000 --rounds 1"

There are two jobs. All texts differ, and are in 16 Parquet files with 2 row groups each.

- *vectors*: read the texts, make vectors, and hand them to the engine, which takes in each: it counts them
  and adds up the first numbers of all. Spark also writes them to its sink noop.
- *files*: read the texts with their ids, and write both with the vectors to Parquet files.

Plain encode does the same, with pyarrow, in one process. It runs before each four engines, and each engine
is compared with the run just before. Each job runs in fresh processes on two cores. The processor time is
that of all processes, by processor_time.py. Before, the job runs twice for 20,000 of the texts: the first
time starts the engine. The second shows what each pipeline costs besides, as for actors that start anew.

Results must be right: in *files*, a sum of hashes of all ids and vectors must be equal to that of plain
encode; in *vectors*, the number of vectors and the sum of their first numbers.

Last, Ray and Spark run with one and two nodes, as far as one machine can: the time, and how much memory of
the model the workers share. All processes of one node have one core, with the driver; those of two have two.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
from engine_jobs import CORES, ENGINES, NODES, ON_ONE_CORE, PLAIN
from engine_report import report_of
from engine_texts import different_texts, sum_of_rows, write_rows
from processor_time import TICKS, Meter, end_all, family
from results_folder import HERE, LOCAL, add_out_option, write_results
from ten_languages import TEN_LANGUAGES

import m2v_lite

KINDS = ("vectors", "files")
NOT_BY_DEFAULT = ("ray-tasks", "spark-pandas-udf")
VECTORS_ALONE = ("spark-arrow-udf", "spark-pandas-udf")  # beside mapInArrow, and they write in the same way
WARM_UP = 20_000
MARKS = ("warm", "again", "done")
SECONDS = 1800  # none takes so long
PACKAGES = ("daft", "ray", "pyspark", "dask", "datasets", "polars", "duckdb", "pyarrow", "numpy")


def sentences(environment: Path | None) -> dict[str, list[str]]:
    """Return sentences by language: of the environment of `make texts`, or a few."""
    if environment is None:
        return TEN_LANGUAGES
    sys.path.append(str(HERE.parent / "tests"))
    from catalogs import sentences_by_language

    return sentences_by_language(environment)


def prepared(number: int, environment: Path | None, folder: Path) -> Path:
    """Return a folder of Parquet files with so many texts; make it if it is not there."""
    made = folder / f"engine-texts-{number}"
    if not made.exists():
        print(f"making {number:,} texts", flush=True)
        write_rows(different_texts(number, sentences(environment)), made)
    return made


def order_of(engines: list[str], between: int) -> list[str]:
    """Return what one round runs: plain encode, some engines, plain encode again, and so on.

    Example:
        >>> order_of(["daft", "ray", "dask"], 2)
        ['plain', 'daft', 'ray', 'plain', 'dask']
    """
    parts = [engines[start : start + between] for start in range(0, len(engines), between)] or [[]]
    return [name for part in parts for name in (PLAIN, *part)]


def plan_of(
    engines: Sequence[str], kinds: Sequence[str], nodes: Sequence[str], between: int
) -> list[tuple[str, str]]:
    """Return the jobs of one round, as pairs of a kind and an engine.

    Example:
        >>> plan_of(["polars"], ["files"], ["ray-1-node"], 3)
        [('files', 'plain'), ('files', 'polars'), ('nodes', 'ray-1-node')]
    """
    plan = []
    for kind in kinds:
        some = [name for name in engines if kind == "vectors" or name not in VECTORS_ALONE]
        plan += [(kind, name) for name in order_of(some, between)]
    return [*plan, *(("nodes", name) for name in nodes)]


class JobError(Exception):
    """A job failed, or did something wrong."""


class Runs:
    """Runs jobs, and checks what comes out.

    Args:
        meter: of this process.
        texts: the folder with all texts.
        warm_up: the folder with texts for the start.
        work: a folder for what jobs write.
    """

    def __init__(self, meter: Meter, texts: Path, warm_up: Path, work: Path) -> None:
        self._meter, self._texts, self._warm_up, self._work = meter, texts, warm_up, work
        self._right: dict[str, Any] = {}

    def run(self, name: str, kind: str) -> dict[str, Any]:
        """Run a job, and return what was measured."""
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(parents=True)
        print(f"{kind}: {name}", end=" ", flush=True)
        paths = (self._texts, self._warm_up, self._work)
        last, before, spans = time.perf_counter(), self._meter.seconds(), {}
        told: dict[str, Any] = {}
        shared: list[dict[str, float]] = []
        kind_of_job = "vectors" if kind == "nodes" else kind
        for mark in marks_of([name, kind_of_job, *map(str, paths)], self._work):
            now, seconds = time.perf_counter(), self._meter.seconds()
            spans[mark["at"]] = {"cpu": seconds - before, "wall": now - last}
            told |= mark
            if mark["at"] == "done" and name in NODES:
                shared = memory_of_model()
            # The next span begins here: looking at memory is no part of it.
            last, before = time.perf_counter(), self._meter.seconds()
        self._check(name, kind_of_job, self._found(kind_of_job, told))
        done = spans["done"]
        print(f"{done['cpu']:.1f} s of processor time, {done['wall']:.1f} s", flush=True)
        shutil.rmtree(self._work)
        return {
            "engine": name,
            "kind": kind,
            **spans,
            "title": told["title"],
            "setting": told["setting"],
            "memory": shared,
        }

    def _found(self, kind: str, told: dict[str, Any]) -> tuple[int, float]:
        """Return the number of rows, and a sum that tells the vectors."""
        if kind == "vectors":
            return told["rows"], told["first"]
        written = ds.dataset(self._work / "out", format="parquet")
        return sum_of_rows(written.to_batches(columns=["id", "embedding"]))

    def _check(self, name: str, kind: str, found: tuple[int, float]) -> None:
        """Compare what was found with what the first run of plain encode gave."""
        if not is_right(found, self._right.setdefault(kind, found)):
            raise JobError(f"{name}: {found}, but plain encode gives {self._right[kind]}")


def is_right(found: tuple[int, float], right: tuple[int, float]) -> bool:
    """Return whether the number of vectors and their sum are right: a sum of hashes to the bit.

    Numbers in float64 may be added in any order.

    Example:
        >>> is_right((2, 0.1 + 0.2), (2, 0.3)), is_right((2, 0.31), (2, 0.3)), is_right((1, 0.3), (2, 0.3))
        (True, False, False)
        >>> is_right((2, 2**63), (2, 2**63)), is_right((2, 2**63 + 1), (2, 2**63))
        (True, False)
    """
    (rows, value), (right_rows, right_value) = found, right
    if isinstance(right_value, int):
        return found == right
    return rows == right_rows and math.isclose(value, right_value, rel_tol=1e-9)


def marks_of(arguments: list[str], work: Path) -> Iterator[dict[str, Any]]:
    """Run a job in a process of its own, on two cores or one, and give its marks.

    It goes on when it is asked for the next mark.

    Args:
        arguments: of engine_jobs/run.py.
        work: a folder for temporary files, and for what it prints.
    """
    cores = sorted(os.sched_getaffinity(0))[: 1 if arguments[0] in ON_ONE_CORE else CORES]
    from_job, to_parent = os.pipe()
    from_parent, to_job = os.pipe()
    command = [sys.executable, "-m", "engine_jobs.run", *arguments, str(from_parent), str(to_parent)]
    short = tempfile.mkdtemp(prefix="ray")  # Ray has sockets there, whose paths must be short
    root = Path(m2v_lite.__file__).parents[1]
    variables = {
        "PYTHONPATH": os.pathsep.join([str(HERE), str(root)]),
        "TMPDIR": str(work),
        "RAY_TMPDIR": short,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "DAFT_PROGRESS_BAR": "0",
    }
    with (work / "printed.txt").open("w") as printed:
        process = subprocess.Popen(
            command,
            env={**os.environ, **variables},
            pass_fds=(from_parent, to_parent),
            stdout=printed,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    for number in (from_parent, to_parent):
        os.close(number)
    try:
        with os.fdopen(from_job) as marks, os.fdopen(to_job, "w") as answers:
            for at in MARKS:
                # A mark is one line, and the next comes after the answer: nothing is left in a buffer.
                waiting, _, _ = select.select([marks], [], [], SECONDS)
                line = marks.readline() if waiting else ""
                if not line:
                    raise JobError((work / "printed.txt").read_text()[-5000:] + f"\nno mark {at!r}")
                yield json.loads(line)
                print("go on", file=answers, flush=True)
            process.wait(SECONDS)
    finally:
        end_all()
        shutil.rmtree(short, ignore_errors=True)


def memory_of_model() -> list[dict[str, float]]:
    """Return, for each process below this one that has the model's table in memory, how much of it.

    In MB, with the processor time of the process since its start.
    """
    table = str(Path(m2v_lite.__file__).parent / "bundled")
    found = []
    for number, seen in family().items():
        try:
            maps = Path(f"/proc/{number}/smaps").read_text()
        except OSError:
            continue  # it has just ended
        if memory := memory_of_maps(maps, table):
            found.append({**memory, "cpu": seen.own / TICKS})
    return found


def memory_of_maps(maps: str, path: str) -> dict[str, float]:
    """Return the Rss and Pss of files below a path, in MB, from a smaps file; nothing if none is mapped.

    Example:
        >>> maps = ["1-2 r--s 0 fe:00 9 /a/b", "Rss: 2048 kB", "Pss: 1024 kB", "3-4 rw-p 0 0 0", "Rss: 8 kB"]
        >>> memory_of_maps("\\n".join(maps), "/a")
        {'Rss': 2.0, 'Pss': 1.0}
    """
    found: dict[str, float] = {}
    counts = False
    for line in maps.splitlines():
        name, *values = line.split()
        if not name.endswith(":"):
            counts = values[-1].startswith(path)
        elif counts and name in ("Rss:", "Pss:"):
            found[name[:-1]] = found.get(name[:-1], 0.0) + int(values[0]) / 1024
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = [name for name in ENGINES if name != PLAIN]
    by_default = [name for name in names if name not in NOT_BY_DEFAULT]
    parser.add_argument(
        "--engines", nargs="*", choices=names, default=by_default, help="(default: %(default)s)"
    )
    parser.add_argument(
        "--nodes", nargs="*", choices=[*NODES], default=[*NODES], help="(default: %(default)s)"
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="which jobs (default: both)")
    parser.add_argument("--texts", type=int, default=2_000_000, help="how many texts (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each runs (default: %(default)s)")
    parser.add_argument(
        "--rounds-of-files", type=int, default=1, help="the same for *files* (default: %(default)s)"
    )
    parser.add_argument("--between", type=int, default=4, help="engines for a run of plain encode")
    parser.add_argument("--translations", type=Path, help="the environment of `make texts`")
    parser.add_argument("--folder", type=Path, default=LOCAL, help="for texts and what jobs write")
    add_out_option(parser)
    options = parser.parse_args()
    folder: Path = options.folder.absolute()
    texts = prepared(options.texts, options.translations, folder)
    warm_up = prepared(WARM_UP, options.translations, folder)
    runs: list[dict[str, Any]] = []
    failed: list[str] = []
    with Meter() as meter:
        jobs = Runs(meter, texts, warm_up, folder / "engine-work")
        for number in range(options.rounds):
            kinds = [kind for kind in options.kinds if kind != "files" or number < options.rounds_of_files]
            for kind, name in plan_of(options.engines, kinds, options.nodes, options.between):
                try:
                    runs.append({**jobs.run(name, kind), "round": number})
                except JobError as error:
                    print(f"failed: {error}", flush=True)
                    failed.append(f"{kind}: {name}")
    sizes = [len(text) for text in pq.read_table(texts, columns=["text"])["text"].to_pylist()]
    result = {
        "machine": platform.machine(),
        "cores": CORES,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "texts": len(sizes),
        "warm-up": WARM_UP,
        "characters": sum(sizes) / len(sizes),
        "rounds": options.rounds,
        "rounds of files": min(options.rounds, options.rounds_of_files),
        "runs": runs,
        "failed": failed,
    }
    write_results(options.out, "engines", result, report_of(result))
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
