"""Train tiny heads with model2vec 0.10.0, and write them beside this file with what model2vec answers.

Run by hand, where these are installed: pip install "model2vec[train]==0.10.0"

    python tests/golden/make_trained_heads.py

writes trained-heads/NAME, the folder of each pipeline as model2vec saves it, and trained-heads/NAME.json, the
labels and the probabilities (or other numbers) of the texts below. Another torch trains other heads.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from model2vec import StaticModel
from model2vec.inference import StaticModelPipeline
from model2vec.train import StaticModelForClassification, StaticModelForSimilarity
from model2vec.train.regression import StaticModelForRegression
from tokenizers import Tokenizer

HERE = Path(__file__).parent
OUT = HERE / "trained-heads"
COLUMNS = 6

# Each topic in five languages
TOPICS = {
    "food": ["bread", "soup", "brot", "suppe", "pain", "soupe", "хлеб", "суп", "食", "米"],
    "météo": ["rain", "snow", "regen", "schnee", "pluie", "neige", "дождь", "снег", "雨", "雪"],
    "交通": ["train", "station", "zug", "bahnhof", "gare", "rue", "поезд", "вокзал", "駅", "車"],
}
OTHER_WORDS = ["the", "is", "der", "die", "la", "le", "и", "の", "##s", "."]
# Answered, but not trained with
TEXTS = [
    "the soup is on the train",
    "Trains.",
    "Le pain, la pluie et la gare",
    "Der Zug und der Schnee",
    "дождь и снег",
    "雨の駅",
    "食の",
    "BREAD soup suppe",
    "the",
    "no word that is known but the",
    "xyz",
    "",
]


def base_model() -> StaticModel:
    sys.path.insert(0, str(HERE.parent))
    from definitions import added_token, tokenizer

    tokens = ["[UNK]", *OTHER_WORDS, *(word for words in TOPICS.values() for word in words)]
    model = {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {token: index for index, token in enumerate(tokens)},
    }
    bert = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    definition = tokenizer(
        model, {"type": "BertNormalizer", **bert}, {"type": "BertPreTokenizer"}, [added_token("[UNK]", 0)]
    )
    table = np.random.default_rng(0).normal(size=(len(tokens), COLUMNS)).astype(np.float32)
    return StaticModel(table, Tokenizer.from_str(json.dumps(definition)), normalize=True)


def examples() -> list[tuple[str, list[str]]]:
    """Return texts, each with its topics: of one topic, and of two."""
    random = np.random.default_rng(1)

    def text(*topics: str) -> str:
        words = [word for topic in topics for word in random.choice(TOPICS[topic], 2)]
        return " ".join(random.permutation([*words, *random.choice(OTHER_WORDS[:8], 2)]))

    names = list(TOPICS)
    singles = [(text(name), [name]) for name in names * 30]
    pairs = [(text(a, b), sorted([a, b])) for a in names for b in names if a < b for _ in range(20)]
    return [*singles, *pairs]


def trained() -> dict[str, Any]:
    """Return a trained model of each kind by its name."""
    pairs = examples()
    texts, topics = [text for text, _ in pairs], [names for _, names in pairs]
    shares = [[float(name in names) / len(names) for name in TOPICS] for names in topics]
    directions = [[*share, *share] for share in shares]  # as many as columns: this head has no layers
    single = [place for place, names in enumerate(topics) if len(names) == 1]
    one = [texts[place] for place in single], [topics[place][0] for place in single]
    return {
        "one-topic": fitted(StaticModelForClassification, *one, n_layers=1, hidden_dim=5),
        "several-topics": fitted(StaticModelForClassification, texts, topics, n_layers=2, hidden_dim=8),
        "regression": fitted(
            StaticModelForRegression, texts, [share[:2] for share in shares], n_layers=1, hidden_dim=5
        ),
        "similarity": fitted(StaticModelForSimilarity, texts, directions, n_layers=0),
    }


def fitted(kind: Any, texts: list[str], y: list[Any], **shape: int) -> Any:
    model = kind.from_static_model(model=base_model(), **shape)
    # The examples are few, so all of them are there to learn from.
    options = {"batch_size": 8, "max_epochs": 30, "early_stopping_patience": None, "device": "cpu"}
    return model.fit(texts, y, X_val=texts, y_val=y, learning_rate=0.02, **options)


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    for name, model in trained().items():
        model.to_pipeline().save_pretrained(str(OUT / name))
        pipeline = StaticModelPipeline.from_pretrained(OUT / name)
        labels = pipeline.predict(TEXTS)
        numbers = labels if pipeline.classes_ is None else pipeline.predict_proba(TEXTS)
        answers = {
            "model2vec": importlib.metadata.version("model2vec"),
            "numpy": np.__version__,
            "texts": TEXTS,
            "dtype": numbers.dtype.name,
            "numbers": numbers.tolist(),  # JSON keeps each float32 exactly
        }
        if pipeline.classes_ is not None:
            answers["labels"] = [np.asarray(label).tolist() for label in labels]
            truth = answers["labels"][::-1]
            answers["report"] = pipeline.evaluate(TEXTS, truth)
        content = json.dumps(answers, ensure_ascii=False, indent=1)
        (OUT / f"{name}.json").write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
