"""The mutation testing: which mutants there are, which are drawn, and what becomes of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("limits memory and ends groups of processes", allow_module_level=True)

import mutation_testing
from covering_tests import ROOT, CoveringTests
from mutants import Mutant, made_by_hand, mutants_of, sample

FILE = "m2v_lite/wing/module.py"


def changed(source: str) -> list[str]:
    """Return all mutants of a text."""
    return [mutant.applied_to(source) for mutant in mutants_of(FILE, source)]


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("a = b < c", ["a = b <= c"]),
        ("a = b not in c", ["a = b in c"]),
        ("a = b is  not c", ["a = b is c"]),
        ("a = b - c", ["a = b + c"]),
        ("a = b & c", ["a = b | c"]),
        ("a -= b", ["pass", "a += b"]),
        ("a = 5", ["a = (5 + 1)", "a = (5 - 1)"]),
        ("a = True", ["a = False"]),
        ("if a: b = c", ["if (not (a)): b = c"]),
        ("while a == b: c = d", ["while a != b: c = d"]),
        ("a = [b for b in c if b]", ["a = [b for b in c if (not (b))]"]),
        ("a = b and c or d", ["a = b and c and d", "a = b or c or d"]),
        ("a = not b", ["a = (b)"]),
        ("a(b)", ["pass"]),
        ("a = b(c=d)", ["a = b()"]),
        ("a = b(c, d=e, f=g)", ["a = b(c, f=g)", "a = b(c, d=e)"]),
        ("a = b[c:]", ["a = b[:]"]),
        ("a = max(b, c)", ["a = min(b, c)"]),
        ("def a(b):\n    return b", ["def a(b):\n    return None"]),
        ("def a(b):\n    return False", ["def a(b):\n    return True"]),
        ("def a(b=2):\n    return", ["def a(b=(2 + 1)):\n    return", "def a(b=(2 - 1)):\n    return"]),
        ("for a in b:\n    break", ["for a in b:\n    continue"]),
        ("a = ('é' +\n     b)", ["a = ('é' -\n     b)"]),
        ("raise ValueError(f'{a[:20]}', 5)", ["pass"]),
    ],
)
def test_every_kind_of_change(source: str, mutants: list[str]) -> None:
    assert changed(source) == mutants


@pytest.mark.parametrize(
    "source",
    [
        '"""1 < 2"""',
        "a: Literal[1]",
        "def a(b: Literal[1]) -> Literal[2]:\n    return",
        "from a import b",
        "if TYPE_CHECKING:\n    a = 1",
        "@cache(5)\ndef a():\n    return",
        "a = f'{b[:3]} {c + 1}'",
        "warn('a', stacklevel=4) if a else b",
        "a = zip(b, c, strict=True)",
    ],
)
def test_what_stays_as_it_is(source: str) -> None:
    assert [mutant for mutant in changed(source) if "not (" not in mutant] == []


def test_a_mutant_is_named_and_shown() -> None:
    source = "def a(b):\n    c(1)\n    c(1)\n"
    last = list(mutants_of(FILE, source))[-1]
    assert last.name == f"{FILE}: c(1): 1 -> 1 - 1 #2"
    assert last.diff(source) == f"{FILE}:3\n-    c(1)\n+    c((1 - 1))"
    assert last.wing == "wing"


def test_a_sample_depends_on_the_seed_and_hardly_on_other_mutants() -> None:
    source = "\n".join(f"a{number} = b < c" for number in range(40))
    before = sample(mutants_of(FILE, source), 20, seed=1)
    assert before == sample(mutants_of(FILE, source), 20, seed=1)
    assert before != sample(mutants_of(FILE, source), 20, seed=2)
    after = sample(mutants_of(FILE, f"x = y < z\n{source}"), 20, seed=1)
    assert len({mutant.name for mutant in before} & {mutant.name for mutant in after}) >= 19


def test_a_sample_is_spread_over_the_wings() -> None:
    source = "\n".join(f"a{number} = b < c" for number in range(100))
    mutants = [*mutants_of("m2v_lite/large/module.py", source), *mutants_of("m2v_lite/small.py", "a = b < c")]
    drawn = sample(mutants, 11, seed=1)
    assert [mutant.wing for mutant in drawn] == ["large"] * 10 + ["small.py"]


@pytest.mark.skipif(not (ROOT / "m2v_lite").is_dir(), reason="the package lies elsewhere")
def test_the_lists_fit_the_package() -> None:
    sources = mutation_testing.sources_of_core()
    names = [mutant.name for file, source in sources.items() for mutant in mutants_of(file, source)]
    assert len(set(names)) == len(names)
    assert sorted(mutation_testing.equivalents().keys() - set(names)) == []
    assert all(mutation_testing.equivalents().values())
    by_hand = json.loads(mutation_testing.BY_HAND.read_text(encoding="utf-8"))
    for mutant in made_by_hand(by_hand, sources):
        compile(mutant.applied_to(sources[mutant.file]), mutant.file, "exec")


SOURCE = """
def next_of(number):
    return number + 1


