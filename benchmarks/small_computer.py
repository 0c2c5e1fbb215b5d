"""Find out which contenders encode with a 300 MB table, and with 500,353 pieces, on small emulated computers,
and with how little memory m2v_lite indexes and searches there.

    make small-computer
    make small-computer COMPUTER_OPTIONS="--only multilingual"    # keeps the English results that are there

qemu emulates a computer with Debian's kernel, one x86-64 core, 128 or 256 MB of memory and no swap. Each
contender encodes in its own control group (cgroup v2): under several limits (`memory.max`), and with the
computer's own memory as the only limit. Each run starts with a cold file cache.

In the English part, table, texts and expected vectors are those of memory_cap.py. In the multilingual part,
the model is that of multilingual_model.py, with a table of 512 MB and joined texts. m2v_lite gets it packed,
and the peers get the folder. The texts are those of ten_languages.py, and model2vec gives the expected
vectors outside the computer, with the same Python and numpy. Another computer has enough memory for all, to
tell a lack of memory from a lack of time. A run counts only if its vectors are right.

In the search part, 50,000 lines of real prose are indexed with the bundled model, and some of them are
searched for in each mode. Each of these must be found.

Emulation tells nothing about speed, so the results have no times. But the script stops a run after a
minute, which is many times what a run takes with enough memory; multilingual, the peers have four minutes.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import itertools
import json
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from emulated_computer import boot, emulated_python, make_first_files
from index_and_search import EVERY
from memory_cap import PEERS, check, make_model, right_vectors
from multilingual_model import PIECES, make_multilingual_model
from numpy.typing import NDArray
from prose import overlapping_texts
from results_folder import HERE, LOCAL, add_out_option, write_results
from sample_texts import SAMPLE_TEXTS
from ten_languages import TEXTS, vectors_of_model2vec

from m2v_lite import StaticModel

# By contender, and by limit as the table shows it.
Outcomes = dict[str, dict[str, dict[str, Any]]]

OURS = "m2v_lite"
COMPUTERS = [128, 256]  # MB of memory
SHARES = [4, 2]  # the limits: a quarter and a half of the computer's memory; m2v_lite must encode with both
SMALLER_LIMITS = [20, 24, 28]  # MB; these find the smallest limit for m2v_lite
SECONDS = 60
TOOL_SECONDS = 600  # many times what compiling the modules or making a disk takes
TOLERANCE = 1e-6
NO_LIMIT = "max"
DONE = ("encodes", "searches")
RESULT = "small-computer"
ENGLISH, MULTILINGUAL = "english", "multilingual"
ENOUGH = 3072  # MB of memory, with which every contender encodes that can use the model
MULTILINGUAL_PEERS = [*PEERS, "static_embed_runner"]
MULTILINGUAL_LIMIT = 64  # MB; m2v_lite must encode with it
SMALLER_MULTILINGUAL_LIMITS = [20, 24, 32]  # MB
MULTILINGUAL_COMPUTERS = [128, ENOUGH]
MULTILINGUAL_SECONDS = 240  # for the peers, which read the tokenizer for a minute
SEARCH = "search"
LINES = 50_000  # what is indexed
SEARCH_LIMIT = 64  # MB; m2v_lite must index and search with it
SMALLER_SEARCH_LIMITS = [40]  # MB
SEARCH_COMPUTERS = [128]
SEARCH_SECONDS = 900


class Run(NamedTuple):
    """One process on the small computer.

    Attributes:
        name: the contender.
        limit: its `memory.max` in bytes, or "max".
        model: the file or folder of the model on the disk.
        seconds: when it is stopped.
        program: what it runs.
    """

    name: str
    limit: str
    model: str = "/model"
    seconds: int = SECONDS
    program: str = "encode_texts.py"

    @property
    def shown_limit(self) -> str:
        return "none" if self.limit == NO_LIMIT else f"{int(self.limit) >> 20} MB"


def runs_on(megabytes: int) -> list[Run]:
    """Return the runs on a computer with this much memory, smallest limits first."""
    limits = [str((megabytes << 20) // share) for share in SHARES]
    ours = [Run(OURS, str(limit << 20)) for limit in SMALLER_LIMITS]
    return ours + [Run(name, limit) for limit in [*limits, NO_LIMIT] for name in (OURS, *PEERS)]


def multilingual_runs(megabytes: int) -> list[Run]:
    """Return the runs with the multilingual model, smallest limits first; with enough memory, no limits."""

    def run(name: str, limit: str) -> Run:
        if name == OURS:
            return Run(name, limit, "/packed")
        return Run(name, limit, seconds=MULTILINGUAL_SECONDS)

    if megabytes >= ENOUGH:
        return [run(name, NO_LIMIT) for name in (OURS, *MULTILINGUAL_PEERS)]
    ours = [run(OURS, str(limit << 20)) for limit in SMALLER_MULTILINGUAL_LIMITS]
    limits = [str(MULTILINGUAL_LIMIT << 20), NO_LIMIT]
    return ours + [run(name, limit) for limit in limits for name in (OURS, *MULTILINGUAL_PEERS)]


def search_runs() -> list[Run]:
    """Return the runs that index and search, smallest limits first."""
    limits = [*(str(limit << 20) for limit in (*SMALLER_SEARCH_LIMITS, SEARCH_LIMIT)), NO_LIMIT]
    return [Run(OURS, limit, "/lines.txt", SEARCH_SECONDS, "index_and_search.py") for limit in limits]


def make_files(python: Path, root: Path, packages: Path, folder: Path) -> None:
    """Lay out the files of the computer's disk, with links to Debian's files instead of copies."""
    shutil.copytree(root, folder, symlinks=True, copy_function=os.link)
    shutil.copytree(packages, folder / "packages", symlinks=True, copy_function=os.link)
    for source in ("m2v_lite", "benchmarks"):
        shutil.copytree(
            HERE.parent / source, folder / "project" / source, ignore=shutil.ignore_patterns(LOCAL.name)
        )
    for name in ("dev", "proc", "results", "sys", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    # Compile all modules, as pip does when it installs.
    compiled = [folder / name for name in ("usr/lib/python3.11", "packages", "project")]
    subprocess.run([python, "-m", "compileall", "-q", *compiled], check=True, timeout=TOOL_SECONDS)


def make_english_model(folder: Path) -> NDArray[np.float32]:
    """Write the model and the texts of the English part, and return the expected vectors."""
    (folder / "model").mkdir()
    make_model(folder / "model")
    (folder / "texts.json").write_text(json.dumps(SAMPLE_TEXTS), encoding="utf-8")
    return right_vectors()


def make_large_model(folder: Path, tokenizer: Path, python: Path, packages: Path) -> NDArray[np.float32]:
    """Write the models and the texts of the multilingual part, and return the expected vectors."""
    model = make_multilingual_model(tokenizer, folder / "model", joined=True)
    StaticModel.from_pretrained(model).save_packed(folder / "packed")
    (folder / "texts.json").write_text(json.dumps(TEXTS), encoding="utf-8")
    return vectors_of_model2vec(python, packages, model, TEXTS)


def make_lines(folder: Path) -> list[str]:
    """Write what is indexed, and return it."""
    (folder / "texts.json").write_text("[]", encoding="utf-8")
    lines = overlapping_texts(LINES)
    (folder / "lines.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return lines


def results_of(
    runs: list[Run], megabytes: int, kernel: Path, archive: Path, files: Path, folder: Path
) -> Path:
    """Do the runs on a computer, and return the folder that it wrote."""
    lines = (f"{run.name} {run.limit} {run.seconds} {run.model} {run.program}\n" for run in runs)
    (files / "runs").write_text("".join(lines))
    disk = folder / "disk"
    disk.unlink(missing_ok=True)
    # No journal: debugfs cannot replay it, and so would miss results.
    make_disk = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", str(files), str(disk), "4G"]
    subprocess.run(make_disk, check=True, timeout=TOOL_SECONDS)
    boot(megabytes, kernel, archive, disk, 120 + sum(run.seconds + 10 for run in runs))
    kept = folder / str(megabytes)
    kept.mkdir()
    copy_out = ["debugfs", "-R", f"rdump /results {kept}", str(disk)]
    subprocess.run(copy_out, check=True, capture_output=True, timeout=TOOL_SECONDS)
    return kept / "results"


def figures(file: Path) -> dict[str, int]:
    """Return the figures of a file with lines of a name and a figure."""
    return {name: int(figure) for name, figure in map(str.split, file.read_text().splitlines())}


def what_was_said(kept: Path) -> str:
    """Return the last line that the process wrote, and the kernel's last message about memory."""
    errors = (kept / "errors").read_text(errors="replace").splitlines()[-1:]
    kernel = [
        f"kernel: {line.partition('] ')[2]}"
        for line in (kept / "kernel").read_text(errors="replace").splitlines()
        if "out of memory" in line.lower() or "enough memory" in line
    ]
    return "; ".join([*errors, *kernel[-1:]])


