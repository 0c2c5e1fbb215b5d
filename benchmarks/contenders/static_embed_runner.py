"""static-embed-runner, which also needs numpy alone."""

import numpy as np
from static_embed_runner import StaticEmbedRunner

PACKAGES = ["static-embed-runner", "numpy"]
# It makes a matrix of all texts by all their different tokens, gigabytes for thousands of texts. This number
# is as fast as any.
BATCH = 64


def load(folder):
    return StaticEmbedRunner.load(folder, tokenizer_backend="lite")


def encode(model, texts):
    if isinstance(texts, str) or len(texts) <= BATCH:
        return model.encode(texts)
    return np.concatenate([model.encode(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)])
