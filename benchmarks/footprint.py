"""Compare start-up and memory with the peers. Each measurement has a fresh process; this needs Linux.

    make footprint MODEL=FOLDER
    make footprint-multilingual

FOLDER holds minishlab/potion-base-8M in float32. The contenders take turns on one core, with a warm file
cache. The script measures the milliseconds from the start of a process to its first vector, its private
memory after that (`Private_Dirty`), and its peak (`VmHWM`). It does so with two texts: plain ASCII, and mixed
scripts. A run counts only if its vector is that of model2vec 0.10.0, which the files first-vector*.npy store.

m2v_lite takes part three times: with the folder and what it keeps of the tokenizer after the first start,
with the folder where nothing can be kept, and with the packed model.

Then N processes encode some texts each and hold the same model at the same time. The sum of their
proportional shares (`Pss`) counts shared memory once.

All contenders run in the peers' environment, so that they have the same Python and numpy.
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
from results_folder import HERE, add_model_options, add_out_option, write_results
from ten_languages import vectors_of_model2vec

import m2v_lite
from m2v_lite import StaticModel

REFERENCE = HERE / "first-vector.npy"
TEXT = "The kettle is on, and a small board hums quietly in the corner of the kitchen."
REFERENCE_MIXED = HERE / "first-vector-mixed-scripts.npy"
TEXT_MIXED = "Zażółć the watchdog timer, please: 東京!"
BASELINE, OURS, PACKED = "numpy alone", "m2v_lite", "m2v_lite, packed"
NOTHING_KEPT = "m2v_lite, nothing kept"
ALL_OURS = (OURS, NOTHING_KEPT, PACKED)
PEERS = ["model2vec", "laghu", "laghu_rs", "fastembed", "static_embed_runner"]
FAST = [BASELINE, PACKED]
OTHER_VECTORS = "other vectors"
TOLERANCE = 1e-6
SECONDS = 120  # many times what a process takes
HELD_TEXTS = 2000

# The values of all rounds, by figure and contender.
Measured = dict[str, dict[str, list[float]]]
# By contender, number of processes and figure.
ProcessesMemory = dict[str, dict[str, dict[str, float]]]


class FirstText(NamedTuple):
    """The text of a fresh process, the file of its vector, and whether a peer may give another one."""

    text: str
    reference: Path
    may_differ: bool = False


FIRST_TEXTS = {
    "plain ASCII": FirstText(TEXT, REFERENCE),
    "mixed scripts": FirstText(TEXT_MIXED, REFERENCE_MIXED),
}


class Contender(NamedTuple):
    """An adapter of contenders/, the model that it loads, and the Python of its environment.

    Attributes:
        adapter: the name of the adapter.
        model: a folder or file.
        python: the Python of the contender's environment.
        assets: the folder where m2v_lite keeps tokenizers; by default nothing can be kept.
    """

    adapter: str
    model: Path
    python: str
    assets: str = os.devnull

    def start(self, program: str, argument: str) -> subprocess.Popen[bytes]:
        """Start a program of this folder in the contender's environment, with this project on the path."""
        ours = {"PYTHONPATH": str(HERE.parent), "HF_HUB_OFFLINE": "1", "HF_ASSETS_CACHE": self.assets}
        environment = {**os.environ, **ours}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # keep compiled modules, as pip does
        path = HERE / "contenders" / f"{self.adapter}.py"
        return subprocess.Popen(
            [self.python, str(HERE / program), str(path), str(self.model), argument],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )


def contenders_of(
    folder: Path, packed: Path, assets: str, peers: list[str], python: str
) -> dict[str, Contender]:
    return {
        BASELINE: Contender("numpy_alone", folder, python),
        PACKED: Contender("m2v_lite", packed, python),
        OURS: Contender("m2v_lite", folder, python, assets),
        NOTHING_KEPT: Contender("m2v_lite", folder, python),
        **{name: Contender(name, folder, python) for name in peers},
    }


