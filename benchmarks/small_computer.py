"""Find out which contenders encode with a 300 MB table on small emulated computers.

    make small-computer

qemu emulates a computer with Debian's kernel, one x86-64 core, 128 or 256 MB of memory and no swap. Each
contender encodes in its own control group (cgroup v2): under several limits (`memory.max`), and with the
computer's own memory as the only limit. Each run starts with a cold file cache.

Table, texts and expected vectors are those of memory_cap.py. A run counts only if its vectors are right.
Emulation tells nothing about speed, so the results have no times. But the script stops a run after a
minute, which is many times what a run takes with enough memory.
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
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from memory_cap import PEERS, check, make_model, right_vectors
from numpy.typing import NDArray
from results_folder import HERE, LOCAL, add_out_option, write_results
from sample_texts import SAMPLE_TEXTS

# By contender, and by limit as the table shows it.
Outcomes = dict[str, dict[str, dict[str, Any]]]

OURS = "m2v_lite"
COMPUTERS = [128, 256]  # MB of memory
SHARES = [4, 2]  # the limits: a quarter and a half of the computer's memory; m2v_lite must encode with both
SMALLER_LIMITS = [20, 24, 28]  # MB; these find the smallest limit for m2v_lite
SECONDS = 60
TOLERANCE = 1e-6
NO_LIMIT = "max"
# The drivers of the disk, in the order in which they load.
DRIVERS = [
    "virtio",
    "virtio_ring",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_blk",
]


class Run(NamedTuple):
    """One process on the small computer.

    Attributes:
        name: the contender.
        limit: its `memory.max` in bytes, or "max".
    """

    name: str
    limit: str

    @property
    def shown_limit(self) -> str:
        return "none" if self.limit == NO_LIMIT else f"{int(self.limit) >> 20} MB"


def runs_on(megabytes: int) -> list[Run]:
    """Return the runs on a computer with this much memory, smallest limits first."""
    limits = [str((megabytes << 20) // share) for share in SHARES]
    ours = [Run(OURS, str(limit << 20)) for limit in SMALLER_LIMITS]
    return ours + [Run(name, limit) for limit in [*limits, NO_LIMIT] for name in (OURS, *PEERS)]


def emulated_python() -> Path:
    """Return Debian's Python for x86-64; its root folder also has the kernel and the drivers."""
    command = [str(HERE.parent / "scripts" / "emulated_python.sh"), "amd64", "max"]
    done = subprocess.run(
        command,
        cwd=HERE.parent,
        env={**os.environ, "PYTHON": sys.executable},
        check=True,
        stdout=subprocess.PIPE,
    )
    return Path(os.fsdecode(done.stdout).strip())


