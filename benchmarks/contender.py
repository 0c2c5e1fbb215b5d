"""One contender in a process of its own: answers requests of compare.py, a JSON line each.

python benchmarks/contender.py NAME MODEL_FOLDER TEXTS.json
"""

import importlib.metadata
import importlib.util
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np


def main():
    name, folder, texts_file = sys.argv[1:]
    # By its path: the adapter has the name of the package it adapts.
    path = Path(__file__).parent / "contenders" / f"{name}.py"
    specification = importlib.util.spec_from_file_location(f"contender_{name}", path)
    adapter = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(adapter)
    corpora = json.loads(Path(texts_file).read_text())
    versions = {package: importlib.metadata.version(package) for package in adapter.PACKAGES}
    print(json.dumps({"versions": versions, "python": sys.version.split()[0]}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        first, unseen = corpora[request["corpus"]]
        model = adapter.load(folder)
        if request["what"] == "one":
            for text in first[:200]:
                adapter.encode(model, text)
            seconds = []
            for text in unseen[:1000]:
                start = time.perf_counter()
                adapter.encode(model, text)
                seconds.append(time.perf_counter() - start)
            answer = {"one": statistics.median(seconds)}
        else:
            answer = {}
            for part, texts in (("first", first), ("unseen", unseen)):
                start = time.perf_counter()
                vectors = adapter.encode(model, texts)
                answer[part] = time.perf_counter() - start
            if request["save"]:
                np.save(request["save"], np.asarray(vectors, np.float32))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":  # worker processes that are spawned import this file
    main()
