"""Start-up and memory beside the peers, each measurement in a fresh process of its own, on Linux.

    make footprint MODEL=FOLDER

FOLDER holds minishlab/potion-base-8M in float32. For each contender, taking turns on one core, with a warm
file cache: milliseconds from the start of the process to its first vector, private memory after that
(`Private_Dirty`), and the peak (`VmHWM`). A run counts only if its vector is that of model2vec 0.10.0, which
is stored in first-vector.npy. Then N processes hold the same model at the same time, after each has encoded
some texts: the sum of their proportional shares (`Pss`) counts what they share once.

All contenders run in the peers' environment, so that Python and numpy are the same.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from compare import processor
from prose import texts_of

import m2v_lite
from m2v_lite import StaticModel

HERE = Path(__file__).parent
REFERENCE = HERE / "first-vector.npy"
TEXT = "The kettle is on, and a small board hums quietly in the corner of the kitchen."
BASELINE, OURS, PACKED = "numpy alone", "m2v_lite", "m2v_lite, packed"
PEERS = {"model2vec": "model2vec", "laghu": "laghu", "laghu_rs": "laghu_rs", "fastembed": "fastembed"}
TOLERANCE = 1e-6
HELD_TEXTS = 2000

# By figure and contender, a list over the rounds.
Measured = dict[str, dict[str, list[float]]]
# By contender, number of processes and figure.
ProcessesMemory = dict[str, dict[str, dict[str, float]]]


class Contender(NamedTuple):
    """What is run: an adapter of contenders/, and the model that it is given."""

    adapter: str
    model: Path

    def start(self, program: str, argument: str, python: str) -> subprocess.Popen[bytes]:
        """Start a program of this folder in the peers' environment, where this project is on the path."""
        environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "HF_HUB_OFFLINE": "1"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
        path = HERE / "contenders" / f"{self.adapter}.py"
        return subprocess.Popen(
            [python, str(HERE / program), str(path), str(self.model), argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )


def contenders_of(folder: Path, packed: Path) -> dict[str, Contender]:
    return {
        BASELINE: Contender("numpy_alone", folder),
        PACKED: Contender("m2v_lite", packed),
        OURS: Contender("m2v_lite", folder),
        **{name: Contender(adapter, folder) for name, adapter in PEERS.items()},
    }


def check(name: str, vector: list[float] | None, reference: np.ndarray[Any, Any]) -> None:
    """Check a first vector against the stored one: ours to the bit, the peers' to a millionth.

    Raises:
        SystemExit: it is another.
    """
    if name == BASELINE:
        return
    found = np.array(vector, np.float32)
    tolerance = 0 if name in (OURS, PACKED) else TOLERANCE
    if found.shape != reference.shape or not np.abs(found - reference).max() <= tolerance:
        raise SystemExit(f"{name}: the vector is not that of {REFERENCE.name}; is MODEL potion-base-8M?")


def first_vector(name: str, contender: Contender, python: str) -> dict[str, float]:
    """Run one process to its first vector, and return its figures: ms and MB."""
    start = time.monotonic_ns()
    output, _ = (process := contender.start("first_vector.py", TEXT, python)).communicate()
    if process.returncode:
        raise SystemExit(f"{name} has ended with status {process.returncode}")
    answer = json.loads(output)
    check(name, answer["vector"], np.load(REFERENCE))
    memory = {figure: kilobytes / 1024 for figure, kilobytes in answer["memory"].items()}
    return {
        "start to first vector, ms": (answer["now"] - start) / 1e6,
        "private, MB": memory["Private_Dirty"],
        "peak, MB": memory["VmHWM"],
        "peak above the end, MB": memory["VmHWM"] - memory["VmRSS"],
    }


def measure(contenders: dict[str, Contender], python: str, rounds: int) -> Measured:
    """Measure all contenders, taking turns, after a round that warms the file cache and does not count."""
    measured: Measured = {}
    names = list(contenders)
    for number in range(-1, rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            figures = first_vector(name, contenders[name], python)
            if number >= 0:
                for figure, value in figures.items():
                    measured.setdefault(figure, {}).setdefault(name, []).append(value)
    return measured


def held(contender: Contender, texts: Path, number: int, python: str) -> dict[str, float]:
    """Return the memory in MB of `number` processes that hold a model at the same time."""
    processes = [contender.start("hold_model.py", str(texts), python) for _ in range(number)]
    try:
        for process in processes:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise SystemExit(f"{contender.adapter} has ended with status {process.wait()}")
        rollups = [Path(f"/proc/{process.pid}/smaps_rollup").read_text() for process in processes]
    finally:
        for process in processes:
            process.communicate()
    figures = [
        dict(line.split()[:2] for line in rollup.splitlines() if line.endswith("kB")) for rollup in rollups
    ]
    return {
        "sum of Pss, MB": sum(int(figure["Pss:"]) for figure in figures) / 1024,
        "private each, MB": statistics.median(int(figure["Private_Dirty:"]) for figure in figures) / 1024,
    }


def versions(python: str) -> dict[str, str]:
    """Return the versions of the contenders' packages in their environment."""
    names = ["numpy", "model2vec", "laghu", "laghu-rs", "fastembed", "tokenizers"]
    program = (
        "import importlib.metadata, json, platform, sys\n"
        "found = {name: importlib.metadata.version(name) for name in sys.argv[1:]}\n"
        "print(json.dumps({**found, 'Python': platform.python_version()}))"
    )
    found = subprocess.run([python, "-c", program, *names], capture_output=True, check=True)
    return {"m2v_lite": m2v_lite.__version__, **json.loads(found.stdout)}


def table(measured: Measured) -> str:
    """Return a table of medians, and of the medians of what is beyond numpy alone in the same round."""
    columns = ("start to first vector, ms", "private, MB", "peak, MB")
    lines = [
        "| | " + " | ".join(f"{column} | beyond numpy" for column in columns) + " | peak above the end, MB |",
        "|---|" + "---|" * 7,
    ]
    for name in measured[columns[0]]:
        cells = []
        for column in columns:
            values = measured[column][name]
            beyond = [own - alone for own, alone in zip(values, measured[column][BASELINE], strict=True)]
            cells.append(f"{statistics.median(values):.1f} | {statistics.median(beyond):.1f}")
        above = statistics.median(measured["peak above the end, MB"][name])
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {above:.1f} |")
    return "\n".join(lines) + "\n"


def ratios(measured: Measured) -> str:
    """Return a table of ours over the peers': time, the median of the rounds' ratios; and private memory."""
    lines = ["| of the peer's | | " + " | ".join(PEERS) + " |", "|---|---|" + "---|" * len(PEERS)]
    for column, label in (("start to first vector, ms", "time"), ("private, MB", "private memory")):
        for ours in (OURS, PACKED):
            cells = []
            for peer in PEERS:
                pairs = zip(measured[column][ours], measured[column][peer], strict=True)
                cells.append(f"{100 * statistics.median(own / theirs for own, theirs in pairs):.0f} %")
            lines.append(f"| {label} | {ours} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def processes_table(memory: ProcessesMemory) -> str:
    """Return a table of the memory of several processes, by contender and their number."""
    numbers = list(next(iter(memory.values())))
    lines = ["| processes | | " + " | ".join(numbers) + " |", "|---|---|" + "---|" * len(numbers)]
    for name, by_number in memory.items():
        for figure in ("sum of Pss, MB", "private each, MB"):
            cells = [f"{by_number[number][figure]:.1f}" for number in numbers]
            lines.append(f"| {name} | {figure} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path, help="the folder of potion-base-8M in float32")
    parser.add_argument("--peers-python", required=True, help="the Python of the environment of `make peers`")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8], metavar="N")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    compileall.compile_dir(Path(m2v_lite.__file__).parent, quiet=1)  # as pip does when it installs
    cores = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as temporary:
        packed, texts = Path(temporary) / "packed.safetensors", Path(temporary) / "texts.json"
        StaticModel.from_pretrained(options.model).save_packed(packed)
        contenders = contenders_of(options.model.absolute(), packed)
        os.sync()  # pages of files that are not yet on the disk would count as private
        os.sched_setaffinity(0, {max(cores)})  # which the processes inherit
        try:
            measured = measure(contenders, options.peers_python, options.rounds)
        finally:
            os.sched_setaffinity(0, cores)
        memory: dict[str, ProcessesMemory] = {}
        for held_texts in ([TEXT], texts_of(85, HELD_TEXTS)):
            texts.write_text(json.dumps(held_texts), encoding="utf-8")
            memory[f"{len(held_texts):,} texts" if len(held_texts) > 1 else "1 text"] = {
                name: {
                    str(number): held(contenders[name], texts, number, options.peers_python)
                    for number in options.processes
                }
                for name in (BASELINE, PACKED, OURS, "model2vec")
            }
    result = {
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions(options.peers_python),
        "rounds": options.rounds,
        "fresh processes": measured,
        "processes with one model": memory,
    }
    heading = (
        f"One core of {processor()}, Python {result['versions']['Python']}, numpy "
        f"{result['versions']['numpy']}; potion-base-8M in float32; medians of {options.rounds} fresh "
        "processes each, taking turns, with a warm file cache; every vector was that of model2vec 0.10.0."
    )
    text = (
        f"{heading}\n\n{table(measured)}\n{ratios(measured)}\n"
        "Processes that hold the model at the same time, each after some short texts:\n"
        + "".join(f"\n{texts} each:\n\n{processes_table(by_name)}" for texts, by_name in memory.items())
    )
    print(text)
    options.out.mkdir(exist_ok=True)
    (options.out / "footprint.json").write_text(json.dumps(result, indent=1) + "\n")
    (options.out / "footprint.md").write_text(text)


if __name__ == "__main__":
    main()
