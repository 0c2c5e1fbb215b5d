"""Compare speed with the peers. Each contender has its own process; they take turns.

    make compare MODEL=FOLDER
    make compare MODEL=FOLDER COMPARE_OPTIONS="--cores 2 --short-texts 200000"

FOLDER holds minishlab/potion-base-8M in float32. The second command compares on two cores and also runs
m2v_lite with worker processes. Before it measures, the script checks that all vectors agree.

In a *first pass*, a fresh model encodes texts that it has not seen before. Then it encodes *unseen* texts,
other texts of the same kind. The table shows ratios of speeds within one round: their median over all
rounds, and their range. Ratios carry over to other machines; absolute times do not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from corpora import corpora, many_short_texts
from results_folder import HERE, add_out_option, write_results

PEERS = ["model2vec", "laghu_rs", "laghu", "fastembed"]
OURS = "m2v_lite"
WITH_WORKERS = "m2v_lite_workers"


class Contender:
    """A process that runs contender.py."""

    def __init__(self, name: str, python: str, model: str, texts: Path, cores: set[int]) -> None:
        command = [python, str(HERE / "contender.py"), name, model, str(texts)]
        environment = {**os.environ, "RAYON_NUM_THREADS": str(len(cores)), "HF_HUB_OFFLINE": "1"}
        if name.startswith(OURS):
            environment["PYTHONPATH"] = str(HERE.parent)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        self.versions = self._answer()

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a contender died with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def check(contenders: dict[str, Contender], corpus: str, folder: Path) -> None:
    """Check that all contenders give model2vec's vectors; m2v_lite must give them bit for bit."""
    vectors = {}
    for name, contender in contenders.items():
        path = folder / f"{name}.npy"
        contender.ask(corpus=corpus, what="batch", save=str(path))
        vectors[name] = np.load(path)
    reference = vectors["model2vec"]
    for name in vectors:
        if name.startswith(OURS):
            np.testing.assert_array_equal(vectors[name], reference)
    for name, theirs in vectors.items():
        difference = float(np.abs(theirs - reference).max())
        print(f"  {corpus:<14} {name:<10} largest difference {difference:.1e}")
        assert difference < 1e-4, (name, corpus)


def measure(contenders: dict[str, Contender], names: list[str], rounds: int) -> dict[str, Any]:
    """Return the seconds of each round, by corpus, measure and contender."""
    seconds: dict[str, Any] = {}
    for number in range(rounds):
        for corpus in names:
            whats = ("batch", "one") if corpus in ("prose", "terse") else ("batch",)
            order = (
                list(contenders)[number % len(contenders) :] + list(contenders)[: number % len(contenders)]
            )
            for what in whats:
                for name in order:
                    answer = contenders[name].ask(corpus=corpus, what=what, save=None)
                    for measured, value in answer.items():
                        seconds.setdefault(corpus, {}).setdefault(measured, {}).setdefault(name, []).append(
                            value
                        )
        print(f"  round {number + 1} of {rounds}", file=sys.stderr)
    return seconds


def table(seconds: dict[str, Any], peers: list[str]) -> str:
    """Return a table of how many times as fast as each peer m2v_lite is: median and range."""
    lines = [
        "| texts | | " + " | ".join(f"x {peer}" for peer in peers) + " |",
        "|---|---|" + "---|" * len(peers),
    ]
    labels = {"first": "batch, first pass", "unseen": "batch, unseen", "one": "one text"}
    for corpus, measures in seconds.items():
        for measured, by_name in measures.items():
            for name, suffix in ((OURS, ""), (WITH_WORKERS, ", workers")):
                if name not in by_name:
                    continue
                cells = []
                for peer in peers:
                    ratios = [
                        theirs / ours for theirs, ours in zip(by_name[peer], by_name[name], strict=True)
                    ]
                    cells.append(f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f}-{max(ratios):.2f})")
                lines.append(f"| {corpus} | {labels[measured]}{suffix} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="the folder of potion-base-8M in float32")
    parser.add_argument("--peers-python", required=True, help="the Python of the environment of `make peers`")
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--cores", type=int, default=1, metavar="N", help="use N cores (default: 1)")
    parser.add_argument(
        "--short-texts",
        type=int,
        metavar="N",
        help="compare on N short texts only, and also run m2v_lite with one worker per core",
    )
    parser.add_argument("--limit", type=int, metavar="N", help="use only the first N texts of each kind")
    add_out_option(parser)
    options = parser.parse_args()
    cores = set(sorted(os.sched_getaffinity(0))[: options.cores])
    all_texts = corpora() if options.short_texts is None else many_short_texts(options.short_texts)
    all_texts = {
        name: (first[: options.limit], unseen[: options.limit]) for name, (first, unseen) in all_texts.items()
    }
    names = [OURS, *PEERS] if options.short_texts is None else [OURS, WITH_WORKERS, *PEERS]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "texts.json").write_text(json.dumps(all_texts))
        contenders = {
            name: Contender(
                name,
                sys.executable if name.startswith(OURS) else options.peers_python,
                options.model,
                folder / "texts.json",
                cores,
            )
            for name in names
        }
        for corpus in all_texts:
            check(contenders, corpus, folder)
        seconds = measure(contenders, list(all_texts), options.rounds)
    result = {
        "cores": options.cores,
        "processor": processor(),
        "rounds": options.rounds,
        "versions": {name: contender.versions for name, contender in contenders.items()},
        "texts": {name: [len(part) for part in parts] for name, parts in all_texts.items()},
        "seconds": seconds,
    }
    name = f"speed-{options.cores}-core{'s' * (options.cores > 1)}"
    if options.short_texts is not None:
        name += f"-{options.short_texts}-texts"
    rows = table(seconds, PEERS)
    print(rows)
    heading = (
        f"{options.cores} core(s) of {processor()}; {options.rounds} rounds; times faster: median (range)"
    )
    write_results(options.out, name, result, f"{heading}\n\n{rows}")


if __name__ == "__main__":
    main()
