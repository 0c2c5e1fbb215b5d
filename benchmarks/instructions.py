"""Count the instructions that the library executes for fixed work; time and load do not matter.

    make gauge             # fails if a job takes over 3 % more instructions than the record says
    make gauge RECORD=1    # replaces the record, when a change is worth its instructions

valgrind counts the instructions of jobs that are always the same: seeded generators make their texts from
the bundled vocabulary, and from made-up words that are not ASCII. valgrind shows programs a processor with
AVX2 at most, so counts are nearly the same on all machines with AVX2. They do depend on the build of Python
and on the versions of numpy and valgrind. The record names these, too; if they differ, the gauge reports the
counts but does not judge them.
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
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from made_up import texts_of_frequent_words
from results_folder import HERE, RECORDED, add_out_option, write_results

RECORD = RECORDED / "instructions.json"
JOBS = HERE / "instruction_jobs.py"
MARGIN = 0.03  # the counts of the same code in another folder differed by up to 0.4 %
SECONDS = 600  # many times what the longest process takes
NUMBER_OF_JOBS = 8
TEXTS = {"first": 4096, "unseen": 4096, "single": 500}
TEXTS_NOT_ASCII = {"first_not_ascii": 2048, "unseen_not_ascii": 2048}


def texts_of_the_vocabulary() -> dict[str, list[str]]:
    """Return texts whose words are as frequent as words of prose. A tenth of the words are of several pieces.

    The vocabulary lists words roughly by frequency. The generator calls only `random()`, which gives the
    same numbers in all versions of Python.
    """
    sys.path.append(str(HERE.parent))
    from m2v_lite import StaticModel

    vocabulary = StaticModel.from_pretrained().tokens
    known = [token for token in vocabulary if re.fullmatch("[a-z]{2,}", token)]
    generator = random.Random(0)

    def common() -> str:
        return known[int(len(known) ** generator.random()) - 1]  # frequency is 1 / rank, by Zipf's law

    def word() -> str:
        chance = generator.random()
        if chance < 0.1:
            return common() + known[int(len(known) * generator.random())]
        return f"{common()}," if chance < 0.2 else common()

    def text() -> str:
        words = [word() for _ in range(8 + int(12 * generator.random()))]
        return " ".join(words).capitalize() + "."

    return {name: [text() for _ in range(number)] for name, number in TEXTS.items()}


def texts_not_ascii() -> dict[str, list[str]]:
    """Return texts of made-up words in Cyrillic, Hangul, CJK and Latin with accents."""
    number = sum(TEXTS_NOT_ASCII.values())
    texts = iter(texts_of_frequent_words(number, random.Random(0)))
    return {name: list(islice(texts, number)) for name, number in TEXTS_NOT_ASCII.items()}


def conditions(valgrind: str) -> dict[str, str]:
    """Return everything besides the library that the counts depend on."""
    command = [valgrind, "--version"]
    version = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS).stdout
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


def count(valgrind: str, texts: Path, number: int, jobs: Path = JOBS) -> tuple[str, int]:
    """Run a process that does `number` jobs; return the name of the last job and all instructions."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(HERE.parent),
        "PYTHONHASHSEED": "0",
        "OPENBLAS_NUM_THREADS": "1",
    }
    program = [sys.executable, str(jobs), str(texts), str(number)]
    # First without valgrind, so that Python compiles all modules.
    subprocess.run(program, check=True, env=environment, capture_output=True, timeout=SECONDS)
    command = [valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", *program]
    done = subprocess.run(
        command, check=True, env=environment, capture_output=True, text=True, timeout=SECONDS
    )
    found = re.search(r"I\s+refs:\s+([0-9,]+)", done.stderr)
    if found is None:
        raise SystemExit(f"valgrind gave no count:\n{done.stderr}")
    return done.stdout.splitlines()[-1], int(found[1].replace(",", ""))


def count_jobs(valgrind: str) -> dict[str, int]:
    """Return the instructions of each job but the first, which every process does."""
    with tempfile.TemporaryDirectory() as temporary:
        texts = Path(temporary) / "texts.json"
        all_texts = {**texts_of_the_vocabulary(), **texts_not_ascii()}
        texts.write_text(json.dumps(all_texts), encoding="utf-8")
        counts = [count(valgrind, texts, number + 1) for number in range(NUMBER_OF_JOBS)]
    return {name: after - before for (_, before), (name, after) in pairwise(counts)}


def changes(counted: dict[str, int], recorded: dict[str, int]) -> dict[str, float]:
    """Return how many more instructions each job takes, as a share of its record.

    Raises:
        SystemExit: the record has other jobs.
    """
    if list(counted) != list(recorded):
        raise SystemExit(f"{RECORD.name} has other jobs; replace it: make gauge RECORD=1")
    return {name: counted[name] / recorded[name] - 1 for name in counted}


def verdict(changed: dict[str, float], differing: list[str], required: bool) -> tuple[str, bool]:
    """Return a message about the changes, and whether the gauge succeeds.

    Args:
        changed: how many more instructions each job takes, as a share of its record.
        differing: the conditions that differ from the record.
        required: whether the gauge fails if conditions differ.
    """
    if differing:
        what = "; ".join(differing)
        return (
            f"no verdict: the record has other versions ({what}); make gauge RECORD=1",
            not required,
        )
    slower = [name for name, change in changed.items() if change > MARGIN]
    if slower:
        return f"over {MARGIN:.0%} more instructions than the record: {', '.join(slower)}", False
    if any(change < -MARGIN for change in changed.values()):
        return "well below the record; to keep this gain, replace the record: make gauge RECORD=1", True
    return f"within {MARGIN:.0%} of the record", True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--require", action="store_true", help="also fail if versions differ from the record")
    add_out_option(parser)
    options = parser.parse_args()
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise SystemExit("valgrind is missing; install it, for example with apt install valgrind")
    result: dict[str, Any] = {"conditions": conditions(valgrind), "instructions": count_jobs(valgrind)}
    write_results(options.out, RECORD.stem, result)
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