def second_after(number):
    return number + 2


def count(number):
    while number > 0:
        number -= 1
    return number
"""
TESTS = """
from m2v_lite.wing.module import count, next_of


def test_next():
    assert next_of(1) == 2


def test_count():
    assert count(3) == 0
"""


@pytest.mark.parametrize(
    ("before", "after", "outcome", "test"),
    [
        ("number + 1", "number - 1", mutation_testing.KILLED, "tests/wing/test_module.py::test_next"),
        ("number + 2", "number - 2", mutation_testing.SURVIVED, ""),
        ("number -= 1", "pass", mutation_testing.TIMED_OUT, "2 seconds"),
        ("def next_of", "def other", mutation_testing.KILLED, "status 2: "),
    ],
)
def test_every_outcome_is_seen(
    before: str, after: str, outcome: str, test: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutation_testing, "START_SECONDS", 2)
    monkeypatch.setattr(mutation_testing, "TIMES", 0)
    if outcome != mutation_testing.TIMED_OUT:
        monkeypatch.setattr(mutation_testing, "START_SECONDS", 100)
    for name, text in {
        "m2v_lite/__init__.py": "",
        "m2v_lite/wing/__init__.py": "",
        FILE: SOURCE,
        "tests/wing/test_module.py": TESTS,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    names = [f"tests/wing/test_module.py::{test}" for test in ("test_next", "test_count")]
    tests = CoveringTests(dict.fromkeys(names, 0.01), names, {FILE: {3: names[:1], 11: names[1:]}})
    judge = mutation_testing.Judge(tmp_path, tests, {FILE: SOURCE})
    entry = {"file": FILE, "before": before, "after": after, "about": "made up"}
    (mutant,) = made_by_hand([entry], {FILE: SOURCE})
    result = judge.result(mutant)
    assert result.outcome == outcome
    assert result.test.startswith(test)
    assert (tmp_path / FILE).read_text() == SOURCE


def test_the_table() -> None:
    source = "a = b < c\nd = e < f\ng = h < i\nj = k < l"
    mutants: list[Mutant] = list(mutants_of(FILE, source))
    outcomes = [mutation_testing.KILLED, mutation_testing.TIMED_OUT, mutation_testing.SURVIVED]
    results = {
        mutant.name: mutation_testing.Result(mutant.name, outcome, "", 1, 1.0, "")
        for mutant, outcome in zip(mutants, outcomes, strict=False)
    }
    table = mutation_testing.table_of(mutants, results, {mutants[3].name: "the same"})
    assert table.splitlines()[2:] == ["| wing | 1 | 1 | 1 | 1 | 66.7 % |", "| all | 1 | 1 | 1 | 1 | 66.7 % |"]
