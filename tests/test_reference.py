"""Live comparison with model2vec 0.10.0 in the environment that M2V_LITE_PEERS names (`make peers`)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from outside import names_of_real_models
from reference import GOLDEN, assert_agrees, assert_same
from sample_texts import SAMPLE_TEXTS, random_texts
from time_limit import LONGEST
from tiny_models import TINY_MODELS

from m2v_lite import StaticModel
from m2v_lite.files.packing import unpack
from m2v_lite.loading import BUNDLED_MODEL

EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))


def unpacked_bundled_model(out: Path) -> Path:
    folder = out / "potion-base-8M-int8"
    unpack(BUNDLED_MODEL, str(folder))
    return folder


def ask_model2vec(python: Path, folders: list[Path], texts: list[str], out: Path) -> None:
    (out / "texts.json").write_text(json.dumps(texts))
    script = [str(GOLDEN / "make_golden.py"), str(out / "texts.json"), str(out)]
    subprocess.run([str(python), *script, *map(str, folders)], check=True, timeout=LONGEST)


@pytest.mark.parametrize("first", range(3))
def test_random_texts_on_every_tiny_model(
    first: int, peers_python: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    """Every third model from one of the first on: starting model2vec for each would take longer."""
    texts = SAMPLE_TEXTS[:5] + random_texts(600 if EXHAUSTIVE else 300, seed=first)
    names = list(TINY_MODELS)[first::3]
    ask_model2vec(peers_python, [tiny(name) for name in names], texts, tmp_path)
    for name in names:
        model, answers = StaticModel.from_pretrained(tiny(name)), np.load(tmp_path / f"{name}.npz")
        # Where the library tokenizes, its versions differ on characters that are new in Unicode.
        if model.tokenizer_kind == "WordPiece" or answers["tokenizers"] == tokenizers.__version__:
            assert_agrees(model, texts, answers)


def agrees_on_random_texts(folder: Path, peers_python: Path, out: Path) -> None:
    """Texts of its own for each model: most tokenize alike, and another table adds and divides as well."""
    texts = SAMPLE_TEXTS[:5] + random_texts(3000 if EXHAUSTIVE else 1000, zlib.crc32(folder.name.encode()))
    ask_model2vec(peers_python, [folder], texts, out)
    assert_agrees(StaticModel.from_pretrained(folder), texts, np.load(out / f"{folder.name}.npz"))


def test_random_texts_on_the_bundled_model(peers_python: Path, tmp_path: Path) -> None:
    agrees_on_random_texts(unpacked_bundled_model(tmp_path), peers_python, tmp_path)


@pytest.mark.parametrize("name", names_of_real_models())
def test_random_texts_on_a_real_model(
    name: str, peers_python: Path, models_folder: Path, tmp_path: Path
) -> None:
    agrees_on_random_texts(models_folder / name, peers_python, tmp_path)


def test_random_texts_on_a_multilingual_model(
    peers_python: Path, multilingual_model: Path, tmp_path: Path
) -> None:
    """Its unknown token is the full stop."""
    shutil.copytree(multilingual_model, tmp_path / "multilingual")
    agrees_on_random_texts(tmp_path / "multilingual", peers_python, tmp_path)


@pytest.mark.parametrize("name", TINY_MODELS)
def test_model2vec_loads_what_is_saved(
    name: str, peers_python: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    model = StaticModel.from_pretrained(tiny(name))
    model.save_pretrained(tmp_path / "saved")
    ask_model2vec(peers_python, [tmp_path / "saved"], SAMPLE_TEXTS, tmp_path)
    assert_agrees(model, SAMPLE_TEXTS, np.load(tmp_path / "saved.npz"))


def test_quantization_is_that_of_model2vec(
    peers_python: Path, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    program = """
import sys, numpy as np
from model2vec import StaticModel
tables = {}
for dtype in ("float16", "float32", "float64", "int8"):
    for columns in (None, 7):
        for name in sys.argv[2:]:
            model = StaticModel.from_pretrained(name, quantize_to=dtype, dimensionality=columns)
            tables[f"{name} {dtype} {columns}"] = model.embedding
np.savez(sys.argv[1], **{key.replace("/", "|"): table for key, table in tables.items()})
"""
    names = ["wordpiece-float32", "wordpiece-float16", "wordpiece-float64", "wordpiece-int8"]
    folders = [str(unpacked_bundled_model(tmp_path)), *(str(tiny(name)) for name in names)]
    command = [str(peers_python), "-c", program, str(tmp_path / "t.npz"), *folders]
    subprocess.run(command, check=True, timeout=LONGEST)
    tables = np.load(tmp_path / "t.npz")
    assert len(tables.files) == 8 * len(folders)
    for key in tables.files:
        name, dtype, columns = key.replace("|", "/").rsplit(" ", 2)
        kept = None if columns == "None" else int(columns)
        model = StaticModel.from_pretrained(name, quantize_to=dtype, dimensionality=kept)
        assert_same(model.embedding, tables[key])
