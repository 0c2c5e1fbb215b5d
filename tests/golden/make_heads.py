"""Run by the Python of model2vec 0.10.0: save pipelines with random heads, and what model2vec makes of texts.

    python make_heads.py MODEL TEXTS.json OUT

OUT/NAME is the folder of each pipeline, and OUT/NAME.json holds what it answers.
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from model2vec import StaticModel
from model2vec.inference import StaticModelPipeline
from model2vec.inference.mlp import Activation, Layer, MLPHead

# Name: activation, sizes of the hidden layers, classes or the number of outputs
HEADS: dict[str, tuple[str, Any, Any]] = {
    "two-classes": ("softmax", [], ["no", "yes"]),
    "three-layers": ("softmax", [16, 8], ["a", "b", "c", "d", "e"]),
    "numbers-as-classes": ("softmax", [4], [3, 1, 2]),
    "several-labels": ("sigmoid", [8], ["red", "green", "blue", "été"]),
    "one-label": ("sigmoid", [], ["spam"]),
    "regression": ("identity", [8], 3),
    "nothing": ("identity", None, None),
}


def layers(random: np.random.Generator, sizes: list[int], dtype: str) -> list[Layer]:
    return [
        Layer(
            random.normal(size=(outputs, inputs)).astype(dtype) * 3, random.normal(size=outputs).astype(dtype)
        )
        for inputs, outputs in pairwise(sizes)
    ]


def main() -> None:
    folder, texts_file, out = sys.argv[1:]
    texts = json.loads(Path(texts_file).read_text(encoding="utf-8"))
    random = np.random.default_rng(0)
    for number, (name, (activation, hidden, classes)) in enumerate(HEADS.items()):
        model = StaticModel.from_pretrained(folder)
        if name == "two-classes":  # rows with NaN and infinities count as numbers
            model.embedding = model.embedding.astype(np.float32)
            model.embedding[random.integers(0, len(model.embedding), 20), 3] = np.nan
            model.embedding[random.integers(0, len(model.embedding), 20), 5] = np.inf
        outputs = classes if isinstance(classes, int) else len(classes or [])
        sizes = [] if hidden is None else [model.dim, *hidden, outputs]
        labels = np.asarray(classes) if isinstance(classes, list) else None
        head = MLPHead(
            layers(random, sizes, "float64" if number == 2 else "float32"), Activation(activation), labels
        )
        StaticModelPipeline(model, head).save_pretrained(f"{out}/{name}")
        pipeline = StaticModelPipeline.from_pretrained(f"{out}/{name}")
        answers = {"predict": [np.asarray(label).tolist() for label in pipeline.predict(texts)]}
        answers["one"] = np.asarray(pipeline.predict(texts[4])).tolist()
        if activation != "identity":
            np.save(f"{out}/{name}.npy", pipeline.predict_proba(texts))
            answers["strict"] = [
                np.asarray(label).tolist() for label in pipeline.predict(texts, threshold=0.9)
            ]
            truth = list(answers["predict"])
            truth[:10] = truth[10:20]
            answers["truth"], answers["report"] = truth, pipeline.evaluate(texts, truth)
        else:
            np.save(f"{out}/{name}.npy", pipeline.predict(texts))
        Path(f"{out}/{name}.json").write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