def outcome(run: Run, kept: Path, expected: NDArray[np.float32] | list[str]) -> dict[str, Any]:
    """Return how a run ended, by the files that it left.

    Args:
        run: the run.
        kept: where the files are.
        expected: the vectors, or the lines that were indexed.

    Raises:
        SystemExit: the run is missing, or had the wrong limits.
        AssertionError: m2v_lite's vectors or hits are wrong.
    """
    if not (kept / "memory.stat").exists():
        raise SystemExit(f"the computer stopped before the end of {run.name} with {run.shown_limit}")
    limits = [(kept / name).read_text().strip() for name in ("memory.max", "memory.swap.max")]
    if limits != [run.limit, "0"]:
        raise SystemExit(f"{run.name} with {run.shown_limit} had other limits: {limits}")
    status = int((kept / "status").read_text())
    result: dict[str, Any] = {
        "end": "error",
        "status": status,
        "oom_kill": figures(kept / "memory.events")["oom_kill"],
        "memory.peak": int((kept / "memory.peak").read_text()),
        "pgmajfault": figures(kept / "memory.stat")["pgmajfault"],
    }
    if status == 0 and isinstance(expected, list):
        hits = json.loads((kept / "hits.json").read_text(encoding="utf-8"))
        check_hits(hits, expected)
        return {**result, "end": "searches", "MB": hits["MB"]}
    if status == 0:
        assert not isinstance(expected, list)
        difference = check(run.name, np.load(kept / "vectors.npy"), expected)
        right = difference <= TOLERANCE
        return {**result, "end": "encodes" if right else "wrong vectors", "largest_difference": difference}
    if status == 128 + signal.SIGKILL:
        result["end"] = "killed" if result["oom_kill"] else "not done"
    return {**result, "said": what_was_said(kept)}


