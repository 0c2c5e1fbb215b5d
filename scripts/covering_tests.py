"""Which tests run which lines of the package: by coverage.py, with a context for each test.

Processes that a test starts are measured as well, if they inherit the environment. Forked children are not:
they end without a word. All runs take place in a copy of the checkout.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent
# The tests of the core: what only a test of the commands or of the pages notices has no test of its own.
TESTS = (
    "m2v_lite", "tests/tokenization", "tests/embedding", "tests/files", "tests/hub", "tests/test_golden.py",
    "tests/test_freed_memory.py", "tests/test_imports.py", "tests/test_memory.py",
    "tests/test_real_models.py", "tests/test_reference.py",
    "tests/test_docs.py::test_the_known_models_are_those_of_the_command",
)  # fmt: skip
# Seconds. All tests take minutes, and several times as long while their lines are noted.
SHORT, LONGEST_RUN = 60, 4 * 3600
STARTS_COVERAGE = "import coverage\n\ncoverage.process_startup()\n"


class CoveringTests(NamedTuple):
    """The tests of a checkout.

    Attributes:
        seconds: of each test that passes, by its name.
        known: the names of all of them.
        lines: the tests that run each line, by the file's path in the checkout and the line's number.
        edited: the files that have changed since, so that their lines have other numbers.
    """

    seconds: dict[str, float]
    known: list[str]
    lines: dict[str, dict[int, list[str]]]
    edited: frozenset[str] = frozenset()

    def of_lines(self, file: str, lines: Iterable[int]) -> set[str]:
        """Return the tests that run any of these lines, and pass."""
        of_file = self.lines.get(file, {})
        if file in self.edited:
            lines = of_file
        return {test for line in lines for test in of_file.get(line, []) if test in self.seconds}

    def of_file(self, file: str) -> set[str]:
        """Return the tests that run any line of a file, and pass."""
        return self.of_lines(file, self.lines.get(file, {}))


def copy_checkout(place: Path) -> None:
    """Copy all files that git knows, or would know."""
    command = ["git", "ls-files", "-coz", "--exclude-standard"]
    names = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=SHORT
    ).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)


def environment_of(copy: Path, **more: str) -> dict[str, str]:
    """Return the environment in which Python finds the copy of the package, and the plugin."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    paths = os.pathsep.join([str(copy), str(HERE)])
    return {**kept, "PYTHONPATH": paths, "PYTHONHASHSEED": "0", **more}


def pytest_command(*options: str) -> list[str]:
    # Every run draws the same examples.
    return [sys.executable, "-m", "pytest", "-p", "mutant_plugin", "-q", "--hypothesis-seed=0", *options]


def checksum_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def covering_tests(copy: Path, kept: Path, jobs: int, anew: bool) -> CoveringTests:
    """Return the tests of a copy: those in the file `kept`, or else what a run of all tests shows."""
    if not kept.exists() or anew:
        _keep(kept, copy, _measured(copy, kept.parent, jobs))
    content = json.loads(kept.read_text())
    lines = {
        file: {int(line): [content["tests"][test] for test in tests] for line, tests in found.items()}
        for file, found in content["lines"].items()
    }
    checksums = content["checksums"].items()
    edited = frozenset(file for file, checksum in checksums if checksum_of(copy / file) != checksum)
    return CoveringTests(content["seconds"], content["known"], lines, edited)


def _keep(kept: Path, copy: Path, measured: CoveringTests) -> None:
    tests = sorted({test for found in measured.lines.values() for names in found.values() for test in names})
    numbers = {test: number for number, test in enumerate(tests)}
    lines = {
        file: {line: [numbers[test] for test in names] for line, names in found.items()}
        for file, found in measured.lines.items()
    }
    content = {
        "checksums": {file: checksum_of(copy / file) for file in lines},
        "seconds": measured.seconds,
        "known": measured.known,
        "tests": tests,
        "lines": lines,
    }
    kept.write_text(json.dumps(content))


def _measured(copy: Path, folder: Path, jobs: int) -> CoveringTests:
    """Run the tests of the core under coverage, and those that fail so once more without."""
    measuring = folder / "measuring"
    shutil.rmtree(measuring, ignore_errors=True)
    measuring.mkdir(parents=True)
    (measuring / "sitecustomize.py").write_text(STARTS_COVERAGE)
    (measuring / "coveragerc").write_text(
        "[run]\nparallel = true\ncore = ctrace\ncontext = ${COVERED_TEST-}\n"
        f"data_file = {measuring}/data\ninclude = {copy}/m2v_lite/*\n"
    )
    first, second = measuring / "first.jsonl", measuring / "second.jsonl"
    environment = environment_of(copy, REPORTS=str(first), COVERAGE_PROCESS_START=f"{measuring}/coveragerc")
    environment["PYTHONPATH"] += os.pathsep + str(measuring)
    command = pytest_command("--dist", "worksteal", "-n", str(jobs), *TESTS)
    with (measuring / "output").open("w") as output:
        subprocess.run(
            command, cwd=copy, env=environment, stdout=output, stderr=output, check=False, timeout=LONGEST_RUN
        )
        reports = reports_in(first)
        failed = sorted(test for test, report in reports.items() if report["outcome"] == "failed")
        if failed:
            chosen = measuring / "chosen.json"
            chosen.write_text(json.dumps(failed))
            environment = environment_of(copy, REPORTS=str(second), CHOSEN_TESTS=str(chosen))
            command = pytest_command(*files_of(failed))
            subprocess.run(
                command,
                cwd=copy,
                env=environment,
                stdout=output,
                stderr=output,
                check=False,
                timeout=LONGEST_RUN,
            )
            reports |= reports_in(second)
    passed = {test: report for test, report in reports.items() if report["outcome"] == "passed"}
    seconds = {test: float(str(report["seconds"])) for test, report in passed.items()}
    return CoveringTests(seconds, sorted(reports), _lines(copy, measuring))


def _lines(copy: Path, measuring: Path) -> dict[str, dict[int, list[str]]]:
    from coverage import Coverage

    measured = Coverage(config_file=str(measuring / "coveragerc"))
    measured.combine([str(measuring)])
    data = measured.get_data()
    lines: dict[str, dict[int, list[str]]] = {}
    for file in data.measured_files():
        found: defaultdict[int, list[str]] = defaultdict(list)
        for line, tests in data.contexts_by_lineno(file).items():
            found[line] = sorted(filter(None, tests))
        lines[Path(file).relative_to(copy).as_posix()] = dict(found)
    return lines


def reports_in(path: Path) -> dict[str, Mapping[str, object]]:
    """Return the plugin's reports by the names of the tests."""
    if not path.exists():
        return {}
    reports = map(json.loads, path.read_text().splitlines())
    return {report["test"]: report for report in reports}


def files_of(tests: Iterable[str]) -> list[str]:
    """Return the files of some tests."""
    return sorted({test.partition("::")[0] for test in tests})
