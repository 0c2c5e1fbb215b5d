"""Change the core of the package in one place at a time, and see that some test fails: mutation testing.

    make mutants                    (MUTANTS_OPTIONS="--count 20 --seed 2" for another sample)

The sample is spread over tokenization, embedding, files, hub and loading. First all tests run once, to find
out which tests run which lines. Then each mutant gets a copy of the checkout, and there the tests that run
its line, the quickest first, until one fails; after them, the tests of the same folder. A mutant that no test
notices is printed as a diff: a test is missing, or the mutant does the same as the original. Mutants of the
second kind are listed, each with a reason, in `equivalent_mutants.json`. The mutants in
`mutants_by_hand.json` are tried with every sample.

A run goes on where it was stopped: `--out` keeps the results. `--again` tries the survivors once more, with
the tests beside them that are new since the tests were measured; `--measure` measures all tests anew.
`--list` only prints the sample.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from covering_tests import (  # noqa: E402
    ROOT,
    CoveringTests,
    copy_checkout,
    covering_tests,
    environment_of,
    files_of,
    pytest_command,
    reports_in,
)
from mutants import Mutant, made_by_hand, mutants_of, sample  # noqa: E402

CORE = ("tokenization", "embedding", "files", "hub", "loading.py")
EQUIVALENTS, BY_HAND = HERE / "equivalent_mutants.json", HERE / "mutants_by_hand.json"
# What more a run may take before its mutant counts as one that hangs.
START_SECONDS, TIMES = 30, 4
MEMORY = 6 << 30
KILLED, TIMED_OUT, SURVIVED = "killed", "timed out", "survived"
OUTCOMES = (KILLED, TIMED_OUT, SURVIVED)


class Result(NamedTuple):
    """What became of a mutant.

    Attributes:
        name: that of the mutant.
        outcome: one of `OUTCOMES`.
        test: the test that noticed it, or what else did.
        tests: how many tests were chosen for it.
        seconds: how long they took.
        diff: the change.
    """

    name: str
    outcome: str
    test: str
    tests: int
    seconds: float
    diff: str


def core_files() -> Iterator[Path]:
    """Yield the files of the core."""
    for name in CORE:
        place = ROOT / "m2v_lite" / name
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]


def sources_of_core() -> dict[str, str]:
    """Return the texts of these files by their paths in the checkout."""
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in core_files()}


def equivalents() -> dict[str, str]:
    """Return the reasons why some mutants do the same as the original, by their names."""
    listed = json.loads(EQUIVALENTS.read_text(encoding="utf-8"))
    return {
        f"{file}: {entry['line']}: {entry['mutation']}": entry["reason"]
        for file, entries in listed.items()
        for entry in entries
    }


def tests_beside(file: str, copy: Path) -> list[str]:
    """Return the test files in the folder of the tests for this file of the package."""
    folder = copy / "tests" / Path(file).parent.relative_to("m2v_lite")
    if folder == copy / "tests":
        return []
    return sorted(path.relative_to(copy).as_posix() for path in folder.glob("test_*.py"))


def chosen_tests(mutant: Mutant, tests: CoveringTests, copy: Path, limit: float) -> list[str]:
    """Return the tests for a mutant: those that run its line, then those of its file and its folder.

    Args:
        mutant: the mutant.
        tests: all tests.
        copy: a copy of the checkout.
        limit: how many seconds the former may take where nothing is wrong; the latter, a third of it.
    """
    first, last = mutant.lines
    covering = tests.of_lines(mutant.file, range(first, last + 1))
    files = set(tests_beside(mutant.file, copy))
    beside = {test for test in tests.seconds if test.partition("::")[0] in files}
    others = beside | tests.of_file(mutant.file)
    return [
        *_within(limit, covering, tests.seconds),
        *_within(limit / 3, others - covering, tests.seconds),
    ]


def _within(limit: float, tests: set[str], seconds: dict[str, float]) -> Iterator[str]:
    """Yield tests, the quickest first, until the time is up."""
    for test in sorted(tests, key=lambda test: (seconds[test], test)):
        limit -= seconds[test]
        if limit < 0:
            return
        yield test


class Judge:
    """Tries mutants.

    Args:
        copy: a copy of the checkout.
        tests: its tests.
        sources: the texts of the core.
        limit: as for `chosen_tests`.
        takes_new: whether to run tests as well of which it is not known yet which lines they run.
    """

    def __init__(
        self,
        copy: Path,
        tests: CoveringTests,
        sources: dict[str, str],
        limit: float = 60,
        takes_new: bool = False,
    ) -> None:
        self.copy, self.tests, self.sources = copy, tests, sources
        self.limit, self.takes_new = limit, takes_new

    def result(self, mutant: Mutant) -> Result:
        """Run the tests for a mutant in a copy of its own."""
        source = self.sources[mutant.file]
        tests = chosen_tests(mutant, self.tests, self.copy, self.limit)
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as temporary:
            place = Path(temporary) / "checkout"
            shutil.copytree(self.copy, place, symlinks=True)
            file = place / mutant.file
            file.write_text(mutant.applied_to(source), encoding="utf-8")
            for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
                compiled.unlink()
            files = {*files_of(tests), *(tests_beside(mutant.file, self.copy) if self.takes_new else ())}
            outcome, test = self.run(place, tests, sorted(name for name in files if (place / name).exists()))
        seconds = round(time.monotonic() - begun, 1)
        return Result(mutant.name, outcome, test, len(tests), seconds, mutant.diff(source))

    def run(self, place: Path, tests: Sequence[str], files: Sequence[str]) -> tuple[str, str]:
        """Run tests until one fails, new ones first; return the outcome and that test."""
        around = place.parent
        reports, chosen, known = around / "reports.jsonl", around / "chosen.json", around / "known.json"
        reports.unlink(missing_ok=True)
        around.chmod(0o755)  # tests may take the part of another user
        chosen.write_text(json.dumps(tests))
        if self.takes_new:
            known.write_text(json.dumps(self.tests.known))
        environment = environment_of(
            place,
            REPORTS=str(reports),
            CHOSEN_TESTS=str(chosen),
            KNOWN_TESTS=str(known) if self.takes_new else "",
            TMPDIR=str(around),
            PYTHONDONTWRITEBYTECODE="1",
        )
        limit = START_SECONDS + TIMES * sum(self.tests.seconds[test] for test in tests)
        status, output = _run(pytest_command("-x", *files), place, environment, limit)
        if status is None:
            return TIMED_OUT, f"{limit:.0f} seconds"
        failed = [name for name, report in reports_in(reports).items() if report["outcome"] == "failed"]
        if failed:
            return KILLED, failed[0]
        if status in (0, 5):  # all pass, or there are none
            return SURVIVED, ""
        if status == 4 and "loading conftest" not in output:  # a mutant may break the import of conftest.py
            raise RuntimeError(f"pytest does not work here:\n{output[-2000:]}")
        return KILLED, f"status {status}: {output.strip()[-200:]}"


def _run(
    command: list[str], folder: Path, environment: dict[str, str], limit: float
) -> tuple[int | None, str]:
    """Run a command; return its status and what it printed, or None if it takes too long."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (MEMORY, MEMORY))
        try:
            status: int | None = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end_group(process)
        output.seek(0)
        return status, output.read()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it has started in its session."""
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)


def read_results(path: Path) -> dict[str, Result]:
    if not path.exists():
        return {}
    results = [Result(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return {result.name: result for result in results}


def table_of(drawn: Sequence[Mutant], results: dict[str, Result], excluded: dict[str, str]) -> str:
    """Return a table of outcomes by wing. Of those that count, the equivalent ones are left out."""
    counts = Counter(
        (mutant.wing, results[mutant.name].outcome) for mutant in drawn if mutant.name in results
    )
    same = Counter(mutant.wing for mutant in drawn if mutant.name in excluded)
    rows = [
        f"| wing | {' | '.join(OUTCOMES)} | equivalent | noticed |",
        f"|---|{'---:|' * (len(OUTCOMES) + 2)}",
    ]
    wings = sorted({wing for wing, _ in counts} | set(same))
    for title, some in [*((wing, [wing]) for wing in wings), ("all", wings)]:
        numbers = [sum(counts[wing, outcome] for wing in some) for outcome in OUTCOMES]
        rate = 100 * (1 - numbers[-1] / sum(numbers)) if sum(numbers) else 100
        cells = [title, *map(str, numbers), str(sum(same[wing] for wing in some)), f"{rate:.1f} %"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def failing_without_mutant(judge: Judge, results: Sequence[Result]) -> list[str]:
    """Return the tests that noticed mutants but fail without any: what they say counts for nothing."""
    tests = sorted({result.test for result in results if result.test in judge.tests.seconds})
    with tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as temporary:
        place = Path(temporary) / "checkout"
        shutil.copytree(judge.copy, place, symlinks=True)
        found = []
        while tests:
            outcome, test = judge.run(place, tests, files_of(tests))
            if outcome == SURVIVED:
                break
            found.append(test)
            tests = [each for each in tests if each != test] if test in tests else []
    return found


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=300, help="how many mutants (default: 300)")
    parser.add_argument("--seed", type=int, default=1, help="another seed draws another sample")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no mutant after this time")
    parser.add_argument("--test-seconds", type=float, default=60, help="the most for the tests of a line")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many to try at once")
    parser.add_argument("--only", default="", help="only mutants whose names contain this")
    parser.add_argument("--out", type=Path, default=ROOT / "mutation-results", help="the folder of results")
    parser.add_argument("--again", action="store_true", help="try the survivors once more")
    parser.add_argument("--measure", action="store_true", help="find out anew which tests run which lines")
    parser.add_argument("--list", action="store_true", help="print the sample, and do nothing else")
    return parser.parse_args()


def main() -> int:
    """Try the mutants of a sample; return 1 if any survives that is not listed as equivalent."""
    options = parsed()
    sources = sources_of_core()
    every = (mutant for file, source in sources.items() for mutant in mutants_of(file, source))
    by_hand = made_by_hand(json.loads(BY_HAND.read_text(encoding="utf-8")), sources)
    drawn = [*by_hand, *sample(every, options.count, options.seed)]
    drawn = [mutant for mutant in drawn if options.only in mutant.name]
    excluded = equivalents()
    if options.list:
        for mutant in drawn:
            print(mutant.diff(sources[mutant.file]), (mutant.name in excluded and "(equivalent)") or "")
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    kept = options.out / "results.jsonl"
    results = read_results(kept)
    done = {name for name, result in results.items() if not (options.again and result.outcome == SURVIVED)}
    end = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as temporary:
        copy = Path(temporary) / "checkout"
        copy_checkout(copy)
        tests = covering_tests(copy, options.out / "covering_tests.json", options.jobs, options.measure)
        judge = Judge(copy, tests, sources, options.test_seconds, options.again)
        waiting = [mutant for mutant in drawn if mutant.name not in done and mutant.name not in excluded]
        try_all(judge, waiting, kept, options.jobs, end)
        results = read_results(kept)
        shown = {mutant.name: results[mutant.name] for mutant in drawn if mutant.name in results}
        shown = {name: result for name, result in shown.items() if name not in excluded}
        unsound = failing_without_mutant(judge, list(shown.values()))
    survivors = [result for result in shown.values() if result.outcome == SURVIVED]
    for result in survivors:
        print(result.diff)
    print(table_of(drawn, shown, excluded))
    missing = sum(mutant.name not in shown and mutant.name not in excluded for mutant in drawn)
    if missing:
        print(f"{missing} mutants have not been tried yet")
    for test in unsound:
        print(f"fails without a mutant, too: {test}")
    return int(bool(survivors or unsound))


def try_all(judge: Judge, mutants: Sequence[Mutant], kept: Path, jobs: int, end: float) -> None:
    """Try mutants, some at once, and note each result when it is there."""

    def tried(mutant: Mutant) -> Result | None:
        return None if time.monotonic() > end else judge.result(mutant)

    # In no order, so that the results of a run that is stopped are a sample, too; those made by hand first.
    in_no_order = sorted(mutants, key=lambda mutant: (mutant.number > 0, zlib.crc32(mutant.name.encode())))
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(tried, mutant) for mutant in in_no_order]
        for number, done in enumerate(as_completed(waiting), 1):
            result = done.result(timeout=0)
            if result:
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result._asdict()) + "\n")
                print(
                    f"{number}/{len(mutants)} {result.outcome} {result.seconds} s {result.name}", flush=True
                )


if __name__ == "__main__":
    sys.exit(main())