def check_hits(hits: dict[str, Any], lines: list[str]) -> None:
    """Check that all lines were indexed, and that each way to search finds the lines that it was given.

    Raises:
        AssertionError: something is wrong.
    """
    assert hits["chunks"] == len(lines), hits["chunks"]
    for mode, found in hits["found"].items():
        for wanted, numbers in zip(lines[::EVERY], found, strict=True):
            assert wanted in [lines[number - 1] for number in numbers[:3]], (mode, wanted)


def check_ours(outcomes: Outcomes, smaller_limits: list[int] = SMALLER_LIMITS) -> None:
    """Check that m2v_lite encodes or searches with all limits but the smaller limits, in MB.

    Raises:
        SystemExit: m2v_lite fails.
    """
    for limit, result in outcomes[OURS].items():
        if limit not in [f"{megabytes} MB" for megabytes in smaller_limits] and result["end"] not in DONE:
            raise SystemExit(f"{OURS} with a limit of {limit}: {result['end']}: {result['said']}")


def smallest_limit(runs: dict[str, dict[str, Any]]) -> str:
    """Return the smallest limit from which on a contender always encodes; runs are in the order of limits."""
    return list(itertools.takewhile(lambda limit: runs[limit]["end"] in DONE, reversed(runs)))[-1]


