"""Heads: what is refused, what is saved, and that a head costs nothing before it is used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from m2v_lite import InputTypeError, InputValueError, InvalidModelError, ModelNotFoundError, StaticModel
from m2v_lite.commands.main import main
from m2v_lite.files.packing import unpack
from m2v_lite.files.safetensors import SafetensorsFile, write_safetensors
from m2v_lite.inference import StaticModelPipeline, evaluate_single_or_multi_label
from m2v_lite.inference.mlp import Activation, Layer, MLPHead

TEXTS = ["the cat sat", "hello world", "", "rain on the mat"]
CLASSES = ["cold", "mild", "warm"]


def head(columns: int, activation: str = "softmax", classes: list[Any] | None = CLASSES) -> MLPHead:
    random = np.random.default_rng(0)
    sizes = [columns, 5, len(CLASSES)]
    layers = [
        Layer(random.normal(size=(after, before)).astype("f4"), random.normal(size=after).astype("f4"))
        for before, after in pairwise(sizes)
    ]
    return MLPHead(layers, Activation(activation), None if classes is None else np.array(classes))


@pytest.fixture
def folder(tiny: Callable[[str], Path], tmp_path: Path) -> Path:
    model = StaticModel.from_pretrained(tiny("wordpiece-float32"))
    StaticModelPipeline(model, head(model.dim)).save_pretrained(tmp_path / "classifier")
    return tmp_path / "classifier"


def change_settings(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["head_config"] = {**config["head_config"], **changes}
    (folder / "config.json").write_text(json.dumps(config))


def change_tensors(folder: Path, **changes: Any) -> None:
    file = SafetensorsFile(folder / "head.safetensors")
    tensors = {name: np.array(file.view(name)) for name in file.tensors}
    tensors.update({name.replace("__", "."): array for name, array in changes.items()})
    with (folder / "head.safetensors").open("wb") as out:
        write_safetensors(out, {name: array for name, array in tensors.items() if array is not None})


def test_against_plain_arithmetic(folder: Path) -> None:
    pipeline = StaticModelPipeline.from_pretrained(folder)
    hidden, last = pipeline.head.layers
    expected = []
    for vector in pipeline.model.encode(TEXTS).astype(float):
        numbers = last.weight.astype(float) @ np.maximum(hidden.weight @ vector + hidden.bias, 0) + last.bias
        powers = np.exp(numbers - numbers.max())
        expected.append(powers / powers.sum())
    probabilities = pipeline.predict_proba(TEXTS)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5)
    assert pipeline.predict(TEXTS).tolist() == [CLASSES[row.argmax()] for row in probabilities]
    assert pipeline.predict(TEXTS[0]).tolist() == [pipeline.predict(TEXTS)[0]]
    assert pipeline.classes_ is not None
    assert pipeline.classes_.tolist() == CLASSES
    assert repr(pipeline).startswith(
        "<StaticModelPipeline of 3 classes, 2 layers, on <StaticModel of 102 x 24"
    )


def test_no_texts(folder: Path) -> None:
    pipeline = StaticModelPipeline.from_pretrained(folder)
    assert pipeline.predict_proba([]).shape == (0, 3)
    assert pipeline.predict([]).shape == (0,)


def test_the_head_travels(folder: Path, tmp_path: Path) -> None:
    """Also with a program that knows nothing of it."""
    expected = StaticModelPipeline.from_pretrained(folder).predict_proba(TEXTS)
    model = StaticModel.from_pretrained(folder)
    model.save_pretrained(tmp_path / "saved")
    model.save_packed(tmp_path / "packed.safetensors")
    unpack(str(tmp_path / "packed.safetensors"), str(tmp_path / "unpacked"))
    StaticModel.from_pretrained(tmp_path / "packed.safetensors").save_pretrained(tmp_path / "again")
    StaticModelPipeline.from_pretrained(folder).save_packed(tmp_path / "whole.safetensors")
    for name in ("saved", "packed.safetensors", "unpacked", "again", "whole.safetensors"):
        found = StaticModelPipeline.from_pretrained(tmp_path / name).predict_proba(TEXTS)
        np.testing.assert_array_equal(found, expected)
    assert (tmp_path / "unpacked/head.safetensors").read_bytes() == (folder / "head.safetensors").read_bytes()


def test_a_head_costs_nothing_until_it_is_used(folder: Path) -> None:
    (folder / "head.safetensors").write_bytes(b"damaged")
    assert StaticModel.from_pretrained(folder).encode("cat").shape == (24,)
    with pytest.raises(InvalidModelError, match=r"head.safetensors: not a valid safetensors file"):
        StaticModelPipeline.from_pretrained(folder)


def test_fewer_columns_than_the_head_takes(folder: Path, tmp_path: Path) -> None:
    model = StaticModel.from_pretrained(folder, dimensionality=8)
    for save in (model.save_pretrained, model.save_packed):
        with pytest.raises(
            InvalidModelError, match="takes vectors of 24 columns, but the model has 8; load the m"
        ):
            save(tmp_path / "narrow")
    assert not (tmp_path / "narrow").exists()


WRONG_SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "activation": ({"activation": "tanh"}, "the activation is 'tanh', not one of softmax, sigmoid, identity"),
    "activation of another type": ({"activation": ["softmax"]}, "the activation is .'softmax'., not one of"),
    "layers": ({"n_layers": 3}, "head.safetensors has no tensor head.2.weight"),
    "negative layers": ({"n_layers": -1}, "n_layers is int -1, not a number of layers"),
    "layers of another type": ({"n_layers": True}, "n_layers is bool True, not a number of layers"),
    "fewer layers": ({"n_layers": 1}, "there are 3 classes, but the last layer has 5 outputs"),
    "classes": ({"classes": ["a", "b"]}, "there are 2 classes, but the last layer has 3 outputs"),
    "classes that are none": ({"classes": "abc"}, "the classes are str 'abc', not a list of labels"),
    "classes of two types": (
        {"classes": ["a", 1, 2]},
        "the classes are list .*, not a list of labels of one",
    ),
    "nested classes": ({"classes": [["a"], ["b"], ["c"]]}, "the classes are list .*, not a list of labels"),
}


@pytest.mark.parametrize("case", WRONG_SETTINGS)
def test_wrong_settings(case: str, folder: Path) -> None:
    changes, message = WRONG_SETTINGS[case]
    change_settings(folder, **changes)
    with pytest.raises(InvalidModelError, match=f"not a valid head: {message}.*; train or fetch it again"):
        StaticModelPipeline.from_pretrained(folder)


@pytest.mark.parametrize("settings", ["softmax", [], 0, False])
def test_settings_that_are_no_object(settings: Any, folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "head_config": settings}))
    with pytest.raises(
        InvalidModelError, match=r"not a valid head: head_config in the config is .*, not an obj"
    ):
        StaticModelPipeline.from_pretrained(folder)


@pytest.mark.parametrize(
    ("activation", "expected"), [("softmax", [[0, 1], [1, 0]]), ("sigmoid", [[0, 1], [1, 0]])]
)
def test_large_numbers_do_not_overflow(activation: str, expected: list[list[float]]) -> None:
    layer = Layer(np.array([[-1], [1]], "f4"), np.zeros(2, "f4"))
    found = MLPHead([layer], Activation(activation)).predict_proba(np.array([[1e4], [-1e4]], "f4"))
    np.testing.assert_array_equal(found, expected)


WRONG_TENSORS: dict[str, tuple[dict[str, Any], str]] = {
    "no bias": ({"head__1__bias": None}, "head.safetensors has no tensor head.1.bias"),
    "columns": (
        {"head__0__weight": np.zeros((5, 9), "f4")},
        "the head takes vectors of 9 columns, but the model",
    ),
    "layers that do not fit": ({"head__1__weight": np.zeros((3, 6), "f4")}, "which does not fit 5 inputs"),
    "bias": (
        {"head__1__bias": np.zeros(2, "f4")},
        r"head.1.bias has shape \(2,\), which does not fit 5 inputs",
    ),
    "one dimension": ({"head__1__weight": np.zeros(15, "f4")}, "which does not fit 5 inputs"),
    "whole numbers": ({"head__1__weight": np.zeros((3, 5), "i4")}, "are int32 and float32, not floats"),
    "NaN": ({"head__0__bias": np.full(5, np.nan, "f4")}, "holds numbers that are not finite"),
    "infinity": ({"head__0__weight": np.full((5, 24), np.inf, "f4")}, "holds numbers that are not finite"),
}


@pytest.mark.parametrize("case", WRONG_TENSORS)
def test_wrong_tensors(case: str, folder: Path) -> None:
    changes, message = WRONG_TENSORS[case]
    change_tensors(folder, **changes)
    with pytest.raises(InvalidModelError, match=message):
        StaticModelPipeline.from_pretrained(folder)


def test_no_head(tiny: Callable[[str], Path], folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ModelNotFoundError, match=r"this model has no classifier head .*load it with StaticMod"
    ):
        StaticModelPipeline.from_pretrained(tiny("wordpiece-float32"))
    (folder / "head.safetensors").unlink()
    with pytest.raises(ModelNotFoundError, match=r"head.safetensors is missing, but head_config"):
        StaticModelPipeline.from_pretrained(folder)
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        StaticModelPipeline.from_pretrained(tmp_path / "none")


def test_a_head_in_the_old_format(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "old")
    (tmp_path / "old/head.safetensors").rename(tmp_path / "old/pipeline.skops")
    with pytest.raises(
        InvalidModelError, match=r"is in pipeline.skops, .*convert_legacy_pipeline as convert; new = conv"
    ):
        StaticModelPipeline.from_pretrained(tmp_path / "old")


def test_numbers_that_are_no_probabilities(folder: Path) -> None:
    model = StaticModel.from_pretrained(folder)
    pipeline = StaticModelPipeline(model, head(model.dim, "identity", None))
    assert pipeline.predict(TEXTS).shape == (4, 3)
    for call in (lambda: pipeline.predict_proba(TEXTS), lambda: pipeline.evaluate(TEXTS, CLASSES)):
        with pytest.raises(
            InputValueError, match="is for heads that classify, but the activation of this one is id"
        ):
            call()
    pipeline = StaticModelPipeline(model, head(model.dim, "softmax", None))
    assert pipeline.predict_proba(TEXTS).shape == (4, 3)
    with pytest.raises(InvalidModelError, match="the head has no classes"):
        pipeline.predict(TEXTS)


def test_a_label_is_above_the_threshold_not_at_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = StaticModel.from_pretrained(folder)
    layer = Layer(np.zeros((3, model.dim), "f4"), np.array([0, 9, 0], "f4"))
    pipeline = StaticModelPipeline(model, MLPHead([layer], Activation.SIGMOID, np.array(CLASSES)))
    pipeline.save_pretrained(tmp_path / "half")
    for threshold, expected in ((0.49, CLASSES), (0.5, ["mild"]), (1, [])):
        (labels,) = pipeline.predict("the cat", threshold=threshold)
        assert labels.tolist() == expected
        main(
            [
                "classify",
                "--json",
                "the cat",
                "--model",
                str(tmp_path / "half"),
                "--threshold",
                str(threshold),
            ]
        )
        assert sorted(json.loads(capsys.readouterr().out)["labels"]) == expected


def test_options(folder: Path) -> None:
    pipeline = StaticModelPipeline.from_pretrained(folder)
    for threshold in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputValueError, match=r"threshold is .*; give a number from 0 to 1"):
            pipeline.predict(TEXTS, threshold=threshold)
    for wrong in ("0.5", True, None):
        with pytest.raises(InputTypeError, match=r"threshold is .*; give a number from 0 to 1"):
            pipeline.predict(TEXTS, threshold=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="text 0 is int 3"):
        pipeline.predict([3])  # type: ignore[list-item]
    with pytest.raises(InputValueError, match="X has 4 texts, and y has 3 labels; give one label per text"):
        pipeline.evaluate(TEXTS, CLASSES)
    with pytest.raises(InputValueError, match="X has 0 texts, and y has 0 labels"):
        pipeline.evaluate([], [])


def test_a_report_by_hand() -> None:
    report = evaluate_single_or_multi_label(np.array(["a", "b", "b", "c"]), ["a", "a", "b", "b"])
    assert report["a"] == {"precision": 1.0, "recall": 0.5, "f1-score": 2 / 3, "support": 2.0}
    assert report["b"] == {"precision": 0.5, "recall": 0.5, "f1-score": 0.5, "support": 2.0}
    assert report["c"] == {"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 0.0}
    assert report["accuracy"] == 0.5
    assert report["weighted avg"] == {
        "precision": 0.75,
        "recall": 0.5,
        "f1-score": pytest.approx(7 / 12),
        "support": 4.0,
    }
    several = evaluate_single_or_multi_label(np.array([["a"], ["b"]], object), [["a", "b"], ["b"]])
    assert several["accuracy"] == 0.5
    assert several["b"]["recall"] == 0.5