def check(
    name: str, vector: list[float] | None, reference: np.ndarray[Any, Any], may_differ: bool = False
) -> bool:
    """Compare a first vector with the right one: bit for bit for m2v_lite, to a millionth for the peers.

    Args:
        name: the contender.
        vector: what it gave.
        reference: what model2vec gives.
        may_differ: whether a peer may give another vector.

    Returns:
        Whether the vector is right.

    Raises:
        SystemExit: the vectors differ.
    """
    if name == BASELINE:
        return True
    found = np.array(vector, np.float32)
    tolerance = 0 if name in ALL_OURS else TOLERANCE
    right = found.shape == reference.shape and bool(np.abs(found - reference).max() <= tolerance)
    if not right and not (may_differ and name in PEERS and name != "model2vec"):
        raise SystemExit(f"{name}: the vector is not that of model2vec 0.10.0; is MODEL potion-base-8M?")
    return right


def first_vector(name: str, contender: Contender, first: FirstText) -> dict[str, float]:
    """Run one process to its first vector, and return its milliseconds and MB."""
    start = time.monotonic_ns()
    process = contender.start("first_vector.py", first.text)
    output, _ = process.communicate(timeout=SECONDS)
    if process.returncode:
        raise SystemExit(f"{name} ended with status {process.returncode}")
    answer = json.loads(output)
    right = check(name, answer["vector"], np.load(first.reference), first.may_differ)
    memory = {figure: kilobytes / 1024 for figure, kilobytes in answer["memory"].items()}
    return {
        "start to first vector, ms": (answer["now"] - start) / 1e6,
        "private, MB": memory["Private_Dirty"],
        "peak, MB": memory["VmHWM"],
        "peak above the end, MB": memory["VmHWM"] - memory["VmRSS"],
        OTHER_VECTORS: float(not right),
    }


def texts_of_model(model: Path, python: Path, folder: Path) -> dict[str, FirstText]:
    """Return the texts of `FIRST_TEXTS` with the vectors that model2vec gives for another model."""
    vectors = vectors_of_model2vec(python, None, model, [first.text for first in FIRST_TEXTS.values()])
    found = {}
    for (of, first), vector in zip(FIRST_TEXTS.items(), vectors, strict=True):
        reference = folder / f"{of}.npy"
        np.save(reference, vector)
        found[of] = FirstText(first.text, reference, may_differ=True)
    return found


def measure(
    contenders: dict[str, Contender],
    first_texts: dict[str, FirstText],
    rounds: int,
    slow_rounds: int,
) -> dict[str, Measured]:
    """Measure all contenders in turns, with each text. First let each warm the file cache.

    Only `FAST` takes part in all rounds, and all others in the first `slow_rounds`.
    """
    measured: dict[str, Measured] = {of: {} for of in first_texts}
    for name in contenders:
        for first in first_texts.values():
            first_vector(name, contenders[name], first)
    for number in range(rounds):
        names = [name for name in contenders if number < slow_rounds or name in FAST]
        start = number % len(names)
        for name in names[start:] + names[:start]:
            for of, first in first_texts.items():
                figures = first_vector(name, contenders[name], first)
                for figure, value in figures.items():
                    measured[of].setdefault(figure, {}).setdefault(name, []).append(value)
    return measured


def held(contender: Contender, texts: Path, number: int) -> dict[str, float]:
    """Return the memory in MB of `number` processes that hold a model at the same time."""
    processes = [contender.start("hold_model.py", str(texts)) for _ in range(number)]
    try:
        for process in processes:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise SystemExit(f"{contender.adapter} ended with status {process.wait(SECONDS)}")
        rollups = [Path(f"/proc/{process.pid}/smaps_rollup").read_text() for process in processes]
    finally:
        for process in processes:
            process.communicate(timeout=SECONDS)
    figures = [
        dict(line.split()[:2] for line in rollup.splitlines() if line.endswith("kB")) for rollup in rollups
    ]
    return {
        "sum of Pss, MB": sum(int(figure["Pss:"]) for figure in figures) / 1024,
        "private each, MB": statistics.median(int(figure["Private_Dirty:"]) for figure in figures) / 1024,
    }


