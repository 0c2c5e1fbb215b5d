"""Compare install size, start-up, memory and speed with the peers, in one table. This needs Linux.

    make side-by-side MODEL=FOLDER

FOLDER holds minishlab/potion-base-8M in float32. Start-up and memory are measured as in footprint.py, and
speed as in compare.py, on one core. sentence-transformers has an environment of its own; m2v_lite and all
others have that of the peers for start-up and memory.

For the install size, pip installs each contender in a fresh environment, with all that it needs. All files
that this adds count, also compiled modules. The versions are those of the other measurements.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from compare import chosen, processor, say_far, table as speed_table, take_turns
from corpora import corpora
from footprint import BASELINE, FIRST_TEXTS, Contender, measure
from ratios import median_ratio, rounded_down
from results_folder import HERE, add_out_option, write_results

sys.path[:0] = [str(HERE.parent / "tests")]

from catalogs import sentences_by_language

OURS, ADAPTER_WITH_TORCH = "m2v_lite", "sentence_transformers"
# What a user installs for each contender, and what the table calls it.
PACKAGES = {
    OURS: ["m2v-lite"],
    "model2vec": ["model2vec"],
    "laghu": ["laghu"],
    "laghu_rs": ["laghu", "laghu-rs"],
    "fastembed": ["fastembed"],
    ADAPTER_WITH_TORCH: ["sentence-transformers", "torch"],
}
LABELS = {"laghu_rs": "laghu with laghu-rs", ADAPTER_WITH_TORCH: "sentence-transformers"}
PLAIN = "plain ASCII"
CORPORA = ["short ASCII", "mixed scripts"]
START, PRIVATE = "start to first vector, ms", "private, MB"
SPEEDS = {
    "speed: the first batch of short texts": ("short ASCII", "first"),
    "speed: later batches": ("short ASCII", "unseen"),
    "speed: later batches, many scripts": ("mixed scripts", "unseen"),
    "speed: one new text at a time": ("short ASCII", "one"),
    "speed: one new text at a time, many scripts": ("mixed scripts", "one"),
    "speed: one text at a time, words seen before": ("short ASCII", "one again"),
}
INSTALL_SECONDS = 1800  # many times what pip takes


def files_in(folder: Path) -> dict[str, int]:
    """Return the bytes of each file of an environment. Symbolic links do not count; lib64 is one to lib."""
    return {
        str(path): path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.relative_to(folder).parts[0] != "lib64"
    }


def installed(requirements: list[str], folder: Path) -> dict[str, float]:
    """Install packages in a fresh environment, and return the MB that this adds and the number of packages.

    Args:
        requirements: what pip is told to install.
        folder: where to make the environment.
    """
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=INSTALL_SECONDS
    )
    before = files_in(folder)
    pip = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--quiet"]
    pip += ["--disable-pip-version-check", *requirements]
    subprocess.run(pip, check=True, timeout=INSTALL_SECONDS)
    added = {path: size for path, size in files_in(folder).items() if path not in before}
    packages = {Path(path).parent for path in added if path.endswith(".dist-info/METADATA")}
    return {"MB": sum(added.values()) / 1e6, "packages": len(packages)}


def install_sizes(versions: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return what `installed` returns for each contender, with the versions that are measured."""
    sizes = {}
    for name, of in versions.items():
        requirements = [f"{package}=={of['versions'][package]}" for package in PACKAGES[name]]
        with tempfile.TemporaryDirectory() as temporary:
            ours = [str(HERE.parent)]
            sizes[name] = installed(ours if name == OURS else requirements, Path(temporary) / "environment")
    return sizes


def table(result: dict[str, Any]) -> str:
    """Return the table of the README. Ratios are rounded down, as elsewhere."""
    names = list(result["install"])

    def medians(figure: str, unit: str) -> list[str]:
        return [f"{statistics.median(result['start'][figure][name]):.1f} {unit}" for name in names]

    rows = [
        ["", *(LABELS.get(name, name) for name in names)],
        ["install size, with all it needs", *(f"{result['install'][name]['MB']:,.0f} MB" for name in names)],
        ["packages", *(str(result["install"][name]["packages"]) for name in names)],
        ["from start to first vector", *medians(START, "ms")],
        ["private memory after that", *medians(PRIVATE, "MB")],
    ]
    for label, (corpus, part) in SPEEDS.items():
        by_name = result["seconds"][corpus][part]
        compared = (median_ratio(by_name, name, OURS) for name in names if name != OURS)
        rows.append([label, "", *(f"{rounded_down(ratio)} x" for ratio in compared)])
    lines = ["| " + " | ".join(row) + " |\n" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]) + "\n")
    return "".join(lines).replace("|  |", "| |")


