"""What footprint.py measures: a process that loads a model, encodes one text and says when and at what cost.

    python benchmarks/first_vector.py ADAPTER.py MODEL TEXT

Nothing is imported before the vector is there but what the adapter imports; Linux only. It prints the
monotonic clock in nanoseconds, its own memory in kB and the vector.
"""

from __future__ import annotations

import sys
import time
from typing import Any


def run_adapter(path: str) -> dict[str, Any]:
    """Run one of contenders/*.py, and return its names.

    By its path, as an adapter has the name of the package that it adapts; and without importlib or pathlib,
    which would be measured with it.
    """
    names: dict[str, Any] = {}
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  # pathlib would be measured, too
        exec(compile(file.read(), path, "exec"), names)
    return names


def own_memory() -> dict[str, int]:
    """Return the figures of memory of this process, in kB."""
    figures = {}
    for place in ("/proc/self/smaps_rollup", "/proc/self/status"):
        with open(place, encoding="ascii", errors="replace") as file:  # noqa: PTH123  # pathlib would be measured, too
            for line in file:
                name, _, value = line.partition(":")
                if name in ("Private_Dirty", "VmHWM", "VmRSS"):
                    figures[name] = int(value.split()[0])
    return figures


def main() -> None:
    path, folder, text = sys.argv[1:]
    adapter = run_adapter(path)
    model = adapter["load"](folder)  # in a variable, so that it is still there when memory is read
    vector = adapter["encode"](model, text)
    now, memory = time.monotonic_ns(), own_memory()

    import json

    numbers = None if vector is None else [float(number) for number in vector]
    print(json.dumps({"now": now, "memory": memory, "vector": numbers}))


if __name__ == "__main__":
    main()
