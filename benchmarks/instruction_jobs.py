"""The process whose instructions instructions.py counts: it does the first N jobs in turn.

    python benchmarks/instruction_jobs.py TEXTS.json N

A job takes as many instructions as it adds to the whole process. This file imports only what the library
imports.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np


def jobs(
    first: list[str],
    unseen: list[str],
    single: list[str],
    first_not_ascii: list[str],
    unseen_not_ascii: list[str],
) -> Iterator[str]:
    """Do one job after the other, and yield the name of each when it is done."""
    assert np.float32(1) == 1
    yield "start of Python and numpy"
    from m2v_lite import StaticModel

    model = StaticModel.from_pretrained(quantize_to="float32")
    yield "import and load"
    assert np.isfinite(model.encode(first)).all()
    yield "batch, first pass"
    assert np.isfinite(model.encode(unseen)).all()
    yield "batch, unseen"
    for text in single:
        model.encode(text)
    yield "one text"
    StaticModel.from_pretrained().encode(first)
    yield "int8: load, and batch, first pass"
    model = StaticModel.from_pretrained(quantize_to="float32")
    assert np.isfinite(model.encode(first_not_ascii)).all()
    yield "not ASCII: load, and batch, first pass"
    assert np.isfinite(model.encode(unseen_not_ascii)).all()
    yield "not ASCII: batch, unseen"


if __name__ == "__main__":
    texts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for name in islice(jobs(**texts), int(sys.argv[2])):
        print(name)