def report_of(result: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    packages = {key: value for of in result["versions"].values() for key, value in of["versions"].items()}
    alone = {figure: statistics.median(result["start"][figure][BASELINE]) for figure in (START, PRIVATE)}
    peers = [name for name in result["install"] if name != OURS]
    torch = (
        " torch is the build for CPUs alone; the one with CUDA is larger."
        if "+cpu" in packages.get("torch", "")
        else ""
    )
    return (
        f"One core of {result['processor']}, Python {result['Python']}; potion-base-8M in float32; "
        f"{result['rounds of start-up']} fresh processes each and {result['rounds of speed']} rounds of "
        f"speed, taking turns, with a warm file cache.\n\n{table(result)}\n"
        f"numpy alone takes {alone[START]:.1f} ms and {alone[PRIVATE]:.1f} MB.\n\n"
        "- The install size is that of all files that pip adds to a fresh environment. m2v_lite's has a "
        f"model, the others' have none.{torch}\n"
        "- For start-up and memory, every first vector was model2vec's: bit for bit from m2v_lite, and to a "
        "millionth from the others. At an earlier start, m2v_lite had prepared the tokenizer and kept it. A "
        "MB of memory has 2^20 bytes.\n"
        "- Speed says how many times as fast m2v_lite is, by processor time: the median, rounded down.\n\n"
        f"{', '.join(f'{package} {version}' for package, version in packages.items())}.\n\n"
        f"{speed_table(result['seconds'], peers)}\n{say_far(result['other vectors'], result['texts'])}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path, help="the folder of potion-base-8M in float32")
    parser.add_argument("--peers-python", required=True, help="the Python of the environment of `make peers`")
    parser.add_argument(
        "--sentence-transformers-python", required=True, help="the Python of .venv-sentence-transformers"
    )
    parser.add_argument("--texts", type=Path, required=True, help="the environment with the translations")
    parser.add_argument("--rounds", type=int, default=21, metavar="N", help="start each N times")
    parser.add_argument("--speed-rounds", type=int, default=7, metavar="N", help="measure speed N times")
    add_out_option(parser)
    options = parser.parse_args()
    if not options.model.is_dir():
        parser.error(
            f"{str(options.model)!r} is no folder; give that of the model: make side-by-side MODEL=FOLDER"
        )
    compileall.compile_dir(HERE.parent / "m2v_lite", quiet=1)  # as pip does when it installs
    model = options.model.absolute()
    pythons = dict.fromkeys(PACKAGES, options.peers_python)
    pythons[ADAPTER_WITH_TORCH] = options.sentence_transformers_python
    contenders = {BASELINE: Contender("numpy_alone", model, options.peers_python)}
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})  # the processes inherit this
    try:
        with tempfile.TemporaryDirectory() as assets:
            contenders |= {name: Contender(name, model, python, assets) for name, python in pythons.items()}
            start = measure(contenders, {PLAIN: FIRST_TEXTS[PLAIN]}, options.rounds, options.rounds)[PLAIN]
    finally:
        os.sched_setaffinity(0, cores)
    texts = chosen(corpora(sentences_by_language(options.texts)), CORPORA)
    versions, seconds, far = take_turns(
        {**pythons, OURS: sys.executable},
        dict.fromkeys(pythons, str(model)),
        texts,
        {max(cores)},
        options.speed_rounds,
    )
    if missing := [name for name in PACKAGES if name not in versions]:
        raise SystemExit(f"cannot encode with this model: {', '.join(missing)}")
    result = {
        "processor": processor(),
        "Python": platform.python_version(),
        "rounds of start-up": options.rounds,
        "rounds of speed": options.speed_rounds,
        "versions": versions,
        "texts": {name: [len(part) for part in parts] for name, parts in texts.items()},
        "install": install_sizes(versions),
        "start": start,
        "other vectors": far,
        "seconds": seconds,
    }
    report = report_of(result)
    print(report)
    write_results(options.out, "side-by-side", result, report)


if __name__ == "__main__":
    main()
