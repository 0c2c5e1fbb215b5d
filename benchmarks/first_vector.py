"""The process that footprint.py measures: it loads a model, encodes one text, and prints its time and memory.

    python benchmarks/first_vector.py ADAPTER.py MODEL TEXT

Until it has the vector, it imports only what the adapter imports. It prints the monotonic clock in
nanoseconds, its own memory in kB, and the vector. It needs Linux.
"""

from __future__ import annotations

import sys
import time
from typing import Any


def run_adapter(path: str) -> dict[str, Any]:
    """Run a file of contenders/ and return the names that it defines.

    An adapter has the name of the package that it adapts, so importing it by name would find the package.
    importlib and pathlib would add to the measured memory.
    """
    names: dict[str, Any] = {}
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  # pathlib adds to the measured memory
        exec(compile(file.read(), path, "exec"), names)
    return names


def own_memory() -> dict[str, int]:
    """Return how much memory this process has, in kB."""
    figures = {}
    for place in ("/proc/self/smaps_rollup", "/proc/self/status"):
        with open(place, encoding="ascii", errors="replace") as file:  # noqa: PTH123  # as above
            for line in file:
                name, _, value = line.partition(":")
                if name in ("Private_Dirty", "VmHWM", "VmRSS"):
                    figures[name] = int(value.split()[0])
    return figures


def main() -> None:
    path, folder, text = sys.argv[1:]
    adapter = run_adapter(path)
    model = adapter["load"](folder)  # the variable keeps the model until memory is read
    vector = adapter["encode"](model, text)
    now, memory = time.monotonic_ns(), own_memory()

    import json

    numbers = None if vector is None else [float(number) for number in vector]
    print(json.dumps({"now": now, "memory": memory, "vector": numbers}))


if __name__ == "__main__":
    main()
