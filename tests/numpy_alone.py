"""That numpy is enough: run by itself, where neither tokenizers, huggingface_hub nor pytest is installed.

    python tests/numpy_alone.py [FOLDER]

FOLDER holds a model folder potion-base-8M, and beside it lies golden/ with model2vec's answers.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import pickle
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from reference import GOLDEN, assert_agrees
from sample_texts import SAMPLE_TEXTS, random_texts
from st_folders import build, dense
from tiny_models import TINY_MODELS

from m2v_lite import Embedder, MissingPackageError, StaticModel
from m2v_lite.commands.main import main
from m2v_lite.search import Index, nearest

NEEDED_ELSEWHERE = ("tokenizers", "huggingface_hub", "tqdm")


def refused(make: object, message: str) -> None:
    """Assert that something raises a MissingPackageError with a message."""
    assert callable(make)
    try:
        make()
    except MissingPackageError as error:
        assert message in str(error), error
    else:
        raise AssertionError(f"no error, but expected: {message}")


def check_modules() -> None:
    """Load, save and pack a model of sentence-transformers."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = build(Path(temporary) / "model", [dense(24, 7), None])
        model = StaticModel.from_sentence_transformers(folder)
        vectors = model.encode(SAMPLE_TEXTS)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
        model.save_pretrained(folder / "saved")
        model.save_packed(folder / "packed")
        again = (
            StaticModel.from_sentence_transformers(folder / "saved"),
            StaticModel.from_pretrained(folder / "packed"),
        )
        for other in again:
            np.testing.assert_array_equal(other.encode(SAMPLE_TEXTS), vectors)


def check_models() -> None:
    """Compare the bundled model and all tiny models that do without tokenizers with model2vec's answers."""
    assert_agrees(StaticModel.from_pretrained(), SAMPLE_TEXTS, np.load(GOLDEN / "potion-base-8M-int8.npz"))
    with tempfile.TemporaryDirectory() as temporary:
        for name, recipe in TINY_MODELS.items():
            folder = recipe.build(Path(temporary) / name)
            if name.startswith(("wordpiece", "xlmr")):
                model = StaticModel.from_pretrained(folder)
                answers = np.load(GOLDEN / f"{name}.npz")
                assert_agrees(model, SAMPLE_TEXTS, answers)
                model.save_packed(folder / "packed")
                assert_agrees(StaticModel.from_pretrained(folder / "packed"), SAMPLE_TEXTS, answers)
            else:
                needs = "needs the package tokenizers; install it with: pip install tokenizers"
                refused(lambda folder=folder: StaticModel.from_pretrained(folder), needs)


def check_large_batches() -> None:
    """Compare texts one by one with the same in batches, which take another way."""
    model = StaticModel.from_pretrained()
    texts = random_texts(1500, seed=9)
    texts += [
        " ".join(part.tolist()) for part in np.array_split(np.array(" ".join(texts).split()[:12_000]), 900)
    ]
    np.testing.assert_array_equal(model.encode(texts), np.array([model.encode(text) for text in texts]))


def check_command_line() -> None:
    for arguments in (
        ["info", "--verify"],
        ["similarity", "a board", "ein Brett"],
        ["encode", "日本 été 👍"],
    ):
        with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())) as shown:
            assert main(arguments) == 0
        assert shown.buffer.tell() > 50
    with tempfile.TemporaryDirectory() as temporary:
        texts, out = Path(temporary) / "texts.txt", Path(temporary) / "out.npy"
        texts.write_text("\n".join(["one text", "Über die Brücke", "日本語"]), encoding="utf-8")
        assert main(["encode", "--input", str(texts), "--output", str(out)]) == 0
        expected = StaticModel.from_pretrained().encode(texts.read_text(encoding="utf-8").split("\n"))
        np.testing.assert_array_equal(np.load(out), expected)


def check_search() -> None:
    """Index a file and texts, and find them in each mode, with all rows compared and with a choice by bits."""
    texts = [text for text in random_texts(300, seed=4) if text.strip()]
    with tempfile.TemporaryDirectory() as temporary, Index(Path(temporary) / "index.db") as index:
        note = Path(temporary) / "note.md"
        note.write_text("# Küche\n\nA teapot from Zanzibar.\n\n東京の天気\n", encoding="utf-8")
        assert index.update(note).chunks == 1
        numbers = index.add(texts)
        index.remove(numbers[::3])
        vectors = index.model.encode(texts, normalize=True)
        left = [place for place in range(len(texts)) if place % 3]
        for compared in (nearest.COMPARED, 0):
            nearest.COMPARED = compared
            for query in texts[:20]:
                wanted = index.model.encode(query, normalize=True)
                if wanted.any():
                    best = np.sort(vectors[left] @ wanted)[::-1][:5]
                    found = [hit.score for hit in index.search(query, 5, mode="vector") if hit.path is None]
                    np.testing.assert_allclose(found, best[: len(found)], atol=0.02)
            for query in ("zanzibar teapot", "KÜCHE", "東京の天気"):
                assert index.search(query, 1, mode="text")[0].path == str(note), query
        index.vacuum()
        assert len(index) == len(left) + 1 == index.export(Path(temporary) / "vectors.npy")


def check_real_model(folder: Path) -> None:
    model = StaticModel.from_pretrained(folder / "potion-base-8M")
    texts = json.loads((folder.parent / "golden" / "texts.json").read_text(encoding="utf-8"))
    answers = np.load(folder.parent / "golden" / "potion-base-8M.npz")
    np.testing.assert_array_equal(model.encode(texts), answers["vectors"])


def check_batches() -> None:
    """Add vectors to a dict of columns, as engines do it."""
    texts = [None, *SAMPLE_TEXTS]
    answer = pickle.loads(pickle.dumps(Embedder(null="skip")))({"text": texts, "id": np.arange(len(texts))})
    np.testing.assert_array_equal(answer["embedding"], StaticModel.from_pretrained().encode(SAMPLE_TEXTS))
    assert answer["id"].tolist() == list(range(1, len(texts)))


def check_errors() -> None:
    hub = "install it with: pip install huggingface_hub"
    refused(lambda: StaticModel.from_pretrained("minishlab/potion-base-8M"), hub)
    needs = "needs the package tokenizers"
    refused(lambda: StaticModel.from_pretrained().tokenizer, needs)


if __name__ == "__main__":
    for package in NEEDED_ELSEWHERE:
        assert importlib.util.find_spec(package) is None, f"{package} is installed here"
    check_models()
    check_modules()
    check_large_batches()
    check_command_line()
    check_batches()
    check_errors()
    check_search()
    if len(sys.argv) > 1:
        check_real_model(Path(sys.argv[1]))
    assert not set(NEEDED_ELSEWHERE) & set(sys.modules)
    print(f"numpy {np.__version__} is enough on {platform.machine()}, Python {platform.python_version()}")
