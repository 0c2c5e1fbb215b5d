"""How many instructions the library executes for fixed work: a gauge that does not depend on time or load.

    make gauge           # fails if a job takes over MARGIN more than the recorded instructions
    make gauge-record    # writes the figures anew, after a change that is known to be worth it

valgrind counts the instructions of jobs that are always the same: their texts are made from the bundled
vocabulary by a seeded generator. It shows every program a processor with AVX2 at most, so counts hardly
depend on which machine with AVX2 it is. They do depend on the build of Python and on the versions of numpy
and valgrind: these are recorded too, and where they differ the gauge reports but does not judge.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RECORD = HERE / "results" / "instructions.json"
# Counts of the same code in other folders differed by up to 0.4 %.
MARGIN = 0.03
NUMBER_OF_JOBS = 6
TEXTS = {"first": 4096, "unseen": 4096, "single": 500}


def texts_of_the_vocabulary() -> dict[str, list[str]]:
    """Return texts whose words come as often as words of prose do, a tenth of them being of several pieces.

    A word's rank in the vocabulary is about that of its frequency. Only `random()` is called, which gives
    the same numbers in all versions of Python.
    """
    sys.path.append(str(HERE.parent))
    from m2v_lite import StaticModel

    vocabulary = StaticModel.from_pretrained().tokens
    known = [token for token in vocabulary if re.fullmatch("[a-z]{2,}", token)]
    generator = random.Random(0)

    def common() -> str:
        return known[int(len(known) ** generator.random()) - 1]  # 1 / rank, as Zipf's law has it

    def word() -> str:
        chance = generator.random()
        if chance < 0.1:
            return common() + known[int(len(known) * generator.random())]
        return f"{common()}," if chance < 0.2 else common()

    def text() -> str:
        words = [word() for _ in range(8 + int(12 * generator.random()))]
        return " ".join(words).capitalize() + "."

    return {name: [text() for _ in range(number)] for name, number in TEXTS.items()}


def conditions(valgrind: str) -> dict[str, str]:
    """Return what counts depend on, besides the library."""
    version = subprocess.run([valgrind, "--version"], check=True, capture_output=True, text=True).stdout
    build = " ".join([*platform.python_build(), platform.python_compiler()])
    return {
        "python": f"{platform.python_version()} ({build})",
        "numpy": np.__version__,
        "valgrind": version.strip(),
        "libc": " ".join(platform.libc_ver()),
        "machine": f"{platform.machine()}{'' if has_avx2() else ' without AVX2'}",
    }


def has_avx2() -> bool:
    if platform.machine() != "x86_64":
        return True
    return "avx2" in Path("/proc/cpuinfo").read_text().split()


def count(valgrind: str, texts: Path, number: int) -> tuple[str, int]:
    """Return the name of the last of so many jobs, and the instructions of a process that does them all."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HERE.parent),
        "PYTHONHASHSEED": "0",
        "OPENBLAS_NUM_THREADS": "1",
    }
    program = [sys.executable, str(HERE / "instruction_jobs.py"), str(texts), str(number)]
    # Once without valgrind, so that all modules are compiled.
    subprocess.run(program, check=True, env=environment, capture_output=True)
    command = [valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *program]
    done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    found = re.search(r"I\s+refs:\s+([0-9,]+)", done.stderr)
    if found is None:
        raise SystemExit(f"valgrind has counted nothing:\n{done.stderr}")
    return done.stdout.splitlines()[-1], int(found[1].replace(",", ""))


def count_jobs(valgrind: str) -> dict[str, int]:
    """Return the instructions of each job but the first, which all share."""
    with tempfile.TemporaryDirectory() as temporary:
        texts = Path(temporary) / "texts.json"
        texts.write_text(json.dumps(texts_of_the_vocabulary()), encoding="utf-8")
        counts = [count(valgrind, texts, number + 1) for number in range(NUMBER_OF_JOBS)]
    return {name: after - before for (_, before), (name, after) in pairwise(counts)}


def changes(counted: dict[str, int], recorded: dict[str, int]) -> dict[str, float]:
    """Return by how much each job takes more than was recorded, as a share of that.

    Raises:
        SystemExit: the jobs are not those that were recorded.
    """
    if list(counted) != list(recorded):
        raise SystemExit(f"{RECORD.name} is of other jobs; record them anew: make gauge-record")
    return {name: counted[name] / recorded[name] - 1 for name in counted}


def verdict(changed: dict[str, float], differing: list[str], required: bool) -> tuple[str, bool]:
    """Return what to say of the changes, and whether it is a success.

    Args:
        changed: by how much each job takes more than was recorded.
        differing: the conditions that are not those of the record.
        required: whether it is a failure if the conditions differ.
    """
    if differing:
        what = "; ".join(differing)
        return f"no verdict: counts are of other versions ({what}); make gauge-record", not required
    slower = [name for name, change in changed.items() if change > MARGIN]
    if slower:
        return f"more than {MARGIN:.0%} over the record: {', '.join(slower)}", False
    if any(change < -MARGIN for change in changed.values()):
        return "well below the record: keep it so with make gauge-record", True
    return f"within {MARGIN:.0%} of the record", True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write the figures anew")
    parser.add_argument("--require", action="store_true", help="fail also if the versions are not the same")
    options = parser.parse_args()
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise SystemExit("valgrind is missing; install it, for example with: apt install valgrind")
    result: dict[str, Any] = {"conditions": conditions(valgrind), "instructions": count_jobs(valgrind)}
    if options.record:
        RECORD.write_text(json.dumps(result, indent=1) + "\n")
    record = json.loads(RECORD.read_text())
    changed = changes(result["instructions"], record["instructions"])
    for name, change in changed.items():
        print(f"{name:<36} {result['instructions'][name]:>15,} {change:+8.2%}")
    differing = [
        f"{name} {value}, not {record['conditions'][name]}"
        for name, value in result["conditions"].items()
        if value != record["conditions"][name]
    ]
    said, success = verdict(changed, differing, options.require)
    print(said)
    raise SystemExit(not success)


if __name__ == "__main__":
    main()
