"""The commands of the README and the pages work as they stand, and each fragment of a program runs.

Each page has a folder of its own, with the files that it speaks of, and its commands run there in their order, by a
shell. A hub on loopback has the models that the pages name. What is not run here is listed, with a reason and the
place where it is run, if there is one: a new command has to be in one list or the other.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hub_server import Hub
from pages import BLOCKS, COMMANDS, ENVIRONMENT, PAGES, PROGRAMS, ROOT, SESSIONS, Block, Command, name_of
from time_limit import LONGEST, started, wait_for
from tiny_models import TINY_MODELS

if sys.platform == "win32":
    pytest.skip("the commands of the documentation are for a POSIX shell", allow_module_level=True)

from m2v_lite import StaticModel
from m2v_lite.files.heads import legacy_head
from m2v_lite.hub.known_models import known_rows
from m2v_lite.inference import StaticModelPipeline

ENGLISH, MULTILINGUAL = "minishlab/potion-base-8M", "minishlab/potion-multilingual-128M"
TEXTS = ["The kettle is on.", "Water is boiling.", "The train was late."]
KETTLE = "the kettle is on"
MANY = 5000  # more lines than a batch, in fewer bytes than a pipe holds
NOTES = {
    "kitchen.md": "# Kitchen\n\nThe bread is in the tin.\n\n\n## Kettle\n\nIt is in the cupboard by the window.\n",
    "garden.md": "# Garden\n\nWater the plums on Friday.\n",
    "tee.md": "# Tee\n\nMan nimmt kochendes Wasser.\n",
    "old.txt": "Where did I leave the kettle? In no file that ends in .md.\n",
}
# Never ends: in its place a test reads what is there.
IN_PLACE_OF = {"tail -f ": "cat "}


class Done(NamedTuple):
    """A command that has ended: where it ran, what it printed, the models on the hub and what that was asked for."""

    folder: Path
    output: str
    originals: Mapping[str, Path]
    requests: list[str]

    def model(self, name: str | None) -> StaticModel:
        """Load a model that a command names: one of the hub, or one in the folder; None is the bundled one."""
        return StaticModel.from_pretrained(name and self.originals.get(name, self.folder / name))


Check = Callable[[Done], None]


# --- what the commands of pages do


def near(vectors: object, expected: object) -> None:
    np.testing.assert_allclose(np.array(vectors), np.array(expected), rtol=0, atol=1e-6)


def prints_vector(model: str | None) -> Check:
    """It prints the vector of the kettle."""

    def check(done: Done) -> None:
        record = json.loads(done.output)
        near(record["embedding"], done.model(model).encode(KETTLE))

    return check


def prints_similarities(model: str, *texts: str) -> Check:
    """It prints how similar the texts are."""

    def check(done: Done) -> None:
        rows = done.output.splitlines()[1:]
        assert all(text in row for text, row in zip(texts, rows, strict=True))
        shown = [[float(number) for number in row.split()[-len(texts) :]] for row in rows]
        vectors = done.model(model).encode(list(texts))
        np.testing.assert_allclose(shown, vectors @ vectors.T, rtol=0, atol=6e-4)

    return check


def prints(*parts: str) -> Check:
    """It prints these parts, among others."""

    def check(done: Done) -> None:
        for part in parts:
            assert part in done.output

    return check


def prints_a_description_of_a_hub_model(done: Done) -> None:
    assert "29,528 rows x 32 columns" in done.output
    assert any(f"{ENGLISH}/resolve/" in request for request in done.requests)


def prints_one_label(done: Done) -> None:
    assert re.fullmatch(r"weather 0\.\d{3}  Rain and wind from the west\.\n", done.output)


def prints_all_labels(done: Done) -> None:
    records = [json.loads(line) for line in done.output.splitlines()]
    assert [record["text"] for record in records] == TEXTS
    pipeline = StaticModelPipeline.from_pretrained(done.folder / "topics")
    assert all([*record["probabilities"]] == ["food", "traffic", "weather"] for record in records)
    near([[*record["probabilities"].values()] for record in records], pipeline.predict_proba(TEXTS))


def prints_known_models(done: Done) -> None:
    assert all(row[0] in done.output for row in known_rows())


def prints_records(done: Done) -> None:
    has_records(done.output, [{"text": text} for text in TEXTS])


def has_records(lines: str, fields: list[dict[str, object]], column: str = "text") -> None:
    """Check JSON Lines: the fields of each record, and the vector of one of them."""
    records = [json.loads(line) for line in lines.splitlines()]
    vectors = [record.pop("embedding") for record in records]
    assert records == fields
    near(vectors, StaticModel.from_pretrained().encode([str(record[column]) for record in records]))


def writes_array(name: str, texts: list[str]) -> Check:
    """It writes the vectors of the texts to an .npy file."""

    def check(done: Done) -> None:
        near(np.load(done.folder / name), StaticModel.from_pretrained().encode(texts))
        assert done.output == ""

    return check


def writes_documents(done: Done) -> None:
    fields = [{"id": number, "body": text} for number, text in enumerate(TEXTS)]
    has_records((done.folder / "vectors.jsonl").read_text(), fields, "body")


def writes_logs(done: Done) -> None:
    fields = [
        {"path": f"logs/{day}.jsonl.gz", "line": line, "level": "info", "message": text}
        for day in ("monday", "tuesday")
        for line, text in enumerate(TEXTS, 1)
    ]
    lines = (done.folder / "logs.jsonl").read_text()
    has_records(lines, fields, "message")


def writes_reviews(done: Done) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(done.folder / "reviews.parquet")
    assert table.column_names == ["stars", "body", "embedding"]
    assert table["body"].to_pylist() == TEXTS
    near(table["embedding"].to_pylist(), StaticModel.from_pretrained().encode(TEXTS))


def keeps_a_part(done: Done) -> None:
    kept = sorted(path.name for path in done.folder.glob("big.npy*"))
    assert kept == ["big.npy.partial", "big.npy.partial.json"]


def writes_a_model(name: str, original: str, dtype: str) -> Check:
    """It writes a model that gives the vectors of another, or nearly so if that was rounded."""

    def check(done: Done) -> None:
        model, expected = done.model(name), done.model(original)
        assert model.embedding.dtype == dtype
        cosines = (model.encode(TEXTS) * expected.encode(TEXTS)).sum(axis=1)
        assert cosines.min() > (0.99 if expected.embedding.dtype != dtype else 0.999999)

    return check


def writes_index(name: str) -> Check:
    def check(done: Done) -> None:
        assert (done.folder / name).read_bytes().startswith(b"SQLite format 3\0")

    return check


def finds_the_german_note(done: Done) -> None:
    assert done.output.startswith("notes/tee.md:1-3  ")


# Each command that runs here, without its remark, and what must be so when it has ended.
RUN: dict[str, Check] = {
    'm2v-lite encode "the kettle is on"': prints_vector(None),
    "m2v-lite encode --input notes.txt --output notes.npy": writes_array("notes.npy", TEXTS),
    "m2v-lite encode --input docs.jsonl --field body --output vectors.jsonl": writes_documents,
    "m2v-lite encode --input reviews.csv --column body --output reviews.parquet": writes_reviews,
    "m2v-lite encode --input 'logs/*.jsonl.gz' --column message --output logs.jsonl": writes_logs,
    "tail -f app.log | m2v-lite encode": prints_records,
    "m2v-lite encode --input big.txt --output big.npy": keeps_a_part,
    "m2v-lite encode --input big.txt --output big.npy --resume": writes_array(
        "big.npy", [f"{number}" for number in range(2 * MANY)]
    ),
    'm2v-lite encode --model potion.safetensors "the kettle is on"': prints_vector("potion.safetensors"),
    'm2v-lite classify --model topics "Rain and wind from the west."': prints_one_label,
    "m2v-lite classify --model topics --input notes.txt --json": prints_all_labels,
    "m2v-lite info": prints("potion-base-8M-int8", "29,528 rows x 256 columns"),
    f"m2v-lite info {ENGLISH}": prints_a_description_of_a_hub_model,
    "m2v-lite info potion.safetensors --verify": prints("29,528 rows x 32 columns", "checksums:     all"),
    "m2v-lite list --known": prints_known_models,
    f'm2v-lite similarity --model {ENGLISH} "the kettle is on" "water is boiling"': prints_similarities(
        ENGLISH, KETTLE, "water is boiling"
    ),
    f"m2v-lite download {ENGLISH} --pack potion.safetensors": writes_a_model(
        "potion.safetensors", ENGLISH, "float32"
    ),
    f"m2v-lite pack {ENGLISH} potion.safetensors --dtype int8": writes_a_model(
        "potion.safetensors", ENGLISH, "int8"
    ),
    "m2v-lite unpack potion.safetensors potion": writes_a_model("potion", "potion.safetensors", "int8"),
    f"m2v-lite download {MULTILINGUAL} --pack multilingual.safetensors --dtype int8": writes_a_model(
        "multilingual.safetensors", MULTILINGUAL, "int8"
    ),
    "m2v-lite similarity --model multilingual.safetensors"
    ' "the kettle is on" "der Kessel steht auf dem Herd" "お湯が沸いている"': prints_similarities(
        "multilingual.safetensors", KETTLE, "der Kessel steht auf dem Herd", "お湯が沸いている"
    ),
    "m2v-lite index notes/ --model multilingual.safetensors --index notes.db": writes_index("notes.db"),
    'm2v-lite search "kochendes Wasser" --index notes.db': finds_the_german_note,
    "m2v-lite index notes/ --glob '*.md'": writes_index("data/m2v-lite/index.db"),
    'm2v-lite search "where did I leave the kettle" -n 1': prints("notes/kitchen.md:6-8"),
}

# Each other command: why it does not run here, and what runs it, or the like, or checks its names.
INSTALLS = "installs from the package registry"
TAKES_LONG = "measures for minutes, and needs the peers"
LLM = ("needs llm", "integrations/test_llm.py")
NOT_RUN: dict[str, tuple[str, str | None]] = {
    "python3 -m venv ~/m2v": (INSTALLS, "scripts/test_elsewhere.sh"),
    ". ~/m2v/bin/activate": (INSTALLS, "scripts/test_elsewhere.sh"),
    "pip install .": (INSTALLS, "scripts/test_elsewhere.sh"),  # the wheel; `make demo` installs the clone
    "sudo apt install python3-numpy python3-venv": ("needs root", "scripts/test_emulated.sh"),
    "python3 -m venv --system-site-packages venv": (INSTALLS, "scripts/test_emulated.sh"),
    "venv/bin/pip install .": (INSTALLS, "scripts/test_elsewhere.sh"),
    "make wheel": (INSTALLS, "Makefile"),  # for make test-wheel
    "pip download --dest dist --only-binary=:all: --platform manylinux_2_28_aarch64 "
    "--platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 --python-version 3.11 numpy": (
        "downloads from the package registry",
        None,
    ),
    "scp potion.safetensors dist/*.whl pi@board:": ("needs a board", None),
    "pip install --no-index --find-links . numpy && pip install --no-index --no-deps ./m2v_lite-*.whl": (
        "needs what was copied to the board",
        "scripts/test_numpy_alone.sh",
    ),
    'python -c "from model2vec.inference import convert_legacy_pipeline as convert; '
    "new = convert('OLD'); [setattr(layer, 'weight', layer.weight.copy()) for layer in new.head.layers]; "
    "new.save_pretrained('NEW')\"": ("needs model2vec", "integrations/test_beside_model2vec.py"),
    "make peers": (INSTALLS, ".ci/run"),
    ".venv-peers/bin/python tests/golden/make_golden.py": ("needs model2vec", "tests/test_golden.py"),
    "make compare MODEL=FOLDER RECORD=1": (TAKES_LONG, "tests/test_benchmarks.py"),
    'make compare MODEL=FOLDER COMPARE_OPTIONS="--cores 2 --short-texts 200000" RECORD=1': (
        TAKES_LONG,
        "tests/test_benchmarks.py",
    ),
    "make plots RECORD=1": ("needs matplotlib, and replaces committed pictures", "tests/test_benchmarks.py"),
    "make tables": ("writes the pages themselves", "tests/test_docs.py"),
    'python examples/nearest.py "music for strings"': ("an example", "tests/test_docs.py"),
    "python examples/near_duplicates.py examples/board.log": ("an example", "tests/test_docs.py"),
    'python examples/milvus_collection.py "wait until a thread is done"': (
        "needs Milvus",
        "integrations/test_milvus_lite.py",
    ),
    "python examples/serve_embeddings.py": ("needs a server", "integrations/test_serve_embeddings.py"),
    "llm embed-multi notes --model m2v-lite --files notes '*.txt' --store": LLM,
    "llm similar notes -c 'a pot of tea'": LLM,
    "llm m2v-lite register FOLDER --alias small": LLM,
    "llm similar notes -c 'a pot of tea' -n 1": LLM,
}
# How an extra is installed, on any page, in a block or in a sentence.
EXTRA = re.compile(r"""pip install\s+(?:-e )?(["'])(?:m2v-lite|\.)\[([^]]+)\]\1""")
# What fragments of programs need before them, and what holds after them.
FRAGMENTS = {
    "docs/encode-files.md": (
        "import base64, json, numpy\nfrom m2v_lite import StaticModel\n"
        "record = json.load(open('record.json'))\n",
        "assert (vector == StaticModel.from_pretrained().encode(record['text'])).all()\n",
    ),
    "docs/multilingual.md": (
        "from m2v_lite import StaticModel\n",
        "assert model.encode('the kettle is on').any()\n",
    ),
    "docs/workers.md": (
        "from m2v_lite import StaticModel\nmodel = StaticModel.from_pretrained()\n"
        "batches_of_texts = [['The kettle is on.'], ['Water is boiling.']]\n",
        "assert (vectors == model.encode(['Water is boiling.'])).all()\n",
    ),
}


# --- a folder for each page, and the hub


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The models that the pages name, by name: smaller ones of the same kinds."""
    folder = tmp_path_factory.mktemp("originals")
    model = StaticModel.from_pretrained(quantize_to="float32", dimensionality=32)
    model.save_pretrained(folder / "english")
    (folder / "multilingual").mkdir()
    TINY_MODELS["xlmr-divided"].build(folder / "multilingual")
    return {ENGLISH: folder / "english", MULTILINGUAL: folder / "multilingual"}


@pytest.fixture
def hub(hub_server: Hub, originals: dict[str, Path]) -> Iterator[Hub]:
    """The hub that has these models."""
    hub_server.clear()
    for name, folder in originals.items():
        hub_server.add(name, {path.name: path.read_bytes() for path in folder.iterdir()})
    yield hub_server
    hub_server.clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the pages take for granted: the files of a person who reads them, and `m2v-lite` on the path."""
    lines = "".join(f"{text}\n" for text in TEXTS)
    for name in ("notes.txt", "app.log"):
        (tmp_path / name).write_text(lines)
    (tmp_path / "docs.jsonl").write_text(
        "".join(json.dumps({"id": number, "body": text}) + "\n" for number, text in enumerate(TEXTS))
    )
    (tmp_path / "reviews.csv").write_text("stars,body\n" + "".join(f"5,{text}\n" for text in TEXTS))
    messages = "".join(json.dumps({"level": "info", "message": text}) + "\n" for text in TEXTS)
    for name, contents in NOTES.items():
        (tmp_path / "notes").mkdir(exist_ok=True)
        (tmp_path / "notes" / name).write_text(contents)
    for day in ("monday", "tuesday"):
        (tmp_path / "logs").mkdir(exist_ok=True)
        (tmp_path / "logs" / f"{day}.jsonl.gz").write_bytes(gzip.compress(messages.encode()))
    program = tmp_path / "bin" / "m2v-lite"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m m2v_lite "$@"\n')
    program.chmod(0o755)
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    return {
        **ENVIRONMENT,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"),
        "HF_HUB_CACHE": str(folder / "cache"),
        "HF_ASSETS_CACHE": str(folder / "assets"),
    }


def run(command: list[str], folder: Path, status: int = 0) -> tuple[str, str]:
    """Run a command, which has to end with this status, and return what it prints and what it says of errors."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=LONGEST,
    )
    assert done.returncode == status, f"{command[-1]}\n{done.stderr[-3000:]}"
    assert "Warning" not in done.stderr
    return done.stdout, done.stderr


def interrupt(line: str, folder: Path) -> str:
    """Run a command until it has encoded the half of big.txt, and press Ctrl-C.

    Until then, big.txt is a pipe, so that the command cannot reach its end.
    """
    big, partial = folder / "big.txt", folder / "big.npy.partial"
    texts = "".join(f"{number}\n" for number in range(2 * MANY))
    half = texts[: texts.index(f"{MANY}\n")]
    os.mkfifo(big)
    pipe = os.open(big, os.O_RDWR)
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "start_new_session": True}
    try:
        with started(["sh", "-c", line], cwd=folder, env=environment(folder), **options) as process:
            os.write(pipe, half.encode())
            size = 128 + MANY * 1024
            wait_for(lambda: partial.exists() and partial.stat().st_size == size, process)
            os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=LONGEST)
    finally:
        os.close(pipe)
    assert f"holds the vectors of {MANY:,} texts" in errors.decode()
    big.unlink()
    big.write_text(texts)
    return ""


def needs_what_is_missing(command: str) -> bool:
    """Tell if a command needs pyarrow, which some machines have no wheel of."""
    return ".parquet" in command and importlib.util.find_spec("pyarrow") is None


# --- the tests


def is_extra(command: Command) -> bool:
    return EXTRA.fullmatch(command.command) is not None


def test_each_command_is_run_or_listed() -> None:
    found = {command.command for command in COMMANDS if not is_extra(command)}
    assert found == RUN.keys() | NOT_RUN.keys()
    assert not RUN.keys() & NOT_RUN.keys()
    assert not any(command.startswith("m2v-lite ") for command in NOT_RUN)
    for _, place in NOT_RUN.values():
        if place is not None and (ROOT / place.split("/")[0]).exists():
            assert (ROOT / place).is_file(), place


def test_each_block_is_known() -> None:
    """No block escapes: none is indented, or of another language."""
    assert {block.language for block in BLOCKS} == {"python", "sh", "text", "py", "diff"}
    fences = sum(len(re.findall(r"^ *(?:```|~~~)", text, re.M)) for text in PAGES.values())
    assert fences == 2 * len(BLOCKS) + 2 * sum(block.output is not None for block in BLOCKS)
    assert {block.page for block in BLOCKS if block.language == "py"} == FRAGMENTS.keys()


@pytest.mark.parametrize("page", sorted({command.page for command in COMMANDS if command.command in RUN}))
def test_the_commands_of_a_page_work(page: str, folder: Path, hub: Hub, originals: dict[str, Path]) -> None:
    if page == "docs/classifiers.md":  # its program makes the classifier
        (program,) = (block.text for block in PROGRAMS if block.page == page)
        run([sys.executable, "-c", program], folder)
    for command in (command for command in COMMANDS if command.page == page and command.command in RUN):
        if needs_what_is_missing(command.command):
            continue
        line = command.line
        for endless, instead in IN_PLACE_OF.items():
            line = line.replace(endless, instead)
        output = interrupt(line, folder) if "Ctrl-C" in line else run(["sh", "-c", line], folder)[0]
        RUN[command.command](Done(folder, output, originals, hub.requests))
        if command.output is not None:
            assert output == command.output


MESSAGES = [block for block in BLOCKS if block.language == "text" and block not in SESSIONS]


def test_the_error_has_the_command_that_converts_a_head() -> None:
    (command,) = (command for command in NOT_RUN if "convert_legacy_pipeline" in command)
    assert str(legacy_head("OLD", "OLD")).endswith(command.replace("'NEW'", "'NEW_FOLDER'"))


def test_a_message_is_what_the_page_says(folder: Path, hub: Hub) -> None:
    (block,) = MESSAGES
    command = f"m2v-lite pack {ENGLISH} notes.txt"
    assert run(["sh", "-c", command], folder, status=1) == ("", block.text)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "py"], ids=name_of)
def test_a_fragment_of_a_program_runs(block: Block, folder: Path, hub: Hub) -> None:
    if block.page == "docs/encode-files.md":
        run(["sh", "-c", "m2v-lite encode --vectors base64 'the kettle is on' > record.json"], folder)
    if block.page == "docs/multilingual.md":
        run(["sh", "-c", f"m2v-lite download {MULTILINGUAL} --pack multilingual.safetensors"], folder)
    before, after = FRAGMENTS[block.page]
    run([sys.executable, "-c", before + block.text + after], folder)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "diff"], ids=name_of)
def test_a_changed_import_gives_the_same_name(block: Block) -> None:
    old, new = block.text.splitlines()
    compile(old[1:], block.page, "exec")  # what it imports need not be installed
    names: dict[str, object] = {}
    exec(compile(new[1:], block.page, "exec", dont_inherit=True), names)
    assert (old[0], new[0]) == ("-", "+")
    assert old.split()[-1] == new.split()[-1]
    assert new.split()[-1] in names


def test_an_extra_is_one_of_the_package() -> None:
    """Each `pip install` with brackets, also in a sentence, names one; and each extra is named by a page."""
    table = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    table = table.partition("[project.optional-dependencies]\n")[2].partition("\n[")[0]
    declared = set(re.findall(r"^([\w-]+) = \[", table, re.M))
    named = {extra for text in PAGES.values() for _, extra in EXTRA.findall(text)} - {"NAME"}
    assert named == declared
    brackets = sum(
        len(re.findall(r"pip install[^`\n]*\n?[^`\n]*\[(?!NAME\])\w", text)) for text in PAGES.values()
    )
    assert brackets == sum(extra != "NAME" for text in PAGES.values() for _, extra in EXTRA.findall(text))
