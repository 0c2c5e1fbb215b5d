"""Compare speed with the peers. Each contender has its own process; they take turns.

    make compare MODEL=FOLDER
    make compare MODEL=FOLDER COMPARE_OPTIONS="--cores 2 --short-texts 200000"
    make compare-multilingual

FOLDER holds a model: for the committed results minishlab/potion-base-8M in float32. The second command
compares on two cores and also runs m2v_lite with worker processes. The third is for a large multilingual
model, see multilingual_model.py; m2v_lite has it packed. corpora.py tells what the texts are; those that are
not English are translations, which catalogs.py reads.

In a *first pass*, a freshly loaded model encodes its first texts, in a process that has encoded nothing
before. So what is read or built only then takes its time there. Then it encodes *unseen* texts, other texts
of the same kind; for *repeats*, it encodes the first texts again. For *one text*, a model encodes text by
text, after 200 others: new texts, and then the same texts again, so that it has seen all words. The script
takes the processor time on one core, and the time that passes on more. The table shows ratios within one
round: their median over all rounds, and their range. Ratios carry over to other machines; absolute times do
not.

Every measurement compares the vectors with model2vec's, and m2v_lite must give them bit for bit. The report
says how many vectors of each peer are off by more than 1e-4, and which peers cannot encode with the model.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from corpora import Corpus, corpora, many_short_texts
from ratios import ratios
from results_folder import HERE, add_model_options, add_out_option, write_results

sys.path[:0] = [str(HERE.parent / "tests")]

from catalogs import sentences_by_language

from m2v_lite import StaticModel

PEERS = ["model2vec", "laghu_rs", "laghu", "fastembed", "static_embed_runner"]
OURS = "m2v_lite"
WITH_WORKERS = "m2v_lite_workers"
# What is measured besides the first pass and the unseen texts.
REPEATED = ["short ASCII", "mixed scripts"]
ONE_BY_ONE = ["short ASCII", "terse ASCII", "mixed scripts"]

ENDING_SECONDS = 60  # many times what a process takes that has closed its output

# The seconds of each round, by corpus, measure and contender.
Seconds = dict[str, dict[str, dict[str, list[float]]]]
# How many vectors of the first and the unseen texts are far from model2vec's, by contender and corpus.
Far = dict[str, dict[str, int]]


class ContenderEndedError(Exception):
    """A contender ended before its answer."""


class Contender:
    """A process that runs contender.py."""

    def __init__(self, name: str, python: str, model: str, folder: Path, cores: set[int]) -> None:
        self.name = name
        # On more cores, the processor time would add up that of all threads, and miss that of processes.
        clock = "process_time" if len(cores) == 1 else "perf_counter"
        command = [python, str(HERE / "contender.py"), name, model, str(folder), clock]
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
        self.versions: dict[str, Any] = {}

    def started(self) -> None:
        """Wait until it has imported its packages."""
        self.versions = self._answer()

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # then there is no answer either
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ContenderEndedError(f"{self.name} died with status {self._process.wait(ENDING_SECONDS)}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def parts_of(corpus: str) -> list[list[str]]:
    """Return what is measured; each list is for one freshly loaded model."""
    batches = ["first", "unseen", *(["repeats"] if corpus in REPEATED else [])]
    return [batches, ["one", "one again"]] if corpus in ONE_BY_ONE else [batches]


def check(name: str, corpus: str, differences: dict[str, dict[str, Any]]) -> None:
    """Check that m2v_lite gave model2vec's vectors, bit for bit, and that model2vec repeats its own, to 1e-4.

    Raises:
        SystemExit: it gave others.
    """
    for part, difference in differences.items():
        wrong = difference["other"] if name.startswith(OURS) else difference["far"]
        if wrong and name in (OURS, WITH_WORKERS, "model2vec"):
            raise SystemExit(f"{name}: other vectors than model2vec's: {corpus}, {part}: {difference}")


def usable(contenders: dict[str, Contender], folder: Path) -> dict[str, Contender]:
    """Return the contenders without the peers that cannot load the model and encode a text.

    Raises:
        SystemExit: m2v_lite or model2vec cannot do it.
    """
    (folder / "trial").mkdir()
    (folder / "trial" / "texts.json").write_text('[["a text"], ["another"]]', encoding="utf-8")
    found = {}
    for name, contender in contenders.items():
        try:
            contender.ask(corpus="trial", parts=["first"], save=True)
        except ContenderEndedError as error:
            if name in (OURS, WITH_WORKERS, "model2vec"):
                raise SystemExit(str(error)) from None
            print(f"without {name}, which cannot encode with this model", file=sys.stderr)
        else:
            found[name] = contender
    return found


def measure(contenders: dict[str, Contender], corpora: list[str], rounds: int) -> tuple[Seconds, Far]:
    """Return the seconds of each round, and how many vectors of each peer are not model2vec's."""
    seconds: Seconds = {}
    far: Far = {}
    for corpus in corpora:
        for parts in parts_of(corpus):
            contenders["model2vec"].ask(corpus=corpus, parts=parts, save=True)
    names = list(contenders)
    for number in range(rounds):
        order = names[number % len(names) :] + names[: number % len(names)]
        for corpus in corpora:
            for parts in parts_of(corpus):
                for name in order:
                    answer = contenders[name].ask(corpus=corpus, parts=parts, save=False)
                    check(name, corpus, answer["differences"])
                    if "first" in parts:
                        both = (answer["differences"][part]["far"] for part in ("first", "unseen"))
                        far.setdefault(name, {})[corpus] = sum(both)
                    by_part = seconds.setdefault(corpus, {})
                    for part, value in answer["seconds"].items():
                        by_part.setdefault(part, {}).setdefault(name, []).append(value)
        print(f"  round {number + 1} of {rounds}", file=sys.stderr)
    return seconds, far


