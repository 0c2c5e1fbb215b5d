"""Run the inference side of model2vec's own tests, with classes of m2v_lite in the place of model2vec's.

    make test-model2vec

FOLDER holds model2vec's source archive, unpacked: its wheel has no tests. They run three times: with
model2vec itself, to see that they work here; with `StaticModel` of m2v_lite; and with `StaticModelPipeline`
as well. `model2vec_left_out.py` lists what is left out. Such a test runs, too, and must fail as listed: so
the list never names a test that is gone, or one that passes. And there must be as many tests as listed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from model2vec_left_out import TESTS, WITH_PIPELINE_TOO, WITH_STATIC_MODEL, LeftOut

PATCHED = Path(__file__).parent / "model2vec_patched.py"
STAGES: dict[str, tuple[LeftOut, ...]] = {
    "": (),
    "StaticModel": WITH_STATIC_MODEL,
    "StaticModel,StaticModelPipeline": WITH_STATIC_MODEL + WITH_PIPELINE_TOO,
}
LONGEST = 1800  # seconds; it takes some ten


def run(folder: Path, classes: str) -> tuple[dict[tuple[str, str], str], str]:
    """Run the tests with some classes replaced.

    Returns:
        By file and name of each test, what its failure says, or "" if it has passed. And pytest's output.
    """
    with tempfile.TemporaryDirectory() as kept:
        report = Path(kept) / "report.xml"
        command = [sys.executable, str(PATCHED), classes, "-q", "--tb=short", "-p", "no:cacheprovider"]
        # Its own configuration, not that of a folder above.
        command += ["-c", "pyproject.toml", f"--junit-xml={report}", *(f"tests/{file}" for file in TESTS)]
        done = subprocess.run(
            command,
            cwd=folder,  # the tests read files from here
            env={**os.environ, "HF_HUB_OFFLINE": "1"},  # where the hub is mocked for model2vec alone
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
        )
        # pytest's 0 and 1: it ran to the end, and some tests may have failed.
        if done.returncode not in (0, 1) or not report.exists():
            raise SystemExit(f"{done.stdout}\nended with {done.returncode}")
        return outcomes(report.read_text(encoding="utf-8")), done.stdout


def outcomes(report: str) -> dict[tuple[str, str], str]:
    """Return what failed and what passed, as `run` does, of a report in JUnit's format.

    >>> outcomes('<testcase classname="tests.test_a" name="test_b"><skipped message="c"/></testcase>')
    {('test_a.py', 'test_b'): 'skipped: c'}
    """
    found = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        file = case.get("classname", "").rpartition(".")[2] + ".py"
        said = [
            f"{child.tag}: {message.partition(chr(10))[0]}"
            for child in case
            if (message := child.get("message")) is not None
        ]
        found[file, case.get("name", "")] = "; ".join(said)
    return found


def faults(found: Mapping[tuple[str, str], str], left_out: Sequence[LeftOut]) -> list[str]:
    """Return what is not as listed: a number of tests, a failure, a left-out test that passes or is gone."""
    wrong = []
    for file, number in TESTS.items():
        present = sum(of == file for of, _ in found)
        if present != number:
            wrong.append(f"{file}: {present} tests, not {number}")
    listed = {(test.file, test.test): test for test in left_out}
    cases = dict.fromkeys(listed, 0)
    for (file, name), said in found.items():
        key = file, name.partition("[")[0]
        test = listed.get(key)
        if test is None:
            if said:
                wrong.append(f"{file}::{name} fails: {said}")
            continue
        cases[key] += 1
        if not said:
            wrong.append(f"{file}::{name} passes, but is left out")
        elif test.error not in said:
            wrong.append(f"{file}::{name} is left out because of {test.error!r}, but fails otherwise: {said}")
    for key, test in listed.items():
        if cases[key] != test.cases:
            wrong.append(f"{test.file}::{test.test}: {cases[key]} tests are left out, not {test.cases}")
    return wrong


def row(cells: Sequence[str]) -> str:
    return "".join(
        f"{cell:<36}" if number == 0 else f"{cell:<21}" for number, cell in enumerate(cells)
    ).rstrip()


def main(folder: Path) -> int:
    rows, wrong = [["with m2v_lite's", *TESTS]], []
    for classes, left_out in STAGES.items():
        found, output = run(folder, classes)
        title = classes.replace(",", ", ") or "nothing: model2vec itself"
        passed = [sum(of == file and not said for (of, _), said in found.items()) for file in TESTS]
        rows.append([title, *(f"{n} of {all_}" for n, all_ in zip(passed, TESTS.values(), strict=True))])
        these = faults(found, left_out)
        if these:
            print(output)
        wrong += [f"{title}: {fault}" for fault in these]
    print("Passed of model2vec's own tests:\n", *map(row, rows), sep="\n")
    for title, left_out in (("", WITH_STATIC_MODEL), (" with StaticModelPipeline, too", WITH_PIPELINE_TOO)):
        print(f"\nLeft out{title}:\n")
        for test in left_out:
            print(f"{test.file}::{test.test} ({test.cases}): {test.reason}")
    print("", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    raise SystemExit(main(parser.parse_args().folder.resolve()))
