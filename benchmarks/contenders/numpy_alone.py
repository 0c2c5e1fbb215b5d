"""numpy and nothing else: every contender takes at least this much."""

import numpy  # noqa: F401  # the benchmark measures this import

PACKAGES = ["numpy"]


def load(folder):
    return None


def encode(model, texts):
    return None
