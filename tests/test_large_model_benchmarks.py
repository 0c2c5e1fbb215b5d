"""The benchmarks of large models: what they make, what they try, and how they cope with peers that cannot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from m2v_lite import StaticModel

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are not part of the installed package", allow_module_level=True)


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_peers_that_cannot_encode_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from compare import Contender, ContenderEndedError, say_missing, usable

    class Trial(Contender):
        def __init__(self, ends: bool) -> None:
            self.ends = ends

        def ask(self, **request: Any) -> dict[str, Any]:
            texts = json.loads((tmp_path / str(request["corpus"]) / "texts.json").read_text())
            assert [len(part) for part in texts] == [1, 1]
            if self.ends:
                raise ContenderEndedError("it died")
            return {}

    contenders: dict[str, Contender] = {
        "m2v_lite": Trial(False),
        "model2vec": Trial(False),
        "laghu": Trial(True),
    }
    assert list(usable(contenders, tmp_path)) == ["m2v_lite", "model2vec"]
    assert "without laghu" in capsys.readouterr().err
    for name in ("m2v_lite", "model2vec"):
        shutil.rmtree(tmp_path / "trial")
        with pytest.raises(SystemExit, match="it died"):
            usable({**contenders, name: Trial(True)}, tmp_path)
    assert say_missing([]) == ""
    assert say_missing(["laghu"]) == "\nNot measured, as they cannot encode with this model: laghu.\n"


def test_what_is_tried_with_the_multilingual_model() -> None:
    from small_computer import ENOUGH, MULTILINGUAL_PEERS, SMALLER_MULTILINGUAL_LIMITS, multilingual_runs

    runs = multilingual_runs(128)
    ours = [run for run in runs if run.name == "m2v_lite"]
    smaller = [f"{limit} MB" for limit in SMALLER_MULTILINGUAL_LIMITS]
    assert [run.shown_limit for run in ours] == [*smaller, "64 MB", "none"]
    assert {run.model for run in ours} == {"/packed"}
    for name in MULTILINGUAL_PEERS:
        limits = [(run.shown_limit, run.model) for run in runs if run.name == name]
        assert limits == [("64 MB", "/model"), ("none", "/model")]
    enough = multilingual_runs(ENOUGH)
    assert [(run.name, run.shown_limit) for run in enough] == [
        (name, "none") for name in ("m2v_lite", *MULTILINGUAL_PEERS)
    ]


def small_tokenizer(path: Path) -> Path:
    """Write a Unigram tokenizer of a few pieces."""
    pieces = ["<pad>", "<unk>", "▁", *"abcdefgh", "▁ab", "▁cde", "cd", "efg", "gh", "▁ж", "жи", "ши"]
    model = {"type": "Unigram", "unk_id": 1, "vocab": [[piece, -float(n)] for n, piece in enumerate(pieces)]}
    words = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    definition = {"version": "1.0", "normalizer": None, "pre_tokenizer": words, "model": model}
    path.write_text(json.dumps(definition))
    return path


def test_a_small_multilingual_model(tmp_path: Path) -> None:
    from multilingual_model import COLUMNS, make_multilingual_model
    from wordpiece_model import make_wordpiece_model

    tokenizer = small_tokenizer(tmp_path / "tokenizer.json")
    pieces = make_multilingual_model(tokenizer, tmp_path / "pieces", 24)
    assert StaticModel.from_pretrained(pieces).embedding.shape == (24, COLUMNS)
    tokens = make_wordpiece_model(tokenizer, tmp_path / "tokens", 30)
    model = StaticModel.from_pretrained(tokens)
    assert model.embedding.shape == (30, COLUMNS)
    assert model.tokens[5:7] == ("a", "b")
    assert {"ab", "cde", "##efg", "##a", "ж"} <= set(model.tokens)
    with pytest.raises(SystemExit, match="there are only 3"):
        make_wordpiece_model(tokenizer, tmp_path / "more", 1000)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc of Linux")
def test_memory_of_use_is_measured_both_ways(tmp_path: Path) -> None:
    from memory_of_use import USED, WAYS, measure, table

    packed = tmp_path / "packed"
    StaticModel.from_pretrained().save_packed(packed)
    measured = measure(packed, [f"text number {number}" for number in range(700)], tmp_path)
    assert list(measured) == WAYS
    assert all(figures[USED] < 12 < figures["before, MB"] for figures in measured.values())
    assert table(measured).count("\n| ") == 2