def make_files(python: Path, root: Path, packages: Path, folder: Path) -> None:
    """Lay out the files of the computer's disk, with links to Debian's files instead of copies."""
    shutil.copytree(root, folder, symlinks=True, copy_function=os.link)
    shutil.copytree(packages, folder / "packages", symlinks=True, copy_function=os.link)
    for source in ("m2v_lite", "benchmarks"):
        shutil.copytree(
            HERE.parent / source, folder / "project" / source, ignore=shutil.ignore_patterns(LOCAL.name)
        )
    for name in ("dev", "model", "proc", "results", "sys", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    make_model(folder / "model")
    (folder / "texts.json").write_text(json.dumps(SAMPLE_TEXTS), encoding="utf-8")
    # Compile all modules, as pip does when it installs.
    compiled = [folder / name for name in ("usr/lib/python3.11", "packages", "project")]
    subprocess.run([python, "-m", "compileall", "-q", *compiled], check=True)


def make_first_files(root: Path, folder: Path, archive: Path) -> None:
    """Write the archive that the kernel starts from: the first program and the drivers of the disk."""
    for name in ("bin", "dev", "disk", "groups", "modules", "proc"):
        (folder / name).mkdir(parents=True)
    shutil.copy2(root / "bin" / "busybox", folder / "bin")
    shutil.copyfile(HERE / "small_computer_init.sh", folder / "init")
    (folder / "init").chmod(0o755)
    for number, driver in enumerate(DRIVERS):
        (module,) = (root / "lib" / "modules").rglob(f"{driver}.ko")
        shutil.copy2(module, folder / "modules" / f"{number}.ko")
    names = "\n".join(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    with archive.open("wb") as file:
        subprocess.run(
            ["cpio", "--create", "--format=newc", "--quiet"],
            input=names.encode(),
            stdout=file,
            cwd=folder,
            check=True,
        )


def boot(megabytes: int, kernel: Path, archive: Path, disk: Path, seconds: int) -> None:
    """Run the computer until it switches itself off, and print its console."""
    machine = ["-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", str(megabytes), "-nodefaults", "-no-reboot"]
    console = ["-display", "none", "-serial", "stdio"]
    start = ["-kernel", str(kernel), "-initrd", str(archive), "-append", "console=ttyS0 quiet panic=-1"]
    drive = ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"]
    command = ["qemu-system-x86_64", *machine, *console, *start, *drive]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise SystemExit(
            f"the computer with {megabytes} MB did not switch itself off in {seconds} s"
        ) from None


def results_of(
    runs: list[Run], megabytes: int, kernel: Path, archive: Path, files: Path, folder: Path
) -> Path:
    """Do the runs on a computer, and return the folder that it wrote."""
    (files / "runs").write_text("".join(f"{run.name} {run.limit} {SECONDS}\n" for run in runs))
    disk = folder / "disk"
    disk.unlink(missing_ok=True)
    # No journal: debugfs cannot replay it, and so would miss results.
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", files, disk, "2G"], check=True)
    boot(megabytes, kernel, archive, disk, 120 + len(runs) * (SECONDS + 10))
    kept = folder / str(megabytes)
    kept.mkdir()
    subprocess.run(["debugfs", "-R", f"rdump /results {kept}", disk], check=True, capture_output=True)
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


def outcome(run: Run, kept: Path, expected: NDArray[np.float32]) -> dict[str, Any]:
    """Return how a run ended, by the files that it left.

    Raises:
        SystemExit: the run is missing, or had the wrong limits.
        AssertionError: m2v_lite's vectors are wrong.
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
    if status == 0:
        difference = check(run.name, np.load(kept / "vectors.npy"), expected)
        right = difference <= TOLERANCE
        return {**result, "end": "encodes" if right else "wrong vectors", "largest_difference": difference}
    if status == 128 + signal.SIGKILL:
        result["end"] = "killed" if result["oom_kill"] else "not done"
    return {**result, "said": what_was_said(kept)}


def check_ours(outcomes: Outcomes) -> None:
    """Check that m2v_lite encodes with all limits but the smaller limits.

    Raises:
        SystemExit: m2v_lite fails.
    """
    for limit, result in outcomes[OURS].items():
        if limit not in [f"{megabytes} MB" for megabytes in SMALLER_LIMITS] and result["end"] != "encodes":
            raise SystemExit(f"{OURS} with a limit of {limit}: {result['end']}: {result['said']}")


def smallest_limit(runs: dict[str, dict[str, Any]]) -> str:
    """Return the smallest limit from which on a contender always encodes; runs are in the order of limits."""
    return list(itertools.takewhile(lambda limit: runs[limit]["end"] == "encodes", reversed(runs)))[-1]


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
    items = [f"- m2v_lite encodes with {smallest_limit(outcomes[OURS])} and more."]
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
    ]
    for megabytes, computer in result["computers"].items():
        total = computer["MemTotal"] >> 20
        lines += [f"## {megabytes} MB of memory, of which the kernel leaves {total}", ""]
        lines += [table(computer["outcomes"]), *notes(computer["outcomes"]), ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--memory",
        type=int,
        nargs="+",
        default=COMPUTERS,
        metavar="MB",
        help="emulate computers with this memory",
    )
    add_out_option(parser)
    options = parser.parse_args()
    python = emulated_python()
    root = python.parents[2]
    packages = root.parents[1] / "tools" / root.name
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    expected = right_vectors()
    computers = {}
    # Links need the same file system.
    with tempfile.TemporaryDirectory(dir=root.parents[1]) as temporary:
        folder = Path(temporary)
        files, archive = folder / "files", folder / "first-files"
        make_files(python, root, packages, files)
        make_first_files(root, folder / "first", archive)
        table_bytes = (files / "model" / "model.safetensors").stat().st_size
        for megabytes in options.memory:
            runs = runs_on(megabytes)
            results = results_of(runs, megabytes, kernel, archive, files, folder)
            outcomes: Outcomes = {name: {} for name in (OURS, *PEERS)}
            for run in runs:
                kept = results / f"{run.name}-{run.limit}"
                outcomes[run.name][run.shown_limit] = outcome(run, kept, expected)
            check_ours(outcomes)
            total = (results / "meminfo").read_text().split()[1]  # MemTotal: ... kB
            computers[str(megabytes)] = {"MemTotal": int(total) << 10, "outcomes": outcomes}
    version = subprocess.run([python, "-V"], check=True, capture_output=True, text=True).stdout.split()[1]
    result = {
        "table_bytes": table_bytes,
        "linux": kernel.name.removeprefix("vmlinuz-"),
        "python": version,
        "versions": {d.name: d.version for d in importlib.metadata.distributions(path=[str(packages)])},
        "computers": computers,
    }
    shown = report(result)
    print(shown)
    write_results(options.out, "small-computer", result, shown)


if __name__ == "__main__":
    main()
