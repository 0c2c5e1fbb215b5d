"""Damage models at random, and see that each is refused with an error of the family, or works.

    make fuzz                       (an hour; FUZZ_OPTIONS="--cases 1000" for a number of cases)

Each case is a tiny model, as a folder or packed, with one to three mutations. It is loaded and used in a
forked child with little memory and time. What counts as right:

- an error of the m2v_lite family; or
- a folder: the vectors that model2vec gives for the same folder, if `--peers-python` names its Python;
- a packed model: any finite vectors, since a changed number is for `info --verify` to find.

Anything else is a failure: another exception, a signal, too much time or memory, or other vectors. The files
of a failure are kept in `--out`. A case depends only on the seed and its number, and `--state` lets a run go
on where it was stopped.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests"), str(HERE.parent)]

from fuzz_cases import numbers, options_of  # noqa: E402
from model_damage import any_of, mutations_of  # noqa: E402
from sample_texts import SAMPLE_TEXTS  # noqa: E402
from tiny_models import TINY_MODELS  # noqa: E402

from m2v_lite import M2VLiteError, StaticModel  # noqa: E402
from m2v_lite.commands.main import main  # noqa: E402
from m2v_lite.files.packing import unpack  # noqa: E402

TEXTS = SAMPLE_TEXTS[:40]
SECONDS = 20
# What loading may take: 64 MB and four times the size of the files.
MEMORY, TIMES = 64 << 20, 4
NAMES = [
    "wordpiece-float32", "wordpiece-int8", "wordpiece-added-tokens", "xlmr-divided", "xlmr-joined-int8",
    "bpe",
    "bpe-words", "unigram-int8-shared-weights", "wordlevel-sentence-transformers",
]  # fmt: skip
# These are tokenized by the library, whose own memory and time are not bounded here.
BY_LIBRARY = {"bpe", "bpe-words", "unigram-int8-shared-weights", "wordlevel-sentence-transformers"}
REFUSED, WORKS, FOREIGN, CRASH, HANG, MEMORY_OUT, DIFFERENT = (
    "refused", "works", "FOREIGN EXCEPTION", "CRASH", "HANG", "TOO MUCH MEMORY", "OTHER VECTORS"
)  # fmt: skip
RIGHT = {REFUSED, WORKS}
# Exit statuses of the child.
STATUS = {0: WORKS, 3: REFUSED, 4: FOREIGN, 5: MEMORY_OUT}


def make_models(folder: Path) -> list[Path]:
    """Write each tiny model as a folder and packed."""
    models = []
    for name in NAMES:
        place = folder / name
        TINY_MODELS[name].build(place)
        (place / "README.md").write_text("---\nlicense: mit\nlanguage:\n- en\n---\n# A model\n")
        packed = folder / f"{name}-packed"
        packed.mkdir()
        StaticModel.from_pretrained(place).save_packed(packed / "packed.safetensors")
        models += [place, packed]
    return models


def mutant(base: Path, place: Path, random: np.random.Generator) -> str:
    """Write a copy of a model with something wrong, and return what was done."""
    shutil.copytree(base, place)
    files = sorted(path for path in place.rglob("*") if path.is_file())
    done = []
    for _ in range(int(random.choice([1, 1, 1, 2, 3]))):
        file = any_of(random, files)
        mutation = any_of(random, mutations_of(file.name))
        try:
            file.write_bytes(mutation(file.read_bytes(), random))
            done.append(f"{mutation.__name__} of {file.name}")
        except (ValueError, KeyError, IndexError, TypeError, OverflowError, RecursionError):
            pass  # an earlier mutation has left nothing that could be changed so
        except Exception as error:  # zlib.error, and what else a damaged file leads to
            done.append(f"{mutation.__name__} failed: {error!r:.60}")
    return ", ".join(done)


def use(model_at: Path, vectors_at: Path) -> None:
    """Load a model and use it in every way; write the vectors.

    Single texts and batches must agree, but not in a packed model: each may read another damaged number.
    """
    packed = model_at / "packed.safetensors"
    is_packed = packed.exists()
    model = StaticModel.from_pretrained(packed if is_packed else model_at)
    vectors = model.encode(TEXTS)
    for number, text in enumerate(TEXTS):
        one = model.encode(text)
        if not is_packed and not np.array_equal(one, vectors[number], equal_nan=True):
            raise AssertionError(f"alone and in a batch, {text!r} has different vectors")
    np.save(vectors_at, vectors)
    assert repr(model)
    main(["info", str(packed if is_packed else model_at)])
    for again in (
        lambda: model.save_packed(vectors_at.with_suffix(".safetensors")),
        lambda: unpack(str(packed), str(vectors_at.with_suffix(""))) if is_packed else None,
        lambda: len(model.tokens),
    ):
        with suppress(M2VLiteError, OSError):  # a part that loading does not need may be broken
            again()


def in_a_child(model_at: Path, vectors_at: Path, is_bounded: bool) -> tuple[str, str]:
    """Use a model in a forked child, and return the outcome and what it printed."""
    size = sum(path.stat().st_size for path in model_at.rglob("*") if path.is_file())
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        status = 4
        try:
            signal.alarm(SECONDS)
            # Where tokenizers panics, Rust would look for a backtrace, and hang if memory runs out meanwhile.
            os.environ["RUST_BACKTRACE"] = "0"
            # The command prints, and tokenizers prints where it panics.
            for stream in (1, 2):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
            if is_bounded:
                now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
                limit = now + MEMORY + TIMES * size
                resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            warnings.simplefilter("ignore")
            use(model_at, vectors_at)
            status = 0
        except M2VLiteError as error:
            status = 3
            os.write(writer, f"{error}"[:500].encode(errors="replace"))
        except MemoryError:
            status = 5
        except BaseException:
            os.write(writer, traceback.format_exc()[-1500:].encode(errors="replace"))
        os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read().decode(errors="replace")
    _, wait_status = os.waitpid(child, 0)
    if os.WIFSIGNALED(wait_status):
        number = os.WTERMSIG(wait_status)
        return (HANG if number == signal.SIGALRM else CRASH), f"signal {number}"
    return STATUS.get(os.WEXITSTATUS(wait_status), CRASH), told


class Reference:
    """model2vec in a process of its own: what it makes of the same folder."""

    PROGRAM = """
