"""One contender in its own process: it answers the requests of compare.py, one JSON line each.

python benchmarks/contender.py NAME MODEL_FOLDER TEXTS.json
"""

import importlib.metadata
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from first_vector import run_adapter


def main():
    name, folder, texts_file = sys.argv[1:]
    adapter = run_adapter(str(Path(__file__).parent / "contenders" / f"{name}.py"))
    load, encode = adapter["load"], adapter["encode"]
    corpora = json.loads(Path(texts_file).read_text())
    versions = {package: importlib.metadata.version(package) for package in adapter["PACKAGES"]}
    print(json.dumps({"versions": versions, "python": sys.version.split()[0]}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        first, unseen = corpora[request["corpus"]]
        model = load(folder)
        if request["what"] == "one":
            for text in first[:200]:
                encode(model, text)
            seconds = []
            for text in unseen[:1000]:
                start = time.perf_counter()
                encode(model, text)
                seconds.append(time.perf_counter() - start)
            answer = {"one": statistics.median(seconds)}
        else:
            answer = {}
            for part, texts in (("first", first), ("unseen", unseen)):
                start = time.perf_counter()
                vectors = encode(model, texts)
                answer[part] = time.perf_counter() - start
            if request["save"]:
                np.save(request["save"], np.asarray(vectors, np.float32))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":  # spawned worker processes import this file
    main()
