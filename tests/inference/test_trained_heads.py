"""Heads that model2vec 0.10.0 has trained give its labels and probabilities; see golden/make_trained_heads.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import GOLDEN

from m2v_lite import StaticModel
from m2v_lite.commands.main import main
from m2v_lite.inference import StaticModelPipeline

TRAINED = GOLDEN / "trained-heads"
NAMES = ["one-topic", "several-topics", "regression", "similarity"]
FORMS = ["trained", "saved", "packed", "unpacked"]
# Another BLAS and another processor may sum in another order, and round `exp` otherwise.
RTOL, ATOL = 1e-5, 1e-6


def place_of(form: str, name: str, out: Path) -> Path:
    """Return a folder or packed file that holds a trained pipeline."""
    trained = TRAINED / name
    if form == "trained":
        return trained
    if form == "saved":
        StaticModelPipeline.from_pretrained(trained).save_pretrained(out / name)
        return out / name
    StaticModelPipeline.from_pretrained(trained).save_packed(out / f"{name}.safetensors")
    if form == "packed":
        return out / f"{name}.safetensors"
    assert main(["unpack", str(out / f"{name}.safetensors"), str(out / name)]) == 0
    return out / name


def answers_of(name: str) -> Any:
    answers = json.loads((TRAINED / f"{name}.json").read_text(encoding="utf-8"))
    assert answers["model2vec"] == "0.10.0"
    return answers


def listed(labels: Any) -> list[Any]:
    return [np.asarray(label).tolist() for label in labels]


def test_all_are_compared() -> None:
    assert sorted(path.name for path in TRAINED.iterdir()) == sorted(
        [*NAMES, *(f"{name}.json" for name in NAMES)]
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_the_answers_of_model2vec(name: str, form: str, tmp_path: Path) -> None:
    answers = answers_of(name)
    texts = answers["texts"]
    pipeline = StaticModelPipeline.from_pretrained(place_of(form, name, tmp_path))
    if "labels" not in answers:
        assert pipeline.classes_ is None
        numbers = pipeline.predict(texts)
    else:
        numbers = pipeline.predict_proba(texts)
        assert listed(pipeline.predict(texts)) == answers["labels"]
        assert pipeline.evaluate(texts, answers["labels"][::-1]) == answers["report"]
    assert numbers.dtype == answers["dtype"]
    np.testing.assert_allclose(numbers, answers["numbers"], rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize("name", NAMES)
def test_the_bits_travel(name: str, form: str, tmp_path: Path) -> None:
    texts = answers_of(name)["texts"]
    found = StaticModelPipeline.from_pretrained(place_of(form, name, tmp_path))
    trained = StaticModelPipeline.from_pretrained(TRAINED / name)
    vectors = trained.model.encode(texts)
    np.testing.assert_array_equal(found.model.encode(texts), vectors)
    np.testing.assert_array_equal(found.head.predict_proba(vectors), trained.head.predict_proba(vectors))


@pytest.mark.parametrize("name", NAMES)
def test_the_head_is_saved_as_model2vec_saves_it(name: str, tmp_path: Path) -> None:
    """Also a head without layers: model2vec needs its file."""
    StaticModelPipeline.from_pretrained(TRAINED / name).save_pretrained(tmp_path / "whole")
    StaticModel.from_pretrained(TRAINED / name).save_pretrained(tmp_path / "model")
    for folder in ("whole", "model"):
        found, trained = tmp_path / folder / "head.safetensors", TRAINED / name / "head.safetensors"
        assert found.read_bytes() == trained.read_bytes()
        configs = [json.loads((path.parent / "config.json").read_text()) for path in (found, trained)]
        assert configs[0]["head_config"] == configs[1]["head_config"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES)
def test_on_the_command_line(
    name: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = answers_of(name)
    place = place_of(form, name, tmp_path)
    capsys.readouterr()
    assert main(["classify", "--json", "--model", str(place), *answers["texts"]]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [record["text"] for record in records] == answers["texts"]
    if "labels" not in answers:
        numbers = [record["values"] for record in records]
    else:
        classes = StaticModelPipeline.from_pretrained(place).classes_
        assert classes is not None
        numbers = [[record["probabilities"][label] for label in classes.tolist()] for record in records]
        expected = [sorted([labels] if isinstance(labels, str) else labels) for labels in answers["labels"]]
        assert [sorted(record["labels"]) for record in records] == expected
    np.testing.assert_allclose(numbers, answers["numbers"], rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("command", [["encode"], ["similarity", "bread soup"]])
def test_other_commands_take_the_model_without_its_head(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "rain snow", "--model", str(TRAINED / "one-topic")]) == 0
    assert capsys.readouterr().out


def test_info_describes_the_head(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = {
        "one-topic": "2 layers (6 -> 5 -> 3), softmax, 3 classes",
        "several-topics": "3 layers (6 -> 8 -> 8 -> 3), sigmoid, 3 classes",
        "regression": "2 layers (6 -> 5 -> 2), identity, no classes",
        "similarity": "no layers (6), identity, no classes",
    }
    assert sorted(expected) == sorted(NAMES)
    for name, described in expected.items():
        for place in (TRAINED / name, place_of("packed", name, tmp_path)):
            assert main(["info", str(place)]) == 0
            assert f"head:          {described}\n" in capsys.readouterr().out


def test_info_without_a_head_and_with_a_broken_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = place_of("saved", "one-topic", tmp_path)
    sizes = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".json", ".safetensors"))
    main(["info", str(folder)])
    assert f"{sizes - (folder / 'modules.json').stat().st_size:,} bytes" in capsys.readouterr().out
    (folder / "head.safetensors").write_bytes(b"damaged")
    assert main(["info", str(folder)]) == 0
    out = capsys.readouterr().out
    assert f"head:          {folder}/head.safetensors: not a valid safetensors file" in out
    assert main(["info"]) == 0
    assert "head:" not in capsys.readouterr().out
