"""The comparison with the peers: its texts, its arithmetic, and a short run of it where the peers are."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are not part of the installed package", allow_module_level=True)


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_corpora_are_what_they_say() -> None:
    from corpora import corpora

    all_texts = corpora()
    for name, (first, unseen) in all_texts.items():
        assert len(first) >= 1000, name
        assert len({*first, *unseen}) == len(first) + len(unseen), name
    first, unseen = all_texts["all different"]
    words = " ".join(first + unseen).split()
    assert len(set(words)) == len(words)
    assert all(len(text) < 300 for text in all_texts["prose"][0])
    assert all(1000 < len(text) < 3000 for text in all_texts["long"][0])


def test_many_short_texts_all_differ() -> None:
    from corpora import many_short_texts

    ((first, unseen),) = many_short_texts(4000).values()
    assert len({*first, *unseen}) == len(first) + len(unseen) == 5000
    assert all(75 <= len(text) < 200 for text in first + unseen)


def test_with_workers_there_is_a_row_more() -> None:
    from compare import table

    measured = {"m2v_lite": [2.0], "m2v_lite_workers": [1.0], "peer": [6.0]}
    rows = table({"short": {"first": measured}}, ["peer"])
    assert "| short | batch, first pass | **3.00** (3.00-3.00) |" in rows
    assert "| short | batch, first pass, workers | **6.00** (6.00-6.00) |" in rows


def test_the_table_shows_ratios_within_a_round() -> None:
    from compare import table

    seconds = {"prose": {"first": {"m2v_lite": [1.0, 2.0, 1.0], "peer": [3.0, 8.0, 5.0]}}}
    assert "| prose | batch, first pass | **4.00** (3.00-5.00) |" in table(seconds, ["peer"])


@pytest.mark.parametrize(
    ("change", "differing", "required", "success"),
    [
        (0.0, [], True, True),
        (0.029, [], True, True),
        (0.031, [], True, False),
        (0.031, [], False, False),
        (-0.5, [], True, True),
        (0.5, ["numpy 9, not 2"], False, True),
        (0.0, ["numpy 9, not 2"], True, False),
    ],
)
def test_the_verdict_of_the_gauge(change: float, differing: list[str], required: bool, success: bool) -> None:
    from instructions import verdict

    assert verdict({"load": 0.0, "batch": change}, differing, required)[1] is success


def test_the_texts_of_the_gauge_are_always_the_same() -> None:
    from instructions import RECORD, changes, texts_of_the_vocabulary

    texts = texts_of_the_vocabulary()
    content = json.dumps(texts).encode()
    assert (
        hashlib.sha256(content).hexdigest()
        == "acf0cbc86f0f72fa0132d8221a62f14ff77814d6efd77f4d999ab9cb31e0e355"
    )
    counts = json.loads(RECORD.read_text())["instructions"]
    assert set(changes(counts, counts).values()) == {0.0}
    with pytest.raises(SystemExit, match="other jobs"):
        changes({"another": 1}, counts)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind")
def test_repeated_counts_agree(tmp_path: Path) -> None:
    from instructions import count

    (tmp_path / "texts.json").write_text(json.dumps({"first": ["a"], "unseen": ["b"], "single": ["c"]}))
    counts = [count("valgrind", tmp_path / "texts.json", 1) for _ in range(2)]
    assert {name for name, _ in counts} == {"start of Python and numpy"}
    assert abs(counts[1][1] / counts[0][1] - 1) < 0.01


def test_a_short_comparison(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "compare.py"), str(models_folder / "potion-base-8M")]
    options = ["--peers-python", str(peers_python), "--rounds", "1", "--limit", "300", "--out", str(tmp_path)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    result = json.loads((tmp_path / "speed-1-core.json").read_text())
    assert set(result["versions"]) == {"m2v_lite", "model2vec", "laghu_rs", "laghu", "fastembed"}
    assert result["versions"]["model2vec"]["versions"]["model2vec"] == "0.10.0"


def test_a_short_comparison_on_two_cores(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "compare.py"), str(models_folder / "potion-base-8M")]
    options = ["--peers-python", str(peers_python), "--rounds", "1", "--out", str(tmp_path)]
    on_cores = ["--cores", "2", "--short-texts", "2000"]
    subprocess.run([*command, *options, *on_cores], check=True, capture_output=True)
    assert (
        "2,000 short | batch, first pass, workers" in (tmp_path / "speed-2-cores-2000-texts.md").read_text()
    )


def test_the_memory_cap_checks_the_very_bits() -> None:
    from memory_cap import check, table

    right = np.array([[3, 4]], np.float32)
    assert check("m2v_lite", right, right) == 0
    assert check("peer", 2 * right, right) == 0
    with pytest.raises(AssertionError):
        check("m2v_lite", 2 * right, right)
    rows = table({"peer": {"ends": {"64": "status 1: MemoryError"}}})
    assert "| peer | status 1: MemoryError | not with 1024 MB |" in rows


def test_a_cap_that_is_too_small_ends_a_process(tmp_path: Path) -> None:
    from memory_cap import encode_capped

    end = encode_capped("m2v_lite", sys.executable, tmp_path, ["a text"], 8)
    assert isinstance(end, str)