def versions(python: str) -> dict[str, str]:
    """Return the versions of the packages in the peers' environment, and that of m2v_lite."""
    names = ["numpy", "model2vec", "laghu", "laghu-rs", "fastembed", "static-embed-runner", "tokenizers"]
    program = (
        "import importlib.metadata, json, platform, sys\n"
        "found = {name: importlib.metadata.version(name) for name in sys.argv[1:]}\n"
        "print(json.dumps({**found, 'Python': platform.python_version()}))"
    )
    found = subprocess.run([python, "-c", program, *names], capture_output=True, check=True, timeout=SECONDS)
    return {"m2v_lite": m2v_lite.__version__, **json.loads(found.stdout)}


def in_both(values: list[float], others: list[float]) -> list[tuple[float, float]]:
    """Return the pairs of values of the same round; the slow ones have only the first rounds."""
    return list(zip(values, others, strict=False))


def table(measured: Measured) -> str:
    """Return a table of medians; "beyond numpy" is the difference to numpy alone in the same round."""
    columns = ("start to first vector, ms", "private, MB", "peak, MB")
    lines = [
        "| | " + " | ".join(f"{column} | beyond numpy" for column in columns) + " | peak above the end, MB |",
        "|---|" + "---|" * 7,
    ]
    for name in measured[columns[0]]:
        cells = []
        for column in columns:
            values = measured[column][name]
            beyond = [own - alone for own, alone in in_both(values, measured[column][BASELINE])]
            cells.append(f"{statistics.median(values):.1f} | {statistics.median(beyond):.1f}")
        above = statistics.median(measured["peak above the end, MB"][name])
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {above:.1f} |")
    return "\n".join(lines) + "\n"


def beyond_numpy(measured: Measured) -> str:
    """Return a sentence: how much more time m2v_lite takes than numpy alone; medians of rounds."""
    times = measured["start to first vector, ms"]

    def more(name: str) -> str:
        pairs = in_both(times[name], times[BASELINE])
        return f"{100 * statistics.median(own / alone - 1 for own, alone in pairs):+.0f} %"

    found = "; ".join(f"{name} {more(name)}" for name in ALL_OURS if name in times)
    return f"From start to first vector, beyond numpy alone: {found}.\n"