import sys, json, warnings
warnings.simplefilter("ignore")
import numpy as np
from model2vec import StaticModel
texts = json.loads(sys.stdin.readline())
for line in sys.stdin:
    place, out = json.loads(line)
    try:
        np.save(out, StaticModel.from_pretrained(place).encode(texts, use_multiprocessing=False))
        print("ok", flush=True)
    except BaseException as error:
        print("refused", repr(error)[:200].replace(chr(10), " "), flush=True)
"""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, "-c", self.PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        self._send(TEXTS)

    def differs(self, model_at: Path, vectors_at: Path) -> bool:
        """Return whether model2vec gives other vectors; it may refuse what m2v_lite takes.

        model2vec copies the tokenizer through its text, in which `tokenizers` keeps only one of several
        tokens that have the same id, now this one and now that. So such a vocabulary tells nothing.
        """
        out = vectors_at.with_name("expected.npy")
        self._send([str(model_at), str(out)])
        assert self._process.stdout is not None
        if not self._process.stdout.readline().startswith("ok"):
            return False
        ours, expected = np.load(vectors_at), np.load(out)
        is_equal = ours.shape == expected.shape and np.array_equal(
            ours, expected.astype(ours.dtype), equal_nan=True
        )
        return not is_equal and not _shares_ids(model_at)

    def end(self) -> None:
        self._process.communicate(timeout=SECONDS)

    def _send(self, value: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()


def _shares_ids(model_at: Path) -> bool:
    """Return whether two tokens of a vocabulary have the same id."""
    files = list(model_at.rglob("tokenizer.json"))
    vocabularies = [json.loads(file.read_bytes())["model"]["vocab"] for file in files]
    # The vocabulary of a Unigram model is a list, and its ids are places.
    return any(len(set(ids.values())) < len(ids) for ids in vocabularies if isinstance(ids, dict))


def fuzz() -> int:
    """Run the cases, print a table of outcomes, and return 1 if any was wrong."""
    parser = options_of(__doc__)
    parser.add_argument("--peers-python", help="a Python that has model2vec 0.10.0")
    options = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    failures = 0
    reference = Reference(options.peers_python) if options.peers_python else None
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["HF_ASSETS_CACHE"] = f"{temporary}/assets"
        folder = Path(temporary)
        models = make_models(folder / "models")
        for number in numbers(options):
            random = np.random.default_rng([options.seed, number])
            base, place = any_of(random, models), folder / "mutant"
            done = mutant(base, place, random)
            vectors_at = folder / "vectors.npy"
            is_bounded = base.name.removesuffix("-packed") not in BY_LIBRARY
            outcome, told = in_a_child(place, vectors_at, is_bounded)
            if (
                outcome == WORKS
                and reference
                and not base.name.endswith("-packed")
                and reference.differs(place, vectors_at)
            ):
                outcome = DIFFERENT
            counts[base.name, outcome] += 1
            if outcome not in RIGHT:
                failures += 1
                kept = options.out / f"{options.seed}-{number}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(place, kept)
                print(f"case {number}, {base.name}: {outcome}: {done}\n{told}", flush=True)
            for left in (place, folder / "vectors"):
                shutil.rmtree(left, ignore_errors=True)
    outcomes = [*sorted(RIGHT), *sorted({outcome for _, outcome in counts} - RIGHT)]
    print(f"| {sum(counts.values()):,} cases | {' | '.join(outcomes)} |\n|---|{'---|' * len(outcomes)}")
    for name in sorted({name for name, _ in counts}):
        print(f"| {name} | {' | '.join(str(counts[name, outcome]) for outcome in outcomes)} |")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(fuzz())
