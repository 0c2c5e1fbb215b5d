"""llm: the real tool, in processes of its own, finds the plugin by its entry point."""

from __future__ import annotations

import json
import shlex
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llm
import numpy as np
import pytest
from pages import COMMANDS
from pages_and_processes import check_missing, run_command, run_page

from m2v_lite import InputTypeError, InputValueError, ModelNotFoundError, StaticModel
from m2v_lite.integrations.llm import M2VLiteModel

TEXTS = ["The kettle is on.", "Water is boiling.", "The train was late.", "湯が沸いた", "naïve café"]
QUERY = "a pot of tea"

Tool = Callable[..., Any]


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """The command `llm` of a person who has installed m2v-lite."""
    info = tmp_path / "site" / "llm_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[llm]\nm2v-lite = m2v_lite.integrations.llm\n")

    def run(*arguments: object, code: int = 0) -> str:
        done = run_command(
            sys.executable,
            "-m",
            "llm",
            *arguments,
            folder=tmp_path,
            path=[tmp_path / "site"],
            LLM_USER_PATH=str(tmp_path / "user"),
        )
        assert done.returncode == code, done.stderr[-3000:]
        return str(done.stdout if code == 0 else done.stderr)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder that differs from the bundled model."""
    StaticModel.from_pretrained(dimensionality=64).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def registered(tmp_path: Path) -> Any:
    return json.loads((tmp_path / "user" / "m2v-lite.json").read_text())


def check_collection(tool: Tool, tmp_path: Path, name: str, model: StaticModel) -> None:
    """Embed files with a model of this name, and search them."""
    for number, text in enumerate(TEXTS):
        (tmp_path / f"{number}.txt").write_text(text, encoding="utf-8")
    tool(
        "embed-multi",
        "notes",
        "--model",
        name,
        "--files",
        tmp_path,
        "*.txt",
        "--encoding",
        "utf-8",
        "--store",
    )
    hits = [json.loads(line) for line in tool("similar", "notes", "-c", QUERY).splitlines()]
    scores = dict(zip(TEXTS, model.encode(TEXTS) @ model.encode(QUERY), strict=True))
    assert [hit["content"] for hit in hits] == sorted(TEXTS, key=lambda text: -scores[text])
    for hit in hits:
        assert hit["score"] == pytest.approx(scores[hit["content"]], abs=1e-5)


def test_the_bundled_model(tool: Tool, tmp_path: Path) -> None:
    assert "M2VLiteModel: m2v-lite" in tool("embed-models").splitlines()
    assert "register_embedding_models" in tool("plugins")
    model = StaticModel.from_pretrained()
    vector = json.loads(tool("embed", "-m", "m2v-lite", "-c", QUERY))
    np.testing.assert_array_equal(np.array(vector, np.float32), model.encode(QUERY))
    check_collection(tool, tmp_path, "m2v-lite", model)


@pytest.mark.parametrize("name", ["m2v-lite/{folder}", "small"])
def test_another_model(name: str, tool: Tool, folder: Path, tmp_path: Path) -> None:
    """It is given by a relative path, and found from everywhere."""
    printed = tool("m2v-lite", "register", "model", "--alias", "small", "-a", "tiny")
    assert printed == f"Registered m2v-lite/{folder}\n"
    assert f"M2VLiteModel: m2v-lite/{folder}" in tool("embed-models", "list", "-q", "small")
    check_collection(tool, tmp_path, name.format(folder=folder), StaticModel.from_pretrained(folder))


def test_what_is_registered(tool: Tool, folder: Path, tmp_path: Path) -> None:
    StaticModel.from_pretrained(folder).save_packed(tmp_path / "packed.safetensors")
    tool("m2v-lite", "register", folder)
    tool("m2v-lite", "register", "packed.safetensors", "-a", "packed")
    tool("m2v-lite", "register", folder, "-a", "small")  # in place of the first
    known = [
        {"model": str(tmp_path / "packed.safetensors"), "aliases": ["packed"]},
        {"model": str(folder), "aliases": ["small"]},
    ]
    assert registered(tmp_path) == known
    tool("m2v-lite", "unregister", "model")
    assert registered(tmp_path) == known[:1]
    message = tool("m2v-lite", "unregister", "model", code=1)
    assert message == f"Error: model: no such model; registered: {tmp_path}/packed.safetensors\n"
    tool("m2v-lite", "unregister", "packed")
    assert registered(tmp_path) == []
    assert tool("m2v-lite", "unregister", "packed", code=1).endswith("registered: none\n")


def test_a_model_that_cannot_be_registered(tool: Tool, tmp_path: Path) -> None:
    message = tool("m2v-lite", "register", "./nothing", code=1)
    assert message.startswith("Error: './nothing': no such folder")
    assert not (tmp_path / "user" / "m2v-lite.json").exists()


def test_a_model_that_is_gone(tool: Tool, folder: Path, tmp_path: Path) -> None:
    """Only those who ask for it see an error."""
    tool("m2v-lite", "register", folder, "-a", "small")
    folder.rename(tmp_path / "moved")
    assert "small" in tool("embed-models")
    assert "no such folder" in tool("embed", "-m", "small", "-c", QUERY, code=1)
    assert json.loads(tool("embed", "-m", "m2v-lite", "-c", QUERY))
    tool("m2v-lite", "unregister", "small")


@pytest.mark.parametrize("contents", ["{", "{}x", '[{"model": "a"}]', "[1]", "3"])
def test_a_broken_file(contents: str, tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "m2v-lite.json").write_text(contents)
    assert "m2v-lite.json: not a list of models; delete it" in tool("embed-models", code=1)


def test_vectors_are_those_of_encode() -> None:
    model, known = M2VLiteModel(), StaticModel.from_pretrained().encode(TEXTS).tolist()
    assert list(model.embed_multi(TEXTS)) == known
    assert list(model.embed_multi(iter(TEXTS), batch_size=2)) == known
    assert model.embed(TEXTS[0]) == known[0]
    assert type(model.embed(TEXTS[0])[0]) is float
    assert list(model.embed_multi([])) == []
    many = [f"text {number}" for number in range(2500)]
    assert list(model.embed_multi(many)) == StaticModel.from_pretrained().encode(many).tolist()


def test_wrong_texts() -> None:
    with pytest.raises(ValueError, match="binary"):
        M2VLiteModel().embed(b"bytes")
    with pytest.raises(InputTypeError):
        M2VLiteModel().embed(None)
    with pytest.raises(InputValueError, match="surrogate"):
        list(M2VLiteModel().embed_multi(["one", "\ud800"]))
    with pytest.raises(ModelNotFoundError):
        M2VLiteModel("./nothing").embed("text")


@pytest.mark.parametrize("text", ["", " "])
def test_a_text_that_would_break_the_search(text: str) -> None:
    """llm divides by the length of each vector of a collection."""
    assert not StaticModel.from_pretrained().encode(text).any()
    collection = llm.Collection("notes", model=M2VLiteModel())
    for name, vector in (("zeros", [0.0] * 256), ("one", [1.0] * 256)):
        entry = {"collection_id": collection.id, "id": name, "embedding": llm.encode(vector)}
        collection.db["embeddings"].insert(entry)
    with pytest.raises(sqlite3.OperationalError, match="user-defined function"):
        collection.similar(QUERY)
    collection = llm.Collection("notes", model=M2VLiteModel())
    with pytest.raises(InputValueError, match=r"no token of the text .* leave the text out"):
        collection.embed_multi([("one", "one"), ("empty", text)])
    with pytest.raises(InputValueError, match="no token of the text"):
        collection.embed("empty", text)
    assert collection.similar(QUERY) == []


def test_a_collection_in_python() -> None:
    collection = llm.Collection("notes", model=M2VLiteModel())
    collection.embed_multi(((str(number), text) for number, text in enumerate(TEXTS)), store=True)
    assert [hit.content for hit in collection.similar(QUERY, 2)] == ["Water is boiling.", "The kettle is on."]


def test_without_llm(tmp_path: Path) -> None:
    check_missing("llm", "llm", "llm", tmp_path)


def test_the_page(tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("llm", tmp_path, monkeypatch)
    assert [hit.content for hit in names["hits"]] == ["Water is boiling.", "The kettle is on."]


def test_the_commands_of_the_page(tool: Tool, folder: Path, tmp_path: Path) -> None:
    """All of them but the one that installs."""
    install, *commands = (command.command for command in COMMANDS if command.page == "docs/libraries/llm.md")
    assert install == 'pip install "m2v-lite[llm]"'
    assert len(commands) == 4
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "tea.txt").write_text(TEXTS[0])
    folder.rename(tmp_path / "FOLDER")
    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "llm"
        printed = tool(*arguments)
    assert json.loads(printed)["id"] == "tea.txt"