def take_turns(
    pythons: dict[str, str], models: dict[str, str], texts: dict[str, Corpus], cores: set[int], rounds: int
) -> tuple[dict[str, Any], Seconds, Far]:
    """Start all contenders, and measure those that can encode with the model.

    Args:
        pythons: the Python of each contender's environment, by name.
        models: the model that each loads.
        texts: the corpora.
        cores: where they run.
        rounds: how often each is measured.

    Returns:
        The versions of each contender's packages, and what `measure` returns.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for corpus, both in texts.items():
            (folder / corpus).mkdir()
            (folder / corpus / "texts.json").write_text(json.dumps(both), encoding="utf-8")
        started = {
            name: Contender(name, python, models[name], folder, cores) for name, python in pythons.items()
        }
        for contender in started.values():
            contender.started()
        contenders = usable(started, folder)
        seconds, far = measure(contenders, list(texts), rounds)
    return {name: contender.versions for name, contender in contenders.items()}, seconds, far


def say_far(far: Far, texts: dict[str, list[int]]) -> str:
    """Return lines that say for how many texts a peer gives other vectors than model2vec."""
    lines = []
    for name, counts in far.items():
        said = [f"{corpus} {count:,} of {sum(texts[corpus]):,}" for corpus, count in counts.items() if count]
        if said:
            lines.append(f"{name} gives other vectors than model2vec: {'; '.join(said)}.\n")
    return "\n".join(lines)


def say_missing(names: list[str]) -> str:
    return f"\nNot measured, as they cannot encode with this model: {', '.join(names)}.\n" if names else ""


def table(seconds: Seconds, peers: list[str]) -> str:
    """Return a table of how many times as fast as each peer m2v_lite is: median and range."""
    lines = [
        "| texts | | " + " | ".join(f"x {peer}" for peer in peers) + " |",
        "|---|---|" + "---|" * len(peers),
    ]
    labels = {
        "first": "batch, first pass",
        "unseen": "batch, unseen",
        "repeats": "batch, repeats",
        "one": "one text, new",
        "one again": "one text, words seen",
    }
    for corpus, measures in seconds.items():
        for measured, by_name in measures.items():
            for name, suffix in ((OURS, ""), (WITH_WORKERS, ", workers")):
                if name not in by_name:
                    continue
                cells = []
                for peer in peers:
                    faster = ratios(by_name, peer, name)
                    cells.append(f"**{statistics.median(faster):.2f}** ({min(faster):.2f}-{max(faster):.2f})")
                lines.append(f"| {corpus} | {labels[measured]}{suffix} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def chosen(kinds: dict[str, Callable[[], Corpus]], names: list[str] | None) -> dict[str, Corpus]:
    """Make the corpora with these names, or all.

    Raises:
        SystemExit: there is no such corpus.
    """
    unknown = sorted(set(names or []) - set(kinds))
    if unknown:
        raise SystemExit(f"no such kind of texts: {', '.join(unknown)}; there are: {', '.join(kinds)}")
    return {name: make() for name, make in kinds.items() if names is None or name in names}


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="the folder of a model; the committed results are for potion-base-8M")
    parser.add_argument("--peers-python", required=True, help="the Python of the environment of `make peers`")
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--cores", type=int, default=1, metavar="N", help="use N cores (default: 1)")
    parser.add_argument(
        "--short-texts",
        type=int,
        metavar="N",
        help="compare on N short texts only, and also run m2v_lite with one worker per core",
    )
    parser.add_argument("--texts", type=Path, metavar="FOLDER", help="the environment with the translations")
    parser.add_argument("--limit", type=int, metavar="N", help="use only N texts of each kind, and N others")
    parser.add_argument("--only", nargs="+", metavar="KIND", help="compare only on these kinds of texts")
    parser.add_argument(
        "--peers",
        nargs="+",
        choices=PEERS,
        default=PEERS,
        metavar="PEER",
        help=f"compare only with these of {', '.join(PEERS)}; model2vec must be one of them",
    )
    parser.add_argument("--packed", action="store_true", help="let m2v_lite load the packed model")
    add_model_options(parser)
    add_out_option(parser)
    options = parser.parse_args()
    if not Path(options.model).is_dir():
        parser.error(f"{options.model!r} is no folder; give that of the model: make compare MODEL=FOLDER")
    if "model2vec" not in options.peers:
        parser.error("--peers: model2vec must be one of them, because all vectors are compared with its")
    cores = set(sorted(os.sched_getaffinity(0))[: options.cores])
    languages: dict[str, list[str]] = {}
    if options.short_texts is not None:
        all_texts = many_short_texts(options.short_texts)
    elif options.texts is None:
        parser.error("--texts is missing: which folder holds the translations?")
    else:
        languages = sentences_by_language(options.texts)
        all_texts = chosen(corpora(languages, options.limit), options.only)
    # As pip does when it installs. Else a first pass would compile modules.
    compileall.compile_dir(HERE.parent / "m2v_lite", quiet=1)
    names = [OURS, *([] if options.short_texts is None else [WITH_WORKERS]), *options.peers]
    with tempfile.TemporaryDirectory() as temporary:
        ours = options.model
        if options.packed:
            ours = str(Path(temporary) / "packed.safetensors")
            StaticModel.from_pretrained(options.model).save_packed(ours)
        own = {name: name.startswith(OURS) for name in names}
        pythons = {name: sys.executable if own[name] else options.peers_python for name in names}
        models = {name: ours if own[name] else options.model for name in names}
        versions, seconds, far = take_turns(pythons, models, all_texts, cores, options.rounds)
    numbers = {name: [len(part) for part in parts] for name, parts in all_texts.items()}
    result = {
        "cores": options.cores,
        "processor": processor(),
        "rounds": options.rounds,
        "model": options.about,
        "versions": versions,
        "texts": numbers,
        "languages": {language: len(sentences) for language, sentences in languages.items()},
        "other vectors": far,
        "cannot encode": [name for name in names if name not in versions],
        "seconds": seconds,
    }
    name = f"speed-{options.cores}-core{'s' * (options.cores > 1)}"
    if options.short_texts is not None:
        name += f"-{options.short_texts}-texts"
    if options.name is not None:
        name += f"-{options.name}"
    time_taken = "processor time" if options.cores == 1 else "elapsed time"
    report = (
        f"{options.cores} core(s) of {processor()}; {options.about}; {options.rounds} rounds; "
        f"times faster by {time_taken}: median (range)\n\n"
        f"{table(seconds, [name for name in options.peers if name in versions])}\n"
        f"{say_far(far, numbers)}{say_missing(result['cannot encode'])}"
    )
    print(report)
    write_results(options.out, name, result, report)


if __name__ == "__main__":
    main()
