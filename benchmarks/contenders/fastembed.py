"""fastembed's static backend, which maps the table."""

import numpy as np
from fastembed import TextEmbedding

PACKAGES = ["fastembed", "tokenizers", "numpy"]


def load(folder):
    return TextEmbedding("minishlab/potion-base-8M", specific_model_path=folder, mmap=True)


def encode(model, texts):
    if isinstance(texts, str):
        return next(iter(model.embed(texts)))
    return np.array(list(model.embed(texts, batch_size=1024)))
