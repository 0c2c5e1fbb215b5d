"""Run one job of one engine; benchmarks/engines.py starts this, and measures.

    python -m engine_jobs.run ENGINE KIND SOURCE WARM_UP WORK READ WRITE

At each mark it writes a line of JSON to the pipe WRITE and waits for a line from the pipe READ:

- "warm": the engine has been started, and has done the job for the texts of WARM_UP.
- "again": it has done so once more.
- "done": it has done the job for the texts of SOURCE.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from engine_jobs import Engine, Sums, class_of


def job(engine: Engine, kind: str, source: Path, target: Path) -> Sums | None:
    """Do a job, and return what it tells of the vectors."""
    if kind == "vectors":
        return engine.vectors(source)
    target.mkdir()
    engine.files(source, target)
    return None


def main() -> None:
    name, kind, *paths, read, write = sys.argv[1:]
    source, warm_up, work = map(Path, paths)
    for number in (int(read), int(write)):
        os.set_inheritable(number, False)
    # The files stay open until the process ends.
    answers, marks = os.fdopen(int(read)), os.fdopen(int(write), "w")

    def mark(**told: Any) -> None:
        print(json.dumps(told), file=marks, flush=True)
        answers.readline()

    wanted = class_of(name)
    engine = wanted()
    for number, at in enumerate(("warm", "again")):
        job(engine, kind, warm_up, work / f"warm-up-{number}")
        mark(at=at, title=wanted.title, setting=wanted.setting)
    sums = job(engine, kind, source, work / "out")
    mark(at="done", **({} if sums is None else sums._asdict()))
    engine.close()


if __name__ == "__main__":
    main()
