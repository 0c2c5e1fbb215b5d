"""The process that search_side_by_side.py measures: it builds an index, or opens one and answers queries.

    python benchmarks/search_process.py build ADAPTER.py MODE FOLDER MODEL TEXTS.json
    python benchmarks/search_process.py answer ADAPTER.py MODE FOLDER MODEL QUERIES NUMBER

QUERIES is a file with a query a line, of which it answers the first NUMBER. Until it has done so, it imports
only what the adapter imports. It prints the monotonic clock in nanoseconds at the first answer, the processor
time of each of the others in milliseconds, its own memory in kB, and for each query the numbers of the texts
that were found, with their checksums. It needs Linux.
"""

from __future__ import annotations

import sys
import time
from typing import Any
from zlib import crc32

from first_vector import own_memory, run_adapter

LIMIT = 10


def answer(adapter: dict[str, Any], mode: str, folder: str, model: str, queries: list[str]) -> dict[str, Any]:
    """Open an index and answer queries one by one."""
    found, milliseconds, first = [], [], 0
    index = adapter["load"](folder, model, mode)
    for query in queries:
        start = time.process_time_ns()
        hits = adapter["search"](index, query, LIMIT, mode)
        milliseconds.append((time.process_time_ns() - start) / 1e6)
        first = first or time.monotonic_ns()
        found.append([(number, crc32(text.encode())) for number, text in hits])
    memory = own_memory()
    return {"first": first, "milliseconds": milliseconds[1:], "memory": memory, "found": found}


def main() -> None:
    task, path, mode, folder, model, source, *number = sys.argv[1:]
    adapter = run_adapter(path)
    if task == "answer":
        with open(source, encoding="utf-8") as file:  # noqa: PTH123  # pathlib adds to the measured memory
            queries = file.read().split("\n")[: int(number[0])]
        result = answer(adapter, mode, folder, model, queries)
    else:
        import json

        with open(source, encoding="utf-8") as file:  # noqa: PTH123
            texts = json.load(file)
        start = time.perf_counter()
        adapter["build"](folder, model, texts, mode)
        result = {"seconds": time.perf_counter() - start}

    import json

    print(f"\n{json.dumps(result)}")


if __name__ == "__main__":
    main()
