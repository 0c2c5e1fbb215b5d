"""How large packages are with all that they need, and their versions, in the environment that runs this.

    python benchmarks/installed_size.py PACKAGE ...

It adds up the files that pip installed, also the compiled modules, and prints JSON.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import sys
from pathlib import Path

from packaging.requirements import Requirement


def with_needs(names: list[str]) -> dict[str, importlib.metadata.Distribution]:
    """Return the packages and, again and again, what these need, by name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [Requirement(name) for name in names]
    seen = set()
    while waiting:
        needed = waiting.pop()
        key = (needed.name.lower().replace("_", "-"), *sorted(needed.extras))
        if key in seen:
            continue
        seen.add(key)
        distribution = found.setdefault(key[0], importlib.metadata.distribution(needed.name))
        for line in distribution.requires or []:
            requirement = Requirement(line)
            extras = ("", *needed.extras)
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(requirement)
    return found


def size_of(distribution: importlib.metadata.Distribution) -> int:
    """Return the bytes of a package. One that is installed as editable has its files elsewhere."""
    paths = {Path(str(distribution.locate_file(file))).resolve() for file in distribution.files or []}
    module = importlib.util.find_spec(distribution.name.replace("-", "_"))
    if module and module.submodule_search_locations and not any(path.suffix == ".py" for path in paths):
        compiled = f".{sys.implementation.cache_tag}.pyc"
        folder = Path(module.submodule_search_locations[0])
        paths.update(path for path in folder.rglob("*") if path.suffix != ".pyc" or compiled in path.name)
    return sum(path.stat().st_size for path in paths if path.is_file())


def main() -> None:
    names = sys.argv[1:]
    found = with_needs(names)
    print(
        json.dumps(
            {
                "MB": sum(map(size_of, found.values())) / 1e6,
                "own MB": sum(size_of(importlib.metadata.distribution(name)) for name in names) / 1e6,
                "packages": len(found),
                "versions": {name: importlib.metadata.version(name) for name in names},
            }
        )
    )


if __name__ == "__main__":
    main()
