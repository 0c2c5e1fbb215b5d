"""A pytest plugin for `mutation_testing`: says which test runs, and runs chosen tests in a chosen order.

Environment variables tell it what to do:

- `COVERAGE_PROCESS_START`: coverage measures this process; each test is a context of its own. Processes that
  a test starts find the test's name in `COVERED_TEST`.
- `REPORTS`: a file for a line of JSON a test: its name, its outcome and its seconds.
- `CHOSEN_TESTS`: a JSON file with the names of tests: only these run, in this order.
- `KNOWN_TESTS`: a JSON file with the names of tests. Those that are not in it are new, and run first.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest


class Reporter:
    """Writes what becomes of each test; a test fails if any of its phases does."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.outcomes: defaultdict[str, list[str]] = defaultdict(list)
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid
        self.outcomes[name].append(report.outcome)
        self.seconds[name] += report.duration
        if report.when == "teardown":
            outcomes = self.outcomes.pop(name)
            outcome = next((each for each in ("failed", "skipped") if each in outcomes), "passed")
            line = json.dumps({"test": name, "outcome": outcome, "seconds": self.seconds[name]})
            with Path(self.path).open("a") as file:
                file.write(line + "\n")


def pytest_configure(config: pytest.Config) -> None:
    reports = os.environ.get("REPORTS")
    if reports and not hasattr(config, "workerinput"):  # xdist's workers report to the first process
        config.pluginmanager.register(Reporter(reports))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    if "COVERAGE_PROCESS_START" in os.environ:
        import coverage

        os.environ["COVERED_TEST"] = item.nodeid
        measured = coverage.Coverage.current()
        if measured is not None:
            measured.switch_context(item.nodeid)
    return (yield)


def pytest_sessionfinish() -> None:
    if "COVERAGE_PROCESS_START" in os.environ:
        import coverage

        measured = coverage.Coverage.current()
        if measured is not None:
            measured.save()  # xdist's workers end without the exit handlers


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "CHOSEN_TESTS" not in os.environ:
        return
    places = {name: place for place, name in enumerate(_names_in("CHOSEN_TESTS"))}
    known = set(_names_in("KNOWN_TESTS")) if os.environ.get("KNOWN_TESTS") else None
    chosen: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        is_new = known is not None and item.nodeid not in known
        (chosen if is_new or item.nodeid in places else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = sorted(chosen, key=lambda item: places.get(item.nodeid, -1))


def _names_in(variable: str) -> list[str]:
    names: list[str] = json.loads(Path(os.environ[variable]).read_text())
    return names
