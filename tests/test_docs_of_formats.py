"""What the pages say of formats, of the path of a text and of the tests is what the code has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import numpy as np
import pytest
from model2vec_left_out import TESTS, WITH_STATIC_MODEL
from page_tables import rows_in, tables_in
from pages import PAGES, ROOT, labels_of, table_below
from sample_texts import SAMPLE_TEXTS

from m2v_lite import StaticModel
from m2v_lite.files import kept_tokenizers, packed_format
from m2v_lite.files.safetensors import SafetensorsFile
from m2v_lite.loading import BUNDLED_MODEL
from m2v_lite.records.writing import partial_file
from m2v_lite.search import database
from m2v_lite.tokenization.unigram import tokenizer as unigram
from m2v_lite.tokenization.wordpiece import mapped_tables

PICTURES = ROOT / "docs" / "pictures"


def test_the_drawing_of_the_path_of_a_text_is_true(bundled: StaticModel) -> None:
    text, shown = "Kettles whistle.", 4
    (ids,) = bundled.tokenize([text])
    rows = bundled.embedding[ids]
    mean, vector = bundled.encode(text, normalize=False), bundled.encode(text)

    def figures(numbers: Iterable[float], form: str) -> list[str]:
        return [f"{number:{form}}".replace("-", "\N{MINUS SIGN}") for number in [*numbers][:shown]]

    wanted = [text, *text.split(), "kettles", "whistle", "."]
    for token_id in ids:
        wanted += [bundled.tokens[token_id], str(token_id)]
    wanted.append(f"{len(bundled.embedding):,} rows in the file; four of them are read")
    for token_id, row in zip(ids, rows, strict=True):
        wanted += [f"row {token_id}", *figures(row.tolist(), "d"), "…"]
    first = " + ".join(figures(rows[:, 0].tolist(), "d")).replace("+ \N{MINUS SIGN}", "\N{MINUS SIGN} ")
    wanted += [f"({first}) / {len(ids)}, …", *figures(mean, "g"), "…"]
    wanted.append(f"{figures(mean, 'g')[0]} / {np.linalg.norm(mean):.2f}, …")
    wanted += [*("0" if number == "0.0000" else number for number in figures(vector, ".4f")), "…"]
    labels = labels_of("path-of-a-text", PICTURES).splitlines()
    assert labels[-len(wanted) :] == wanted
    assert f"{bundled.embedding.dtype}, {bundled.dim} columns" in labels
    assert f"the sum, divided by {len(ids)}" in labels


# --- formats

HOW = "docs/how-it-works.md"


def names_in(table: list[list[str]]) -> set[str]:
    """Return the names in the first column of a table."""
    return {name for first, *_ in table[1:] for name in re.findall(r"`([^`]+)`", first)}


def test_the_versions_of_the_formats_are_those_of_the_code() -> None:
    stated = {row[0]: row[1] for row in table_below(HOW, "## The formats, versioned")[1:]}
    assert stated == {
        "packed model": packed_format.VERSION,
        "packed model with modules": packed_format.VERSION_WITH_MODULES,
        "kept tokenizer": packed_format.VERSION,
        "index": str(database.VERSION),
        "manifest of encode": str(partial_file.VERSION),
    }
    assert f"`{kept_tokenizers.FILE}`" in PAGES[HOW]
    assert f"`0x{database.APPLICATION:08X}`" in PAGES[HOW]
    assert f"version {packed_format.VERSION_WITH_MODULES} if it holds modules" in PAGES[HOW]


def test_the_entries_of_a_packed_model_are_those_of_the_code() -> None:
    section = PAGES[HOW].partition("### The packed model")[2]
    tensors, metadata = (names_in(rows_in(table)) for table in tables_in(section)[:2])
    file = SafetensorsFile(BUNDLED_MODEL)
    assert {*file.tensors} <= tensors
    assert {*file.metadata, packed_format.PREFIX + packed_format.MODULES} == metadata
    vocabulary = {packed_format.VOCABULARY + name for name in mapped_tables.DTYPES}
    pieces = {packed_format.PIECES + name for name in unigram.DTYPES}
    assert {name for name in tensors if name.startswith(("vocabulary.", "pieces."))} == vocabulary | pieces


def test_the_entries_of_an_index_and_of_a_manifest_are_those_of_the_code() -> None:
    tables = set(re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", database.TABLES + database.WORDS))
    assert names_in(table_below(HOW, "### The index")) == tables
    entries = table_below(HOW, "### The manifest of encode")
    assert names_in(entries) == {"m2v_lite.partial", "job", "done"}
    assert set(re.findall(r"`(\w+)`", entries[-1][1])) == {*partial_file.Done._fields}


# --- tests


@pytest.mark.skipif(
    not (ROOT / "tests" / "golden").exists(), reason="the golden files are not part of the package"
)
def test_the_numbers_of_tests_are_those_of_the_files() -> None:
    rows = " ".join(" ".join(row) for row in table_below("docs/reliability.md", "## How each promise"))
    golden = [*(ROOT / "tests" / "golden").glob("*.npz")]
    by_hand, equivalent = (
        json.loads((ROOT / "scripts" / name).read_text(encoding="utf-8"))
        for name in ("mutants_by_hand.json", "equivalent_mutants.json")
    )
    assert f"{len(SAMPLE_TEXTS)} texts with {len(golden)} models" in rows
    assert f"{len(by_hand)} changes by hand" in rows
    assert f"{sum(map(len, equivalent.values()))} changes that make no difference" in rows
    total = sum(TESTS.values())
    assert f"{total - sum(test.cases for test in WITH_STATIC_MODEL)} of {total} tests" in rows
