"""Memory, in fresh processes: the table stays in its file, and scratch is bounded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from make_unigram_tokenizer import larger
from time_limit import LONGEST
from tiny_models import TinyModel

from m2v_lite.files.safetensors import write_safetensors

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc/self/smaps_rollup of Linux"
)

MEASURE = r"""
import gc, re, sys
from pathlib import Path

def private():
    text = Path("/proc/self/smaps_rollup").read_text()
    return int(re.search(r"Private_Dirty: +([0-9]+) kB", text)[1]) / 1024

def peak():
    # Not ru_maxrss, which begins with what the parent has.
    text = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+([0-9]+) kB", text)[1]) / 1024
"""


def measured(program: str, *arguments: str) -> dict[str, float]:
    command = [sys.executable, "-c", MEASURE + program, *arguments]
    done = subprocess.run(command, capture_output=True, check=True, timeout=LONGEST)
    result: dict[str, float] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def large_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose table has 300 MB; a mapping leads its few tokens all over it."""
    recipe = TinyModel(dim=256, mapping="int32", shared_rows=293_000)
    folder = TinyModel(dim=256).build(tmp_path_factory.mktemp("large"))
    row = np.arange(256, dtype=np.float32)
    table = np.broadcast_to(row, (recipe.shared_rows, 256))
    tokens = len(TinyModel().tensors()["embeddings"])
    mapping = np.linspace(0, recipe.shared_rows - 1, tokens).astype(np.int32)
    with (folder / "model.safetensors").open("wb") as file:
        write_safetensors(file, {"embeddings": table, "mapping": mapping})
    assert (folder / "model.safetensors").stat().st_size > 300e6
    return folder


LOAD_AND_ENCODE = """
import json
import m2v_lite.model, tokenizers
before = private()
options = json.loads(sys.argv[2])
model = m2v_lite.StaticModel.from_pretrained(sys.argv[1], **options)
vectors = model.encode(["the cat sat on the mat, hello world", "kettle raining"] * 100)
rows = model.encode_as_sequence("the cat sat")
assert vectors.any()
print(json.dumps({"grown": private() - before}))
"""


@pytest.mark.parametrize("options", [{}, {"dimensionality": 64}])
def test_a_300_mb_table_stays_in_its_file(options: dict[str, int], large_model: Path) -> None:
    assert measured(LOAD_AND_ENCODE, str(large_model), json.dumps(options))["grown"] < 10


def test_the_measure_sees_a_copied_table(large_model: Path) -> None:
    """The control: with a private copy, the same measure shows it."""
    grown = measured(LOAD_AND_ENCODE, str(large_model), '{"quantize_to": "float16"}')["grown"]
    assert grown > 140


ENCODE_MANY = """
import json
from m2v_lite import StaticModel
from pydoc_data.topics import topics

model = StaticModel.from_pretrained()
words = " ".join(topics.values()).split()
if sys.argv[1] == "short":
    texts = [" ".join(words[i % 50_000 : i % 50_000 + 15]) for i in range(50_000)]
else:
    texts = [" ".join(words[i % 1000 : i % 1000 + 30]) * 20 for i in range(4_000)]
texts = list(dict.fromkeys(texts)) + texts
texts = texts[: 50_000 if sys.argv[1] == "short" else 4_000]
model.encode(texts[:2048])
before = peak()
vectors = model.encode(texts)
print(json.dumps({"grown": peak() - before, "result": vectors.nbytes / 2**20}))
"""


@pytest.mark.parametrize("kind", ["short", "long"])
def test_encoding_many_texts_takes_bounded_scratch(kind: str) -> None:
    memory = measured(ENCODE_MANY, kind)
    assert memory["grown"] < memory["result"] + 16


KEEP_MISSING = """
import json, random
from m2v_lite import StaticModel
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES

model = StaticModel.from_pretrained()
generator = random.Random(0)
def texts():
    words = ["".join(generator.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(13_000)]
    return [" ".join(words[start : start + 13]) for start in range(0, 13_000, 13)]
model.encode(texts())
before = private()
for _ in range(40):
    model.encode(texts())
print(json.dumps({"grown": private() - before, "bound": DEFAULT_MEMO_BYTES / 2**20}))
"""


def test_half_a_million_different_words_do_not_fill_the_memory() -> None:
    memory = measured(KEEP_MISSING)
    assert memory["grown"] < memory["bound"] + 3


FROM_A_FOLDER = """
import json
import numpy
before = private(), peak()
from m2v_lite import StaticModel
model = StaticModel.from_pretrained(sys.argv[1])
assert model.encode("Zażółć the watchdog timer, please: 東京!").any()
print(json.dumps({"grown": private() - before[0], "peak": peak() - before[1]}))
"""


def test_a_folder_of_half_a_million_pieces(
    multilingual_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its arrays are made once, in bounds, and then mapped, also by the process that made them."""
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path))
    real = json.loads((multilingual_model / "tokenizer.json").read_text(encoding="utf-8"))
    pieces = larger(real, 500_353, joined=True)
    folder = TinyModel(pieces, dim=4, dtype="int8").build(tmp_path / "folder")
    first = measured(FROM_A_FOLDER, str(folder))
    assert first["grown"] < 16
    assert first["peak"] < 350
    later = measured(FROM_A_FOLDER, str(folder))
    assert later["grown"] < 4, later
