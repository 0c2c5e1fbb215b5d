"""The run of model2vec's own tests: which outcomes it takes, and what is still in model2vec's place."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from model2vec_left_out import TESTS, LeftOut
from model2vec_patched import holders
from model2vec_tests import STAGES, faults, outcomes

LEFT_OUT = [LeftOut("test_model.py", "test_a", 2, "ValueError: no", "a reason")]
FAILURE = "failure: ValueError: no, never"


def expected() -> dict[tuple[str, str], str]:
    found = {(file, f"test_{number}"): "" for file, total in TESTS.items() for number in range(total)}
    for number in range(2):
        del found["test_model.py", f"test_{number}"]
        found["test_model.py", f"test_a[{number}]"] = FAILURE
    return found


def test_what_is_as_listed() -> None:
    assert faults(expected(), LEFT_OUT) == []


@pytest.mark.parametrize(
    ("file", "test", "said", "fault"),
    [
        ("test_model.py", "test_2", None, "test_model.py: 74 tests, not 75"),
        ("test_model.py", "test_new", "", "test_model.py: 76 tests, not 75"),
        ("test_inference.py", "test_2", FAILURE, f"test_inference.py::test_2 fails: {FAILURE}"),
        ("test_inference.py", "test_2", "skipped: later", "test_inference.py::test_2 fails: skipped: later"),
        ("test_model.py", "test_a[1]", "", "test_model.py::test_a[1] passes, but is left out"),
        ("test_model.py", "test_a[1]", None, "test_model.py::test_a: 1 tests are left out, not 2"),
        (
            "test_model.py",
            "test_a[1]",
            "failure: TypeError",
            "test_model.py::test_a[1] is left out because of 'ValueError: no', but fails otherwise: "
            "failure: TypeError",
        ),
        ("", "tests/test_model.py", "error: collection failure", "::tests/test_model.py fails: error: coll"),
    ],
)
def test_what_is_not_as_listed(file: str, test: str, said: str | None, fault: str) -> None:
    found = expected()
    if said is None:
        del found[file, test]
    else:
        found[file, test] = said
    assert any(found.startswith(fault) for found in faults(found, LEFT_OUT))


def test_a_report_is_read() -> None:
    report = (
        '<testsuites><testsuite><testcase classname="tests.test_model" name="test_a[1]">'
        '<failure message="ValueError: no&#10;more">where</failure></testcase>'
        '<testcase classname="tests.test_model" name="test_2" /></testsuite></testsuites>'
    )
    assert outcomes(report) == {
        ("test_model.py", "test_a[1]"): "failure: ValueError: no",
        ("test_model.py", "test_2"): "",
    }


def test_no_test_is_left_out_twice() -> None:
    for left_out in STAGES.values():
        assert len({(test.file, test.test) for test in left_out}) == len(left_out)
        assert {test.file for test in left_out} <= TESTS.keys()


def test_what_still_holds_an_object_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = object()
    for name in ("model2vec.train", "tests.test_model", "model2vec_other"):
        module = ModuleType(name)
        module.__dict__["Kept"] = original
        monkeypatch.setitem(sys.modules, name, module)
    assert [(module.__name__, name) for module, name in holders(original)] == [
        ("model2vec.train", "Kept"),
        ("tests.test_model", "Kept"),
    ]
