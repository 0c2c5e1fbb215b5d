"""The benchmark of engines: a short run, with two engines that start at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from time_limit import LONGEST

ROOT = Path(__file__).parents[2]


def test_a_short_run(tmp_path: Path) -> None:
    options = ["--texts", "3000", "--rounds", "1", "--engines", "daft", "duckdb", "--nodes"]
    options += ["--folder", str(tmp_path), "--out", str(tmp_path / "results")]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "engines.py"), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "results" / "engines.json").read_text())
    assert result["texts"] == 3000
    assert [(run["kind"], run["engine"]) for run in result["runs"]] == [
        (kind, engine) for kind in ("vectors", "files") for engine in ("plain", "daft", "duckdb")
    ]
    assert all(run["done"]["cpu"] > 0 for run in result["runs"])
    report = (tmp_path / "results" / "engines.md").read_text()
    assert report.count("\n| Daft, native |") == 2
    assert not (tmp_path / "engine-work").exists()
