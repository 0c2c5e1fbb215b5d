"""laghu with its Rust core, laghu-rs."""

import laghu
import laghu_rs  # noqa: F401  # fail here, as laghu would run without it

PACKAGES = ["laghu", "laghu-rs", "numpy"]


def load(folder):
    return laghu.load(folder)


def encode(model, texts):
    return model.encode(texts)