def table(outcomes: Outcomes) -> str:
    names = list(outcomes)
    lines = [f"| limit | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for limit in outcomes[OURS]:
        cells = (cell(outcomes[name].get(limit)) for name in names)
        lines.append(f"| {limit} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def cell(run: dict[str, Any] | None) -> str:
    return "not tried" if run is None else f"{run['end']} ({run['memory.peak'] / 2**20:.0f})"


def notes(outcomes: Outcomes) -> list[str]:
    """Return the lines below a table."""
    smallest = smallest_limit(outcomes[OURS])
    does = outcomes[OURS][smallest]["end"]
    items = [f"- m2v_lite {does} with {smallest} and more."] if smallest != "none" else []
    errors = {
        name: run["said"] for name, runs in outcomes.items() for run in runs.values() if run["end"] == "error"
    }
    return items + [f"- {name}'s error: `{said}`" for name, said in errors.items()]


def report(result: dict[str, Any]) -> str:
    lines = [
        f"A table of {result['table_bytes'] / 1e6:.0f} MB on emulated computers with one core and no swap,",
        f"Linux {result['linux']}, Python {result['python']}; each process is in a control group of its own,",
        "with the limit as `memory.max`. How it ended, and its `memory.peak` in MB, which also counts files",
        "that were read, as far as they fit:",
        "",
        "- encodes: the vectors are those that are stored; m2v_lite's are the very bits",
        "- killed: by the kernel, for want of memory",
        f"- not done: stopped after {SECONDS} s",
        "- error: as stated below the table",
        "",
        *sections(result, "of memory"),
    ]
    if MULTILINGUAL in result:
        lines += multilingual_report(result[MULTILINGUAL])
    if SEARCH in result:
        lines += search_report(result[SEARCH])
    return "\n".join(lines)


def multilingual_report(result: dict[str, Any]) -> list[str]:
    return [
        "# A multilingual model",
        "",
        f"{result['pieces']:,} pieces of the XLM-R kind, made from a real tokenizer, and a random table of "
        f"{result['table_bytes'] / 1e6:.0f} MB;",
        f"texts in ten languages; Linux {result['linux']}, Python {result['python']}. m2v_lite has the model "
        f"packed ({result['packed_bytes'] / 1e6:.0f} MB),",
        "the peers have its folder. The expected vectors are model2vec's, made outside the computer.",
        f"Here the peers are stopped after {MULTILINGUAL_SECONDS} s.",
        "",
        *sections(result, "of memory, multilingual"),
    ]


def search_report(result: dict[str, Any]) -> list[str]:
    size = next(iter(result["computers"].values()))["outcomes"][OURS]["none"]["MB"]
    return [
        "# Search",
        "",
        f"{LINES:,} lines are indexed with the bundled model, and {LINES // EVERY} of them are searched for,",
        "by vector, by words and by both.",
        f"Linux {result['linux']}, Python {result['python']}. The index takes {size:.0f} MB.",
        "",
        "- searches: each of these lines was found",
        f"- not done: stopped after {SEARCH_SECONDS} s",
        "",
        *sections(result, "of memory, search"),
    ]


def sections(result: dict[str, Any], of_memory: str) -> list[str]:
    """Return the lines of a section for each computer."""
    lines = []
    for megabytes, computer in result["computers"].items():
        total = computer["MemTotal"] >> 20
        lines += [f"## {megabytes} MB {of_memory}, of which the kernel leaves {total}", ""]
        lines += [table(computer["outcomes"]), *notes(computer["outcomes"]), ""]
    return lines


def measure(part: str, memory: list[int], tokenizer: Path | None) -> dict[str, Any]:
    """Do the runs of a part on computers with this memory, and return the results."""
    python = emulated_python()
    root = python.parents[2]
    packages = root.parents[1] / "tools" / root.name
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    computers = {}
    # Links need the same file system.
    with tempfile.TemporaryDirectory(dir=root.parents[1]) as temporary:
        folder = Path(temporary)
        files, archive = folder / "files", folder / "first-files"
        make_files(python, root, packages, files)
        expected: NDArray[np.float32] | list[str]
        if part == SEARCH:
            expected = make_lines(files)
        elif tokenizer is None:
            expected = make_english_model(files)
        else:
            expected = make_large_model(files, tokenizer, python, packages)
        make_first_files(root, folder / "first", archive)
        sizes = {}
        if part != SEARCH:
            sizes["table_bytes"] = (files / "model" / "model.safetensors").stat().st_size
        if (files / "packed").exists():
            sizes |= {"packed_bytes": (files / "packed").stat().st_size, "pieces": PIECES}
        for megabytes in memory:
            if part == SEARCH:
                runs, smaller = search_runs(), SMALLER_SEARCH_LIMITS
            elif part == MULTILINGUAL:
                runs, smaller = multilingual_runs(megabytes), SMALLER_MULTILINGUAL_LIMITS
            else:
                runs, smaller = runs_on(megabytes), SMALLER_LIMITS
            results = results_of(runs, megabytes, kernel, archive, files, folder)
            outcomes: Outcomes = {run.name: {} for run in runs}
            for run in runs:
                kept = results / f"{run.name}-{run.limit}"
                outcomes[run.name][run.shown_limit] = outcome(run, kept, expected)
            check_ours(outcomes, smaller)
            total = (results / "meminfo").read_text().split()[1]  # MemTotal: ... kB
            computers[str(megabytes)] = {"MemTotal": int(total) << 10, "outcomes": outcomes}
    said = subprocess.run([python, "-V"], check=True, capture_output=True, text=True, timeout=TOOL_SECONDS)
    return {
        **sizes,
        "linux": kernel.name.removeprefix("vmlinuz-"),
        "python": said.stdout.split()[1],
        "versions": {d.name: d.version for d in importlib.metadata.distributions(path=[str(packages)])},
        "computers": computers,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--tokenizer", type=Path, required=True, metavar="FILE", help="a large tokenizer.json"
    )
    parser.add_argument(
        "--only", choices=[ENGLISH, MULTILINGUAL, SEARCH], help="do this part, and keep the others"
    )
    add_out_option(parser)
    options = parser.parse_args()
    kept = options.out / f"{RESULT}.json"
    result: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    if options.only not in (None, ENGLISH) and not result:
        parser.error(f"--only: {kept} has no English results to keep")
    if options.only in (None, ENGLISH):
        result |= measure(ENGLISH, COMPUTERS, None)
    if options.only in (None, MULTILINGUAL):
        result[MULTILINGUAL] = measure(MULTILINGUAL, MULTILINGUAL_COMPUTERS, options.tokenizer)
    if options.only in (None, SEARCH):
        result[SEARCH] = measure(SEARCH, SEARCH_COMPUTERS, None)
    shown = report(result)
    print(shown)
    write_results(options.out, RESULT, result, shown)


if __name__ == "__main__":
    main()
