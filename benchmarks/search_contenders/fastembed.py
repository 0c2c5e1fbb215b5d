"""fastembed's vectors in a numpy array, all of which are multiplied by that of the query."""

import json
from pathlib import Path

import numpy as np
from fastembed import TextEmbedding


def encoder(model):
    return TextEmbedding("minishlab/potion-base-8M", specific_model_path=model, mmap=True)


def build(folder, model, texts, mode):
    vectors = np.array(list(encoder(model).embed(texts, batch_size=1024)), np.float32)
    np.save(f"{folder}/vectors.npy", vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    Path(folder, "texts.json").write_text(json.dumps(texts), encoding="utf-8")


def load(folder, model, mode):
    texts = json.loads(Path(folder, "texts.json").read_text(encoding="utf-8"))
    return encoder(model), np.load(f"{folder}/vectors.npy"), texts


def search(loaded, query, limit, mode):
    model, vectors, texts = loaded
    scores = vectors @ next(iter(model.embed(query)))
    best = np.argpartition(-scores, limit)[:limit]
    return [(int(number), texts[number]) for number in best[np.argsort(-scores[best])]]
