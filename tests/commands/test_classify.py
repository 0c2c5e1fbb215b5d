"""`m2v-lite classify`: labels with probabilities, several labels, numbers, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from m2v_lite import StaticModel
from m2v_lite.commands.main import main
from m2v_lite.inference import StaticModelPipeline
from m2v_lite.inference.mlp import Activation, Layer, MLPHead

TEXTS = ["the cat sat", "hello world", "rain \x1b[31m on\tthe mat"]
CLASSES = ["cold", "mild", "warm"]


@pytest.fixture
def saved(tiny: Callable[[str], Path], tmp_path: Path) -> Callable[..., Path]:
    def save(activation: str, classes: list[Any] | None) -> Path:
        model = StaticModel.from_pretrained(tiny("wordpiece-float32"))
        random = np.random.default_rng(1)
        layer = Layer(random.normal(size=(3, model.dim)).astype("f4") * 4, random.normal(size=3).astype("f4"))
        head = MLPHead([layer], Activation(activation), None if classes is None else np.array(classes))
        StaticModelPipeline(model, head).save_pretrained(tmp_path / activation)
        return tmp_path / activation

    return save


def printed(capsys: pytest.CaptureFixture[str], *arguments: Any, status: int = 0) -> list[str]:
    assert main(["classify", *map(str, arguments)]) == status
    out, err = capsys.readouterr()
    return (err if status else out).splitlines()


def test_one_label(saved: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = saved("softmax", CLASSES)
    pipeline = StaticModelPipeline.from_pretrained(folder)
    probabilities, labels = pipeline.predict_proba(TEXTS), pipeline.predict(TEXTS).tolist()
    shown = ["the cat sat", "hello world", "rain \\x1b[31m on\\tthe mat"]
    assert printed(capsys, "--model", folder, *TEXTS) == [
        f"{label} {row.max():.3f}  {text}"
        for label, row, text in zip(labels, probabilities, shown, strict=True)
    ]
    records = [json.loads(line) for line in printed(capsys, "--json", "--model", folder, *TEXTS)]
    assert [record["text"] for record in records] == TEXTS
    assert [record["labels"] for record in records] == [[label] for label in labels]
    found = [[record["probabilities"][name] for name in CLASSES] for record in records]
    np.testing.assert_allclose(found, probabilities, rtol=1e-5)


def test_several_labels(
    saved: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = saved("sigmoid", [1, 2, 3])
    (tmp_path / "texts.txt").write_text("\n".join([*TEXTS, "", "été"]), encoding="utf-8")
    texts = [*TEXTS, "", "été"]
    pipeline = StaticModelPipeline.from_pretrained(folder)
    for threshold in (0, 0.5, 0.9, 1):
        options = ["--model", folder, "--input", tmp_path / "texts.txt", "--threshold", threshold]
        lines = printed(capsys, *options)
        expected = pipeline.predict(texts, threshold=threshold)
        for line, labels, row in zip(lines, expected, pipeline.predict_proba(texts), strict=True):
            shown = line.partition("  ")[0]
            if not len(labels):
                assert shown == "-"
                continue
            pairs = [pair.split(" ") for pair in shown.split(", ")]
            assert sorted(int(label) for label, _ in pairs) == sorted(np.asarray(labels).tolist())
            assert [number for _, number in pairs] == [f"{row[int(label) - 1]:.3f}" for label, _ in pairs]
            assert [float(number) for _, number in pairs] == sorted(
                (float(n) for _, n in pairs), reverse=True
            )
        records = [json.loads(line) for line in printed(capsys, "--json", *options)]
        assert [sorted(record["labels"]) for record in records] == [
            sorted(np.asarray(labels).tolist()) for labels in expected
        ]


def test_numbers(saved: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = saved("identity", None)
    expected = StaticModelPipeline.from_pretrained(folder).predict(TEXTS)
    (line, *_) = printed(capsys, "--model", folder, *TEXTS)
    assert line == " ".join(f"{number:.4g}" for number in expected[0]) + "  the cat sat"
    records = [json.loads(line) for line in printed(capsys, "--json", "--model", folder, *TEXTS)]
    values = [record["values"] for record in records]
    # A product of fewer vectors may be rounded otherwise.
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_what_is_refused(
    saved: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = saved("softmax", CLASSES)
    (folder / "head.safetensors").unlink()
    (line,) = printed(capsys, "--model", folder, "a", status=1)
    assert "head.safetensors is missing" in line
    (line,) = printed(capsys, "--model", tmp_path / "none", "a", status=1)
    assert "no such folder" in line
    for arguments, message in (
        (["a"], "--model"),
        (["--model", "m", "--threshold", "2", "a"], "'2' is not a number from 0 to 1"),
        (["--model", "m", "--threshold", "x", "a"], "'x' is not a number from 0 to 1"),
        (
            ["--model", "m", "a", "--input", "f"],
            "give texts on the command line, or --input and --column, not both",
        ),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["classify", *arguments])
        assert caught.value.code == 2
        assert message in capsys.readouterr().err
