"""`Index` finds what a search of all vectors finds, and keeps what it was given."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sample_texts import random_texts
from time_limit import LONGEST, await_end, started

from m2v_lite import InputTypeError, InputValueError, InvalidIndexError, M2VLiteError, StaticModel
from m2v_lite.search import Hit, Index, database, full_text, fusion, nearest, vector_blocks

TEXTS = [
    "The kettle is on.",
    "Water is boiling in the kitchen.",
    "The train to Nantes was late.",
    "Error E42: the pump has stopped.",
    "Zażółć gęślą jaźń",
    "東京の天気は晴れです",
    "",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.db"


@pytest.fixture
def index(path: Path, bundled: StaticModel) -> Iterator[Index]:
    with Index(path, bundled) as opened:
        yield opened


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_blocks, "PAGES", 4)
    monkeypatch.setattr(vector_blocks, "PAGE_BYTES", 1100)
    monkeypatch.setattr(nearest, "STEP", 7)


@pytest.mark.parametrize("compared", [1000, 0], ids=["all rows", "a choice by bits"])
@pytest.mark.parametrize("precision", ["int8", "float32"])
def test_the_nearest_are_those_of_all_vectors(
    precision: str,
    compared: int,
    path: Path,
    bundled: StaticModel,
    small_blocks: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nearest, "COMPARED", compared)
    monkeypatch.setattr(nearest, "CHOSEN", 150)
    texts = random_texts(200, seed=5)
    queries = random_texts(20, seed=6)
    vectors = bundled.encode(texts, normalize=True)
    with Index(path, bundled, precision=precision) as index:
        for start in (0, 5, 90):
            stop = {0: 5, 5: 90, 90: 200}[start]
            index.add(texts[start:stop], ids=range(start, stop))
        assert len(index) == 200
        for query in queries:
            scores = vectors @ bundled.encode(query, normalize=True)
            hits = index.search(query, limit=9, mode="vector")
            if not bundled.encode(query).any():
                assert hits == []
                continue
            found = [int(hit.id) for hit in hits]
            assert [hit.text for hit in hits] == [texts[number] for number in found]
            tolerance = 0.01 if precision == "int8" else 1e-6
            np.testing.assert_allclose([hit.score for hit in hits], scores[found], atol=tolerance)
            np.testing.assert_allclose(scores[found], np.sort(scores)[::-1][:9], atol=2 * tolerance)
            assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_modes(index: Index) -> None:
    index.add(TEXTS, ids=range(len(TEXTS)))
    assert index.search("E42", mode="text")[0].id == 3
    assert [hit.id for hit in index.search("kettle train", mode="text")] == [0, 2]
    assert index.search("tea water", limit=2, mode="vector")[0].id in (0, 1)
    hybrid = index.search("E42 pump")
    assert hybrid[0].id == 3
    (by_words,) = index.search("E42 pump", limit=1, mode="text")
    (by_vector,) = index.search("E42 pump", limit=1, mode="vector")
    assert hybrid[0].score == pytest.approx(by_words.score + fusion.WEIGHT * by_vector.score, rel=1e-5)
    assert index.search("gesla", mode="text")[0].id == 4, "marks do not count"
    assert index.search("?!", mode="text") == []
    for mode in ("hybrid", "vector", "text"):
        assert index.search("", mode=mode) == index.search(" \n", mode=mode) == []
    with pytest.raises(InputValueError, match="mode is str 'words'; give one of hybrid, vector, text"):
        index.search("a", mode="words")


def test_common_words_are_left_out_where_there_are_rarer_ones(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add([f"the text {number} in the Café" + " kettle" * (number == 7) for number in range(50)])
    assert len(index.search("The cafe kettle", mode="text", limit=99)) == 50
    monkeypatch.setattr(full_text, "MOST_MATCHES", 50)
    assert [hit.id for hit in index.search("the CAFÉ kettle", mode="text")] == [8]
    assert len(index.search("the cafe", mode="text", limit=99)) == 50, "one word is always looked for"
    assert index.search("unknown_kettle", mode="text")[0].id == 8


def test_words_are_those_of_the_index_in_every_script(index: Index) -> None:
    texts = [
        "Το συνθηματικό τροποποιήθηκε επιτυχώς",
        "ΤΟ ΤΈΛΟΣ",
        "Đặt lại mật khẩu İstanbul ŁÓDŹ Straße",
        "Пароль был изменён",
        "गोपनीयता नीति",
        "รหัสผ่าน",
        "כניסה مرحبا",
        "東京の天気は晴れです",
        "ភាសា ພາສາ မြန်မာ",
        "Ｆｕｌｌ ﬁle",
    ]
    index.add(texts, ids=range(len(texts)))
    for number, text in enumerate(texts):
        for word in text.split():
            for query in (word, word.lower(), f"unknown {word}"):
                assert number in [hit.id for hit in index.search(query, mode="text")], query
    assert [hit.id for hit in index.search("lodz", mode="text")] == []  # ł is a letter of its own
    for query, expected in {
        "изменен": 3,
        "τελος": 1,
        "דָּבָר": None,
        "天気": 7,
        "京の天": 7,
        "京天": None,
        "晴": 7,
        "ผ่าน": 5,
        "full FILE": 9,
        "strasse": 2,
    }.items():
        right = [] if expected is None else [expected]
        assert [hit.id for hit in index.search(query, mode="text")] == right, query


@pytest.mark.parametrize(
    "query", ['"', 'a" OR b', "NEAR(a b)", "text:a", "a*", "-a", "a AND", "'; --", "\0", "^a"]
)
def test_a_query_has_no_operators(query: str, index: Index) -> None:
    index.add(["a", "b", "nothing"])
    assert {hit.text for hit in index.search(query, mode="text")} <= {"a", "b"}
    assert len(index.search(query)) == 3 * bool(query.strip("\0"))


def test_the_limit(index: Index) -> None:
    index.add([f"text {number}" for number in range(300)])
    for limit in (1, 150, 300, 1000):
        for mode in ("vector", "text", "hybrid"):
            assert len(index.search("text", limit=limit, mode=mode)) == min(limit, 300)
    for wrong in (0, -1, "3"):
        with pytest.raises((InputValueError, InputTypeError), match="limit"):
            index.search("text", limit=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="query is int 3; give a text"):
        index.search(3)  # type: ignore[arg-type]


def test_an_empty_index(index: Index) -> None:
    assert len(index) == 0
    assert index.search("tea") == []
    assert index.add([]) == []
    assert index.remove([1, "a"]) == 0
    index.vacuum()


# --- ids


def test_ids_are_given_back(index: Index) -> None:
    assert index.add(["a", "b"]) == [1, 2]
    assert index.add(["c", "d"], ids=["x", 7]) == ["x", 7]
    (number,) = index.add(["e"])
    assert isinstance(number, int)
    assert number > 7, "numbers that were not given before"
    texts = {1: "a", 2: "b", "x": "c", 7: "d", number: "e"}
    assert {hit.id: hit.text for hit in index.search("kettle")} == texts
    assert index.remove([2, "x", "unknown"]) == 2
    assert index.add(["f"]) == [number + 1]
    assert {hit.id for hit in index.search("kettle")} == {1, 7, number, number + 1}
    assert index.add(["g"], ids=np.array([7])) == [7]
    assert {hit.id: hit.text for hit in index.search("kettle")}[7] == "g"
    assert len(index) == 4


def test_a_text_takes_the_place_of_another(index: Index) -> None:
    index.add(["old text about tea"], ids=["note"], metadata=[{"a": 1}])
    index.add(["new text about trains"], ids=["note"])
    assert len(index) == 1
    for mode in ("vector", "text", "hybrid"):
        hits = index.search("tea trains", mode=mode)
        assert [(hit.id, hit.text, hit.metadata) for hit in hits] == [("note", "new text about trains", {})]
    assert index.search("old", mode="text") == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from("aarv"), st.lists(st.integers(0, 60), min_size=1, max_size=40, unique=True)
        ),
        max_size=8,
    )
)
def test_any_changes_leave_what_was_not_taken_away(
    steps: list[tuple[str, list[int]]],
    tmp_path_factory: pytest.TempPathFactory,
    bundled: StaticModel,
    small_blocks: None,
) -> None:
    path = tmp_path_factory.mktemp("index") / "notes.db"
    kept: dict[int, str] = {}
    with Index(path, bundled) as index:
        for number, (step, ids) in enumerate(steps):
            if step == "a":
                texts = [f"tea {one} of step {number}" for one in ids]
                index.add(texts, ids=ids)
                kept.update(zip(ids, texts, strict=True))
            elif step == "r":
                assert index.remove(ids) == len(kept.keys() & {*ids})
                kept = {one: text for one, text in kept.items() if one not in ids}
            else:
                index.vacuum()
        for mode in ("vector", "text"):
            assert {hit.id: hit.text for hit in index.search("tea", limit=100, mode=mode)} == kept
        assert len(index) == len(kept)
    check_integrity(path)


def check_integrity(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    connection.close()


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"texts": "one"}, InputTypeError, "texts is str 'one'; give a list with one for each text"),
        ({"texts": [3]}, InputTypeError, "text 0 is int 3, not a str"),
        ({"texts": ["a", "b\ud800"]}, InputValueError, r"text 1: holds the lone surrogate"),
        ({"texts": ["a"], "ids": [1, 2]}, InputValueError, "there are more ids than texts"),
        ({"texts": ["a", "b"], "ids": [1]}, InputValueError, "there are fewer ids than texts"),
        (
            {"texts": ["a"], "metadata": []},
            InputValueError,
            "there are fewer mappings of metadata than texts",
        ),
        ({"texts": ["a"], "ids": [None]}, InputTypeError, "an id is None; give integers or texts"),
        ({"texts": ["a"], "ids": [True]}, InputTypeError, "an id is bool True; give integers or texts"),
        ({"texts": ["a"], "ids": [1 << 62]}, InputValueError, r"the id \d+ is too large"),
        ({"texts": ["a", "b"], "ids": ["x", "x"]}, InputValueError, "the id 'x' is given twice"),
        ({"texts": ["a"], "metadata": [3]}, InputTypeError, "metadata of text 0 is int 3; give a mapping"),
        (
            {"texts": ["a"], "metadata": [{"a": {1}}]},
            InputValueError,
            "metadata of text 0 cannot be written as JSON",
        ),
        ({"texts": ["a"], "metadata": [{"a": float("nan")}]}, InputValueError, "cannot be written as JSON"),
    ],
)
def test_what_cannot_be_added(
    arguments: dict[str, Any], kind: type[Exception], message: str, index: Index
) -> None:
    with pytest.raises(kind, match=message):
        index.add(**arguments)
    assert len(index) == 0
    assert index.add(["a"]) == [1]


# --- conditions


def test_conditions_on_metadata(index: Index) -> None:
    rows: list[dict[str, Any] | None] = [
        {"shelf": 1, "kind": "green", "sold": True, "note": None},
        {"shelf": 2, "kind": "black", "sold": False},
        {"shelf": 2.0, "kind": "2", "odd \"name'": "x"},
        None,
    ]
    index.add([f"tea {number}" for number in range(4)], ids=range(4), metadata=rows)

    def found(where: dict[str, Any]) -> set[int | str]:
        modes = [
            {hit.id for hit in index.search("tea", mode=mode, where=where)} for mode in ("vector", "text")
        ]
        assert modes[0] == modes[1]
        return modes[0]

    assert found({"shelf": 1}) == {0}
    assert found({"shelf": 2}) == {1, 2}
    assert found({"shelf": [1, 2], "sold": [True, False]}) == {0, 1}
    assert found({"sold": True}) == {0}
    assert found({"sold": 1}) == set(), "a number is no bool"
    assert found({"kind": "2"}) == {2}
    assert found({"kind": 2}) == set()
    assert found({"note": None}) == {0}
    assert found({"odd \"name'": "x"}) == {2}
    assert found({"kind": "x' OR 1=1 --"}) == set()
    assert found({"kind": []}) == set()
    assert found({}) == {0, 1, 2, 3}
    assert index.search("tea", limit=1, where={"shelf": 1})[0].metadata == rows[0]
    with pytest.raises(InputTypeError, match="where: 'kind' is bytes b'x'; give a text, a number"):
        index.search("tea", where={"kind": b"x"})
    assert index.search("tea", path="*.md") == []


# --- the file


def test_an_index_is_opened_again(path: Path, bundled: StaticModel) -> None:
    with Index(path, precision="float32") as index:
        index.add(TEXTS)
        before = index.search("tea")
    with Index(path) as index:
        assert index.search("tea") == before
        assert isinstance(before[0], Hit)
    assert [file.name for file in path.parent.iterdir()] == ["notes.db"]
    with pytest.raises(InvalidIndexError, match="this index is closed; open it again"):
        index.search("tea")


def test_another_model_is_refused(path: Path, tiny: Any, bundled: StaticModel) -> None:
    folder = tiny("wordpiece-float32")
    with Index(path, folder) as index:
        index.add(["a b"])
    with Index(path) as index:  # the model is found again
        assert index.model.dim == StaticModel.from_pretrained(folder).dim
        assert len(index.search("a")) == 1
    with pytest.raises(
        InvalidIndexError, match=r"this index was made with .*, but you gave another model; give that"
    ):
        Index(path, bundled)
    columns = StaticModel.from_pretrained(folder, dimensionality=2)
    with pytest.raises(InvalidIndexError, match=r"columns\), but you gave another model"):
        Index(path, columns)


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_model_by_a_relative_path_is_found_from_another_folder(
    is_packed: bool, path: Path, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in the hub's cache: a path is no name on the hub, and has no revision there.
    folder = Path("snapshots", "0123abcd")
    monkeypatch.chdir(tmp_path)
    saved = StaticModel.from_pretrained(tiny("wordpiece-float32"))
    if is_packed:
        folder.parent.mkdir()
        saved.save_packed(folder)
    else:
        saved.save_pretrained(folder)
    models: list[str | StaticModel] = [os.fspath(folder), StaticModel.from_pretrained(folder)]
    for number, model in enumerate(models):
        monkeypatch.chdir(tmp_path)
        with Index(f"{path}{number}", model) as index:
            index.add(["a tea"])
            assert index.status().model == os.fspath(tmp_path / folder)
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / "elsewhere")
        with Index(f"{path}{number}") as index:
            assert len(index.search("tea", mode="vector")) == 1


def test_a_model_without_files_is_refused(path: Path, bundled: StaticModel) -> None:
    model = StaticModel(np.ones((len(bundled.tokens), 4), np.float32), bundled.tokenizer)
    with pytest.raises(InputValueError, match="an index cannot recognize a model without files; save it"):
        Index(path, model)


def test_what_is_no_index(tmp_path: Path, path: Path) -> None:
    with pytest.raises(InvalidIndexError, match=r"there is no index; make one with: m2v-lite index PATH"):
        Index(path, create=False)
    assert not path.exists()
    with pytest.raises(InvalidIndexError, match="this is a folder, not a file; give another path"):
        Index(tmp_path)
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (a)")
    connection.close()
    content = other.read_bytes()
    with pytest.raises(InvalidIndexError, match=r"other.db: this is an SQLite database of another program"):
        Index(other)
    assert other.read_bytes() == content
    text = tmp_path / "notes.txt"
    text.write_text("notes\n" * 500)
    with pytest.raises(InvalidIndexError, match=r"notes.txt: not an m2v_lite index, or damaged"):
        Index(text)
    assert text.read_text() == "notes\n" * 500
    with pytest.raises(InvalidIndexError, match=r"there is no folder .*missing; create it first"):
        Index(tmp_path / "missing" / "notes.db")
    for wrong in ("", "a\0b"):
        with pytest.raises(InputValueError, match="give the name of a file"):
            Index(wrong)
    (tmp_path / "empty.db").touch()
    with pytest.raises(InvalidIndexError, match="there is no index"):
        Index(tmp_path / "empty.db", create=False)
    assert (tmp_path / "empty.db").stat().st_size == 0
    with pytest.raises(InputValueError, match="precision is str 'int4'; give one of int8, float32"):
        Index(path, precision="int4")


def test_a_file_of_another_version(path: Path) -> None:
    Index(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=9")
    connection.close()
    with pytest.raises(
        InvalidIndexError, match="this index has version 9, but this m2v_lite reads version 1"
    ):
        Index(path)


def test_a_damaged_file_is_told(path: Path, bundled: StaticModel) -> None:
    with Index(path, bundled) as index:
        index.add(random_texts(300, seed=2))
    content = bytearray(path.read_bytes())
    generator = random.Random(4)
    told = 0
    for _ in range(30):
        damaged = bytearray(content)
        for _ in range(40):
            start = generator.randrange(100, len(damaged) - 64)
            damaged[start : start + 64] = generator.randbytes(64)
        path.write_bytes(damaged)
        try:
            with Index(path, bundled) as index:
                index.search("tea")
                len(index)
        except (InvalidIndexError, OSError) as error:
            told += str(path) in str(error)
    assert told > 5


def test_an_index_without_words(path: Path, bundled: StaticModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WORDS", "CREATE VIRTUAL TABLE words USING no_such_module(text)")
    with Index(path, bundled) as index:
        index.add(TEXTS, ids=range(len(TEXTS)))
        index.add(["later"], ids=[0])
        assert index.search("train")[0].id == 2
        with pytest.raises(InputValueError, match=r"mode 'text' needs SQLite with FTS5"):
            index.search("train", mode="text")
        index.remove([2])
        index.vacuum()
        assert len(index) == len(TEXTS) - 1


# --- many at once


def test_threads_search_while_one_writes(index: Index) -> None:
    index.add(TEXTS, ids=range(len(TEXTS)))
    failures: list[Exception] = []
    is_done = threading.Event()

    def search() -> None:
        while not is_done.is_set():
            try:
                for mode in ("vector", "text", "hybrid"):
                    assert index.search("train to Nantes", limit=1, mode=mode)[0].id == 2
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        ids = [f"more {number} {one}" for one in range(50)]
        index.add(["nothing of the kind"] * 50, ids=ids)
        index.remove(ids[::2])
    is_done.set()
    for thread in threads:
        await_end(thread)
    assert failures == []
    assert len(index) == len(TEXTS) + 20 * 25


ADD = """
import sys
from m2v_lite.search import Index
with Index(sys.argv[1]) as index:
    for number in range(int(sys.argv[2])):
        texts = [f"writer {sys.argv[3]}, text {number}, {one}" for one in range(40)]
        index.add(texts, ids=[f"{sys.argv[3]}-{number}-{one}" for one in range(40)])
        if number:
            index.remove([f"{sys.argv[3]}-{number - 1}-{one}" for one in range(0, 40, 2)])
        print(number, flush=True)
