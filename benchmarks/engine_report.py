"""What the benchmark of engines reports: figures of runs -> tables in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

Run = dict[str, Any]
MICRO = 1e6
PLAIN = "plain"
# What the project wants: so many microseconds a text more than plain encode, at most.
TARGETS = {"daft": 3, "spark": 8, "ray": 12}
HEADS = {
    "vectors": "## Vectors: Parquet in, and each vector handed to the engine",
    "files": "## Files: Parquet in, Parquet with vectors out",
}


def with_base(runs: Sequence[Run]) -> list[Run]:
    """Return runs of one kind, each with the processor time of the last run of plain encode before it.

    Example:
        >>> pairs = [("plain", 5), ("ray", 9), ("plain", 6)]
        >>> runs = [{"engine": name, "done": {"cpu": cpu}} for name, cpu in pairs]
        >>> [run["base"] for run in with_base(runs)]
        [5, 5, 6]
    """
    found = []
    base = None
    for run in runs:
        if run["engine"] == PLAIN:
            base = run["done"]["cpu"]
        found.append({**run, "base": base})
    return found


def more_than_plain(run: Run, texts: int) -> float:
    """Return how many microseconds of processor time a text takes more.

    Example:
        >>> more_than_plain({"done": {"cpu": 30.0}, "base": 20.0}, 2_000_000)
        5.0
    """
    return float((run["done"]["cpu"] - run["base"]) / texts * MICRO)


def start_of_pipeline(run: Run, texts: int, warm_up: int) -> float:
    """Return how many microseconds a text the start of one more pipeline takes, of an engine that runs.

    It is what the second run of the warm-up takes more than its texts take in the long run. The time of
    the long run is that of its texts and one start.

    Example:
        >>> run = {"done": {"cpu": 22.0}, "again": {"cpu": 2.2}}  # a start takes 2 s, and 100,000 texts 1 s
        >>> round(start_of_pipeline(run, 2_000_000, 20_000), 6)
        1.0
    """
    whole, part = float(run["done"]["cpu"]), float(run["again"]["cpu"])
    rate = (whole - part) / (texts - warm_up)
    return max(0.0, (whole - rate * texts) / texts * MICRO)


def median_of(values: Sequence[float], form: str = ".1f") -> str:
    """Return the median, and the range if there are several.

    Example:
        >>> median_of([3.0, 1.0, 2.0]), median_of([2.0])
        ('**2.0** (1.0-3.0)', '**2.0**')
    """
    middle = f"**{statistics.median(values):{form}}**"
    return middle if len(values) == 1 else f"{middle} ({min(values):{form}}-{max(values):{form}})"


def table_of_kind(runs: Sequence[Run], texts: int, warm_up: int) -> list[str]:
    """Return the table of a job."""
    lines = [
        "| engine | processor s for a million texts | µs a text more than plain | the target "
        "| of that, to start the pipeline | wall s | before: processor s | before: wall s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    by_engine: dict[str, list[Run]] = {}
    for run in with_base(runs):
        by_engine.setdefault(run["engine"], []).append(run)
    for name, some in by_engine.items():
        more = [more_than_plain(run, texts) for run in some]
        starts = [start_of_pipeline(run, texts, warm_up) for run in some]
        is_plain = name == PLAIN
        cells = [
            some[0]["title"],
            median_of([run["done"]["cpu"] / texts * MICRO for run in some]),
            "" if is_plain else median_of(more),
            str(TARGETS.get(name, "")),
            f"{statistics.median(starts):.1f}",
            f"{statistics.median(run['done']['wall'] for run in some):.1f}",
            f"{statistics.median(run['warm']['cpu'] for run in some):.1f}",
            f"{statistics.median(run['warm']['wall'] for run in some):.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def table_of_nodes(runs: Sequence[Run], texts: int) -> list[str]:
    """Return the table of one and two nodes."""
    lines = [
        "| engine | nodes | wall s | texts a second | processor s "
        "| the model's table in each process: Rss, MB | Pss, MB | processor s of each, with the start |",
        "|---|---|---|---|---|---|---|---|",
    ]
    by_engine: dict[str, list[Run]] = {}
    for run in runs:
        by_engine.setdefault(run["engine"], []).append(run)
    for name, some in by_engine.items():
        wall = [run["done"]["wall"] for run in some]
        cells = [
            some[0]["title"],
            "2" if "2" in name else "1",
            median_of(wall),
            f"{texts / statistics.median(wall):,.0f}",
            f"{statistics.median(run['done']['cpu'] for run in some):.1f}",
            *(", ".join(f"{one[size]:.1f}" for one in some[-1]["memory"]) for size in ("Rss", "Pss", "cpu")),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def report_of(result: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    texts, runs = result["texts"], result["runs"]
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    lines = [
        f"{result['machine']}, {result['cores']} cores, Python {result['python']}; {versions}; the bundled "
        f"model; {texts:,} texts of {result['characters']:.0f} characters on average; {result['rounds']} "
        f"rounds, of *files* {result['rounds of files']}; median (range)",
        "",
        "Processor time is that of all processes, on all cores; plain encode runs in one process. *before*: "
        f"to start the engine and do the job for {result['warm-up']:,} texts, which no other column has. *to "
        "start the pipeline*: what each job costs beside its texts; see benchmarks/engines.py.",
    ]
    for kind, head in HEADS.items():
        if some := [run for run in runs if run["kind"] == kind]:
            lines += ["", head, "", *table_of_kind(some, texts, result["warm-up"])]
    if some := [run for run in runs if run["kind"] == "nodes"]:
        lines += ["", "## More than one node, as far as one machine can", "", *table_of_nodes(some, texts)]
    settings = {run["title"]: run["setting"] for run in runs if run["kind"] != "nodes"}
    of_nodes = {run["title"]: run["setting"] for run in runs if run["kind"] == "nodes"}
    lines += ["", "## How each was set", ""]
    lines += [f"- {title}: {setting}" for title, setting in settings.items()]
    lines += [f"- {title}, nodes: {setting}" for title, setting in of_nodes.items()]
    return "\n".join([*lines, ""])