def ratios(measured: Measured, heading: str = "of the peer's") -> str:
    """Return a table of m2v_lite's time and private memory as shares of each peer's; medians of rounds."""
    peers = [name for name in measured["private, MB"] if name in PEERS]
    lines = [f"| {heading} | | " + " | ".join(peers) + " |", "|---|---|" + "---|" * len(peers)]
    for column, label in (("start to first vector, ms", "time"), ("private, MB", "private memory")):
        for ours in (name for name in ALL_OURS if name in measured[column]):
            cells = []
            for peer in peers:
                pairs = in_both(measured[column][ours], measured[column][peer])
                cells.append(f"{100 * statistics.median(own / theirs for own, theirs in pairs):.0f} %")
            lines.append(f"| {label} | {ours} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def say_other(measured: Measured) -> str:
    """Return a sentence about the peers whose first vector is not that of model2vec."""
    names = [name for name, values in measured.get(OTHER_VECTORS, {}).items() if any(values)]
    return f"Other first vectors than model2vec's: {', '.join(names)}.\n\n" if names else ""


def tables(measured: dict[str, Measured]) -> str:
    """Return all tables of fresh processes, for one text after the other."""
    headings = {"plain ASCII": "of the peer's", "mixed scripts": "mixed scripts: of the peer's"}
    return "".join(
        f"The first text is {of}: {FIRST_TEXTS[of].text}\n\n"
        f"{table(by_figure)}\n{beyond_numpy(by_figure)}\n{ratios(by_figure, headings[of])}\n"
        f"{say_other(by_figure)}"
        for of, by_figure in measured.items()
    )


def processes_table(memory: ProcessesMemory) -> str:
    """Return a table of the memory of several processes, by contender and number of processes."""
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
    parser.add_argument(
        "--peers", nargs="+", default=PEERS, choices=PEERS, metavar="PEER", help="compare with these peers"
    )
    parser.add_argument("--rounds", type=int, default=21, metavar="N")
    parser.add_argument(
        "--slow-rounds",
        type=int,
        metavar="N",
        help="let all but numpy alone and the packed model take part in the first N rounds alone",
    )
    parser.add_argument(
        "--processes",
        type=int,
        nargs="+",
        default=[1, 2, 4, 8],
        metavar="N",
        help="let N processes hold the model at the same time",
    )
    parser.add_argument(
        "--held-texts", type=int, default=HELD_TEXTS, metavar="N", help="then let each encode N texts"
    )
    add_model_options(parser)
    add_out_option(parser)
    options = parser.parse_args()
    compileall.compile_dir(Path(m2v_lite.__file__).parent, quiet=1)  # as pip does when it installs
    cores = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as temporary:
        packed, texts = Path(temporary) / "packed.safetensors", Path(temporary) / "texts.json"
        StaticModel.from_pretrained(options.model).save_packed(packed)
        contenders = contenders_of(
            options.model.absolute(),
            packed,
            str(Path(temporary) / "assets"),
            options.peers,
            options.peers_python,
        )
        first_texts = FIRST_TEXTS
        if options.name is not None:
            first_texts = texts_of_model(options.model, Path(options.peers_python), Path(temporary))
        os.sync()  # until pages of a new file are on the disk, they count as private
        os.sched_setaffinity(0, {max(cores)})  # the processes inherit this
        try:
            slow_rounds = options.rounds if options.slow_rounds is None else options.slow_rounds
            measured = measure(contenders, first_texts, options.rounds, slow_rounds)
        finally:
            os.sched_setaffinity(0, cores)
        memory: dict[str, ProcessesMemory] = {}
        for held_texts in ([TEXT], texts_of(85, options.held_texts)):
            texts.write_text(json.dumps(held_texts), encoding="utf-8")
            memory[f"{len(held_texts):,} texts" if len(held_texts) > 1 else "1 text"] = {
                name: {str(number): held(contenders[name], texts, number) for number in options.processes}
                for name in (BASELINE, PACKED, OURS, "model2vec")
                if name in contenders
            }
    of_slow = "" if slow_rounds == options.rounds else f" (of the slow ones {slow_rounds})"
    result = {
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "model": options.about,
        "versions": versions(options.peers_python),
        "rounds": options.rounds,
        "rounds of the slow ones": slow_rounds,
        "fresh processes": measured["plain ASCII"],
        "fresh processes, mixed scripts": measured["mixed scripts"],
        "processes with one model": memory,
    }
    heading = (
        f"One core of {processor()}, Python {result['versions']['Python']}, numpy "
        f"{result['versions']['numpy']}; {options.about}; medians of {options.rounds} fresh "
        f"processes each{of_slow}, taking turns, with a warm file cache; every vector "
        f"{'of m2v_lite ' * (options.name is not None)}was that of model2vec 0.10.0."
    )
    text = (
        f"{heading}\n\n{tables(measured)}"
        "Processes that hold the model at the same time, each after some short texts:\n"
        + "".join(f"\n{texts} each:\n\n{processes_table(by_name)}" for texts, by_name in memory.items())
    )
    print(text)
    suffix = "" if options.name is None else f"-{options.name}"
    write_results(options.out, f"footprint{suffix}", result, text)


if __name__ == "__main__":
    main()
