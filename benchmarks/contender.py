"""One contender in its own process: it answers the requests of compare.py, one JSON line each.

    python benchmarks/contender.py NAME MODEL_FOLDER FOLDER CLOCK

FOLDER holds the texts and model2vec's vectors of each corpus. CLOCK is the function of `time` that measures.

Each answer comes from a fork of this process, which has imported the packages and done nothing else. So a
first pass includes what a package reads or builds once in a process, and not before it is needed.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from first_vector import run_adapter
from numpy.typing import NDArray

TOGETHER = 20  # texts one at a time between two looks at the clock, which itself takes time


def main() -> None:
    name, _, _, clock_name = sys.argv[1:]
    adapter = run_adapter(str(Path(__file__).parent / "contenders" / f"{name}.py"))
    load, encode, clock = adapter["load"], adapter["encode"], getattr(time, clock_name)
    versions = {package: importlib.metadata.version(package) for package in adapter["PACKAGES"]}
    print(json.dumps({"versions": versions, "python": sys.version.split()[0]}), flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            print(json.dumps(answer(json.loads(line), load, encode, clock)), flush=True)
            if name == "fastembed":
                os._exit(0)  # onnxruntime would wait for its threads, which a fork does not have
            break
        if os.waitpid(pid, 0)[1]:
            sys.exit(f"{name} could not answer {line}")


def answer(
    request: dict[str, Any], load: Callable[..., Any], encode: Callable[..., Any], clock: Callable[[], float]
) -> dict[str, Any]:
    """Load a model and measure what is asked for."""
    model_folder, texts_folder = sys.argv[2:4]
    corpus = Path(texts_folder) / request["corpus"]
    first, unseen = json.loads((corpus / "texts.json").read_text(encoding="utf-8"))
    parts = {
        "first": first,
        "unseen": unseen,
        "repeats": first,
        "one": unseen[:1000],
        "one again": unseen[:1000],
    }
    model = load(model_folder)
    gc.collect()  # also copies memory that is still shared with the parent
    seconds: dict[str, float] = {}
    vectors: dict[str, Any] = {}
    for part in request["parts"]:
        if part.startswith("one"):
            for text in first[:200]:
                encode(model, text)
            seconds[part], vectors[part] = one_at_a_time(encode, model, parts[part], clock)
        else:
            start = clock()
            vectors[part] = encode(model, parts[part])
            seconds[part] = clock() - start
    differences = {}
    for part, found in vectors.items():  # after all measurements, as this uses the processor's cache
        if request["save"]:
            np.save(corpus / f"{part}.npy", found)
        differences[part] = difference(np.asarray(found), np.load(corpus / f"{part}.npy", mmap_mode="r"))
    return {"seconds": seconds, "differences": differences}


def one_at_a_time(
    encode: Callable[..., Any], model: Any, texts: list[str], clock: Callable[[], float]
) -> tuple[float, NDArray[Any]]:
    """Return the median seconds of a text, and the vectors of all."""
    seconds: list[float] = []
    vectors: list[Any] = []
    for at in range(0, len(texts), TOGETHER):
        some = texts[at : at + TOGETHER]
        start = clock()
        encoded = [encode(model, text) for text in some]
        seconds.append((clock() - start) / len(some))
        vectors += encoded
    return statistics.median(seconds), np.array(vectors)


def difference(found: NDArray[Any], right: NDArray[Any]) -> dict[str, Any]:
    """Return how many vectors there are, have another bit, and are far off, and the largest difference."""
    assert found.shape == right.shape, (found.shape, right.shape)
    apart = np.abs(found - right).max(axis=1)
    return {
        "of": len(right),
        "other": int((found != right).any(axis=1).sum()),
        "far": int((~(apart < 1e-4)).sum()),  # a NaN is far, too
        "largest": float(apart.max()),
    }


if __name__ == "__main__":  # spawned worker processes import this file
    main()
