"""Run pytest in a process in which classes of m2v_lite are in the place of those of model2vec.

    model2vec_patched.py CLASSES [OPTION ...]

CLASSES are "StaticModel", or "StaticModel,StaticModelPipeline", or "" to leave model2vec as it is. The
options are pytest's. model2vec itself must be installed: what is not replaced is its own.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

# The modules of model2vec that define what is replaced, and where m2v_lite has it.
STATIC_MODEL = {"model2vec.model": ("m2v_lite.model", ["StaticModel"])}
PIPELINE = {
    "model2vec.inference.model": ("m2v_lite.inference.pipeline", ["StaticModelPipeline"]),
    "model2vec.inference.mlp": ("m2v_lite.inference.mlp", ["Activation", "Layer", "MLPHead"]),
    "model2vec.inference.evaluation": ("m2v_lite.inference.evaluation", ["evaluate_single_or_multi_label"]),
}
NOT_REPLACED = 70  # an exit status that pytest does not have
REPLACED = {"StaticModel": STATIC_MODEL, "StaticModelPipeline": PIPELINE}


def replace(definitions: Mapping[str, tuple[str, Sequence[str]]]) -> list[object]:
    """Put m2v_lite's in the place of model2vec's in every module that has it by now, and return model2vec's.

    What is imported later finds m2v_lite's.
    """
    originals = []
    for theirs, (ours, names) in definitions.items():
        for name in names:
            original = getattr(importlib.import_module(theirs), name)
            replacement = getattr(importlib.import_module(ours), name)
            for module, attribute in holders(original):
                setattr(module, attribute, replacement)
            originals.append(original)
    return originals


def holders(original: object) -> list[tuple[Any, str]]:
    """Return where an object is found in the modules of model2vec and of its tests: modules and names."""
    return [
        (module, name)
        for module in list(sys.modules.values())
        if getattr(module, "__name__", "").partition(".")[0] in ("model2vec", "tests")
        for name, value in list(vars(module).items())
        if value is original
    ]


def main(classes: str, options: Sequence[str]) -> int:
    originals = []
    # In this order: the pipelines of model2vec find m2v_lite's StaticModel when they are imported.
    for name in filter(None, classes.split(",")):
        originals += replace(REPLACED[name])

    import pytest

    status = int(pytest.main(list(options)))
    left = [f"{module.__name__}.{name}" for original in originals for module, name in holders(original)]
    if left:
        print(f"still model2vec's own: {', '.join(left)}")
        return NOT_REPLACED
    return status


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
