"""numpy and nothing else: what every contender costs at least."""

import numpy  # noqa: F401  # the import is what is measured

PACKAGES = ["numpy"]


def load(folder):
    return None


def encode(model, texts):
    return None
