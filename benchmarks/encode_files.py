"""Measure `m2v-lite encode` on large files: what reading and writing add to encoding alone, and its memory.

    make encode-files

Each job runs in a fresh process on one core, in turn with the work that it is compared with:

- *encode alone*: the same texts, in a list, encoded by `model.encode`; the time of that call.
- *floor*: encoding alone, and the time to write as many bytes as the job has written.

The time of a job is that of the command, less that of the same command on an empty file. Every output is read
back, and must hold the vectors of `model.encode`, bit for bit. Texts are real prose and real translations.

The memory is the most private memory that the command has at any time while it encodes a file of
`--gigabytes`. For the time from a line to its vector, lines go through a pipe one by one, and the answer is
waited for.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from prose import overlapping_texts
from results_folder import HERE, add_out_option, write_results

sys.path[:0] = [str(HERE.parent / "tests")]

from catalogs import sentences_by_language
from time_limit import started

from m2v_lite import StaticModel

ROUNDS = 5
DIFFERENT = 400_000
BLOCK = 1 << 20
SECONDS = 3600


def on_one_core(command: Sequence[str], cores: int = 1, **options: Any) -> float:
    """Run a command on so many cores, and return the elapsed seconds."""
    mine = sorted(os.sched_getaffinity(0))[-cores:]
    start = time.perf_counter()
    subprocess.run(
        command, check=True, timeout=SECONDS, preexec_fn=lambda: os.sched_setaffinity(0, mine), **options
    )
    return time.perf_counter() - start


def command(*options: str | Path) -> list[str]:
    return [sys.executable, "-m", "m2v_lite", "encode", *map(str, options)]


ALONE = """
import sys, time
from m2v_lite import StaticModel
texts = open(sys.argv[1], encoding="utf-8", newline="\\n").read().removesuffix("\\n").split("\\n")
model = StaticModel.from_pretrained(sys.argv[2] or None)
start = time.perf_counter()
model.encode(texts)
print(time.perf_counter() - start)
"""


def encode_alone(texts: Path, model: str) -> float:
    """Return the seconds that encoding takes, on one core, in a fresh process."""
    core = sorted(os.sched_getaffinity(0))[-1]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(texts), model],
        check=True,
        timeout=SECONDS,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: os.sched_setaffinity(0, [core]),
    )
    return float(done.stdout)


def write_again(path: Path) -> float:
    """Return the seconds that it takes to write as many bytes to a new file, and to put them on the disk."""
    content = path.read_bytes()
    copy = path.with_name("copy")
    start = time.perf_counter()
    with copy.open("wb", buffering=0) as file:
        for begin in range(0, len(content), BLOCK):
            file.write(content[begin : begin + BLOCK])
        os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    copy.unlink()
    return seconds


def read_back(path: Path) -> np.ndarray[Any, Any]:
    """Return the vectors in an output."""
    if path.suffix == ".npy":
        return np.asarray(np.load(path))
    if path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as lines:
            return np.array([json.loads(line)["embedding"] for line in lines], np.float32)
    column = pyarrow.parquet.read_table(path).column("embedding").combine_chunks()
    return np.asarray(column.flatten().to_numpy()).reshape(len(column), -1)


def measure_jobs(texts: list[str], folder: Path, model: str, rounds: int) -> list[dict[str, Any]]:
    """Return how many times as long each job takes as what it is compared with."""
    plain, table, nothing = folder / "in.txt", folder / "in.parquet", folder / "nothing.txt"
    plain.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8", newline="\n")
    nothing.touch()
    pyarrow.parquet.write_table(pa.table({"id": range(len(texts)), "text": texts}), table)
    expected = StaticModel.from_pretrained(model or None).encode(texts)
    chosen = ["--model", model] if model else []
    jobs: list[tuple[str, Path, str, list[str], int]] = [
        ("text to .npy", plain, "out.npy", [], 1),
        ("text to .npy, 2 workers on 2 cores", plain, "out.npy", ["--workers", "2"], 2),
        ("text to .jsonl", plain, "out.jsonl", [], 1),
        ("Parquet to Parquet", table, "out.parquet", [], 1),
    ]
    measured = []
    for name, source, output, options, cores in jobs:
        whole, above_floor, seconds = [], [], []
        for _ in range(rounds):
            alone = encode_alone(plain, model)
            start = on_one_core(command("--input", nothing, "--output", folder / output, *chosen), cores)
            spent = on_one_core(
                command("--input", source, "--output", folder / output, *options, *chosen), cores
            )
            floor = write_again(folder / output)
            whole.append((spent - start) / alone)
            above_floor.append((spent - start) / (alone + floor))
            seconds.append(spent)
        np.testing.assert_array_equal(read_back(folder / output), expected)
        measured.append(
            {
                "job": name,
                "x encode alone": whole,
                "x encode alone and writing": above_floor,
                "MB written": (folder / output).stat().st_size / 1e6,
                "seconds": seconds,
            }
        )
        print(name, f"{statistics.median(whole):.2f}", f"{statistics.median(above_floor):.2f}", flush=True)
        (folder / output).unlink()
    return measured


def measure_latency(lines: list[str]) -> dict[str, float]:
    """Return the milliseconds from a line to its vector, through two pipes."""
    times = []
    with started(command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in lines:
            start = time.perf_counter()
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
            answer = process.stdout.readline()
            times.append((time.perf_counter() - start) * 1000)
            assert json.loads(answer)["text"] == line
            time.sleep(0.002)  # so that the command waits for the line
    times = times[1:]  # the first also starts the command
    return {
        "median": statistics.median(times),
        "99 of 100": sorted(times)[len(times) * 99 // 100],
        "most": max(times),
    }


def measure_memory(
    texts: list[str], folder: Path, gigabytes: float, options: Sequence[str]
) -> dict[str, float]:
    """Return the most private memory, in MB, while a large file is encoded."""
    source = folder / "large.txt"
    part = "".join(f"{text}\n" for text in texts).encode()
    with source.open("wb") as file:
        while file.tell() < gigabytes * 1e9:
            file.write(part)
    size = source.stat().st_size
    most = 0
    with started(command("--input", source, "--output", folder / "large.npy", *options)) as process:
        while process.poll() is None:
            most = max(most, private_memory(process.pid))
            time.sleep(0.05)
        assert process.returncode == 0
    vectors = np.load(folder / "large.npy", mmap_mode="r")
    assert len(vectors) == size // len(part) * len(texts)
    source.unlink()
    (folder / "large.npy").unlink()
    return {"GB": size / 1e9, "texts": len(vectors), "private memory, MB": most / 1024}


def private_memory(process: int) -> int:
    """Return the private memory of a process and its children, in kB."""
    total = 0
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
        for number in (process, *map(int, children)):
            rollup = Path(f"/proc/{number}/smaps_rollup").read_text()
            total += next(
                int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_Dirty")
            )
    except (OSError, StopIteration):
        return 0  # it has just ended
    return total


def report_of(result: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    machine = f"{result['machine']}, Python {platform.python_version()}, numpy {np.__version__}"
    texts = f"{result['texts']:,} texts of {result['characters']:.0f} characters on average"
    lines = [
        f"{machine}; {result['model']}; {texts}; {result['rounds']} rounds; median (range)",
        "",
        "| job | MB written | x encode alone | x encode alone and writing the same bytes |",
        "|---|---|---|---|",
    ]
    for job in result["jobs"]:
        cells = []
        for name in ("x encode alone", "x encode alone and writing"):
            ratios = job[name]
            cells.append(f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}-{max(ratios):.2f})")
        lines.append(f"| {job['job']} | {job['MB written']:.0f} | {' | '.join(cells)} |")
    latency, memory = result["latency"], result["memory"]
    lines += [
        "",
        f"From a line to its vector, through two pipes: {latency['median']:.1f} ms (median), "
        f"{latency['99 of 100']:.1f} ms (99 of 100), {latency['most']:.1f} ms (the most).",
        "",
        f"The most private memory for a text file of {memory['GB']:.1f} GB, with --dim 8: "
        f"{memory['private memory, MB']:.1f} MB.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="", help="a model (default: the bundled one)")
    parser.add_argument("--number", type=int, default=1_000_000, help="how many texts (default: %(default)s)")
    parser.add_argument("--texts", type=Path, required=True, help="the environment of `make texts`")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--gigabytes", type=float, default=5.0, help="the size of the large file")
    parser.add_argument(
        "--folder", help="where to write large files (default: the system's temporary folder)"
    )
    add_out_option(parser)
    options = parser.parse_args()
    found = sentences_by_language(options.texts)
    foreign = [sentence for some in found.values() for sentence in some if "\n" not in sentence]
    foreign = foreign[: options.number // 10]
    prose = overlapping_texts(min(options.number, DIFFERENT))
    texts = [*islice(cycle(prose), options.number - len(foreign)), *foreign]
    random.Random(0).shuffle(texts)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        latency = measure_latency(texts[:500])
        print(latency, flush=True)
        jobs = measure_jobs(texts, folder, options.model, options.rounds)
        memory = measure_memory(texts, folder, options.gigabytes, ["--dim", "8"])
    result = {
        "machine": platform.machine(),
        "model": options.model or "the bundled potion-base-8M in int8",
        "texts": len(texts),
        "characters": sum(map(len, texts)) / len(texts),
        "rounds": options.rounds,
        "jobs": jobs,
        "latency": latency,
        "memory": memory,
    }
    write_results(options.out, "encode-files", result, report_of(result))


if __name__ == "__main__":
    main()
