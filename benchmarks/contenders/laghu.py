"""laghu without its Rust core."""

import sys

sys.modules["laghu_rs"] = None

import laghu

PACKAGES = ["laghu", "numpy"]


def load(folder):
    return laghu.load(folder)


def encode(model, texts):
    return model.encode(texts)
