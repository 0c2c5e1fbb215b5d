"""This project, with one worker process per core."""

import os

from m2v_lite import StaticModel

PACKAGES = ["m2v-lite", "numpy"]


def load(folder):
    return StaticModel.from_pretrained(folder)


def encode(model, texts):
    return model.encode(texts, workers=len(os.sched_getaffinity(0)))