"""


def test_processes_take_turns(path: Path) -> None:
    commands = [[sys.executable, "-c", ADD, str(path), "10", name] for name in "ab"]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    try:
        assert [process.wait(LONGEST) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.wait(LONGEST)
    check_integrity(path)
    with Index(path) as index:
        assert len(index) == 2 * (9 * 20 + 40)
        assert index.search("writer b, text 9, 39", limit=1, mode="vector")[0].id == "b-9-39"


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_what_was_committed_stays_when_the_writer_is_killed(path: Path, bundled: StaticModel) -> None:
    generator = random.Random(1)
    for run in range(8):
        path.unlink(missing_ok=True)
        with started([sys.executable, "-c", ADD, str(path), "1000", "a"], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            steps = [int(process.stdout.readline()) for _ in range(generator.randrange(1, 12))]
            time.sleep(generator.random() * 0.01)
            process.send_signal(signal.SIGKILL)
            process.wait(LONGEST)
            steps += map(int, process.stdout.read().split())
        check_integrity(path)
        with Index(path, bundled) as index:
            with closing(sqlite3.connect(path)) as connection:
                names = [name for (name,) in connection.execute("SELECT name FROM chunks")]
            last = max(int(name.split("-")[1]) for name in names)
            assert last in (steps[-1], steps[-1] + 1), run
            expected = {f"a-{number}-{one}" for number in range(last + 1) for one in range(40)}
            gone = {f"a-{number}-{one}" for number in range(last) for one in range(0, 40, 2)}
            if last > steps[-1]:  # between the two calls of a step
                now = {f"a-{last - 1}-{one}" for one in range(0, 40, 2)}
                assert {*names} in (expected - gone, expected - gone | now)
            else:
                assert {*names} == expected - gone
            found = index.search("writer a", limit=10_000, mode="vector")
            assert {hit.id for hit in found} == {*names}


def test_metadata_is_what_json_keeps(index: Index) -> None:
    metadata = {"a": [1, {"b": None}], "é": "ü", "n": 1.5}
    index.add(["tea"], metadata=[metadata])
    assert index.search("tea")[0].metadata == json.loads(json.dumps(metadata))


def test_an_id_given_twice_is_removed_once(index: Index) -> None:
    numbers = index.add(["alpha beta"] * 901)
    assert index.remove([*numbers[:900], *numbers[:900]]) == 900
    assert [hit.id for hit in index.search("alpha", mode="text")] == [901]
    assert index.remove([901] * 2000) == 1
    assert index.search("alpha") == []


def test_a_number_and_its_digits_are_two_ids(index: Index) -> None:
    assert index.add(["one", "two"]) == [1, 2]
    assert index.add(["other"], ids=["1"]) == ["1"]
    assert index.remove(["2"]) == 0
    assert index.remove(["1"]) == 1
    assert {hit.text for hit in index.search("one")} == {"one", "two"}


def test_a_number_that_was_an_id_is_not_given_again(index: Index) -> None:
    index.add(["a"], ids=[5])
    index.remove([5])
    (number,) = index.add(["b"])
    assert isinstance(number, int)
    assert number > 5


def test_an_unknown_word_does_not_count(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_text, "MOST_MATCHES", 3)
    index.add([f"the pump {number}" for number in range(20)])
    assert len(index.search("the zzunknown", mode="text")) == 10


def test_threads_that_are_over_keep_no_files_open(path: Path, bundled: StaticModel) -> None:
    with Index(path, bundled) as index:
        index.add(TEXTS)
        for _ in range(20):
            thread = threading.Thread(target=index.search, args=("tea",))
            thread.start()
            await_end(thread)
        assert len(index._database._idle) == 1


def test_an_index_may_be_closed_while_others_search(path: Path, bundled: StaticModel) -> None:
    Index(path, bundled).add([f"text {number} of the kettle" for number in range(3000)])
    for _ in range(5):
        index = Index(path, bundled)
        ends: list[str] = []
        started_searches = threading.Barrier(4)

        def search(
            index: Index = index, ends: list[str] = ends, all_are_there: Any = started_searches
        ) -> None:
            all_are_there.wait(LONGEST)
            try:
                while True:
                    assert len(index.search("kettle text")) == 10
            except InvalidIndexError as error:
                ends.append(str(error))

        threads = [threading.Thread(target=search) for _ in range(3)]
        for thread in threads:
            thread.start()
        started_searches.wait(LONGEST)
        time.sleep(0.02)
        index.close()
        for thread in threads:
            await_end(thread)
        assert ends == [f"{path}: this index is closed; open it again"] * 3


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"where": "a"}, InputTypeError, "where is str 'a'; give a mapping"),
        ({"where": [("a", 1)]}, InputTypeError, "give a mapping"),
        ({"where": {1: "a"}}, InputTypeError, "the name 1 is int 1; give a text"),
        ({"where": {"\ud800": 1}}, InputValueError, "where: a name"),
        ({"where": {"a": "\ud800"}}, InputValueError, "where: 'a'"),
        ({"where": {f"n{number}": 1 for number in range(2000)}}, InputValueError, "give at most 100"),
        ({"path": 5}, InputTypeError, "path is int 5"),
        ({"path": "\udc80"}, InputValueError, "path"),
    ],
)
def test_wrong_conditions(
    arguments: dict[str, Any], error: type[Exception], message: str, index: Index
) -> None:
    index.add(["tea"], metadata=[{"a": 1}])
    with pytest.raises(error, match=message):
        index.search("tea", **arguments)


def test_conditions_of_all_kinds(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.add(["tea", "tea"], metadata=[{"a": 1, "b": 2**70}, {"a": [1], "b": True}])
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"a": np.int64(1)}, [1]),
        ({"a": np.float32(1)}, [1]),
        ({"a": list(range(3000))}, [1]),
        ({"a": []}, []),
        ({"b": 2**70}, [1]),
        ({"b": True}, [2]),
        ({"b": [1, "true", None]}, []),
    ]
    for where, right in cases:
        assert [hit.id for hit in index.search("tea", where=where)] == right, where
    (tmp_path / "a[b").mkdir()
    (tmp_path / "a[b" / "tea.md").write_text("tea")
    index.update(tmp_path / "a[b" / "tea.md")
    monkeypatch.chdir(tmp_path / "a[b")
    for pattern in ("tea.md", "*.md", Path("tea.md"), str(tmp_path / "*" / "tea.md")):
        assert len(index.search("tea", path=pattern)) == 1, pattern
    assert index.search("tea", path="other/tea.md") == []


def test_a_model_that_is_gone_is_told(path: Path, tiny: Any, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    StaticModel.from_pretrained(tiny("wordpiece-float32")).save_pretrained(folder)
    with Index(path, folder) as index:
        index.add(["a"])
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(InvalidIndexError, match="the model of this index cannot be loaded"):
        Index(path)
    assert len(Index(path, tmp_path / "elsewhere")) == 1


def test_a_model_that_cannot_be_loaded_leaves_no_file(path: Path, bundled: StaticModel) -> None:
    with pytest.raises(M2VLiteError, match="no such folder"):
        Index(path, "./no-model")
    assert list(path.parent.iterdir()) == []
    Index(path, bundled).close()
    with pytest.raises(M2VLiteError, match="no such folder"):
        Index(path, "./no-model")
    assert path.exists()


def test_vacuum_makes_the_file_small_again(
    path: Path, bundled: StaticModel, small_blocks: None, tmp_path: Path
) -> None:
    texts = random_texts(300, seed=9)
    with Index(path, bundled) as index, Index(tmp_path / "fresh.db", bundled) as fresh:
        index.add(texts, ids=range(300))
        index.remove(number for number in range(300) if number % 7)
        index.vacuum()
        kept = range(0, 300, 7)
        fresh.add([texts[number] for number in kept], ids=kept)
        fresh.vacuum()
        assert path.stat().st_size <= (tmp_path / "fresh.db").stat().st_size + 8192
        for query in texts[:20]:
            for mode in ("vector", "text"):
                assert index.search(query, mode=mode) == fresh.search(query, mode=mode)
        index.add(["more"], ids=["more"])
        index.remove([0, 14])
        index.vacuum()
        assert len(index) == len(kept) - 1
        assert index.search("more", 1, mode="text")[0].id == "more"
