"""The benchmarks: their texts and arithmetic, where they write, and short runs if the peers are installed."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from time_limit import LONGEST

from m2v_lite import StaticModel

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are not part of the installed package", allow_module_level=True)
PEERS = ["model2vec", "laghu_rs", "laghu", "fastembed", "static_embed_runner"]
LANGUAGES = re.findall(r"\w+", "de fr tr vi fi pl, ru uk bg, ja zh ko, ar he th hi el fa ka")
HEADER = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n != 1;\n"


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


RESULTS = BENCHMARKS / "results"
OF_THE_RESULTS = pytest.mark.skipif(
    not RESULTS.exists(), reason="the results are not part of the source archive"
)


def contents_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*")}


@pytest.fixture(autouse=True, scope="module")
def _committed_results_stay() -> Iterator[None]:
    """Check that no test of this file changes the committed results."""
    before = contents_of(RESULTS)
    yield
    assert contents_of(RESULTS) == before


def run(script: Path, *arguments: object, **environment: str) -> str:
    """Run a benchmark, and return what it prints."""
    command = [sys.executable, str(script), *map(str, arguments)]
    variables = {**os.environ, **environment}
    done = subprocess.run(command, env=variables, check=True, stdout=subprocess.PIPE, text=True, timeout=60)
    return done.stdout


def make_would_run(*arguments: str) -> str:
    """Return the commands that make would run."""
    # Variables on the command line of `make test` must not reach this make.
    environment = {
        name: value for name, value in os.environ.items() if "MAKE" not in name and name != "MFLAGS"
    }
    command = ["make", "--dry-run", "--directory", str(ROOT), *arguments]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=20)
    return done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(
    "target",
    [
        *("compare", "footprint", "quality", "plots", "memory-cap", "small-computer", "gauge"),
        *("compare-multilingual", "footprint-multilingual", "memory-of-use"),
        *(
            "search-speed",
            "search-quality",
            "search-side-by-side",
            "bench-engines",
            "many-texts",
            "side-by-side",
        ),
    ],
)
def test_make_writes_committed_results_only_if_asked(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECORD", "1")  # the environment does not count
    for not_asked in ([], ["RECORD=0"]):
        commands = make_would_run(target, *not_asked)
        assert " --out benchmarks/local-results" in commands
        assert "benchmarks/results" not in commands
    assert " --out benchmarks/results" in make_would_run(target, "RECORD=1")


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_other_targets_write_no_committed_results() -> None:
    assert "benchmarks/results" not in make_would_run("bench", "test-memory-cap", "RECORD=1")
    assert " --out benchmarks/results" in make_would_run("gauge-record")


@pytest.mark.parametrize(
    "name",
    [
        *("compare", "footprint", "quantization_quality", "plots", "memory_cap", "small_computer"),
        *("instructions", "memory_of_use", "search_speed", "search_quality", "search_side_by_side"),
        *("engines", "many_texts", "side_by_side"),
    ],
)
def test_a_benchmark_writes_to_an_untracked_folder(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from results_folder import LOCAL

    if name in ("plots", "engines", "many_texts"):
        pytest.importorskip("matplotlib" if name == "plots" else "pyarrow")
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit, match="0"):
        importlib.import_module(name).main()
    assert f"write the results to this folder (default: {LOCAL})" in capsys.readouterr().out
    assert f"{LOCAL.relative_to(ROOT)}/" in (ROOT / ".gitignore").read_text().splitlines()


def test_results_say_where_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from results_folder import write_results

    folder = tmp_path / "new" / "folder"
    write_results(folder, "speed", {"rounds": 1}, "a table")
    assert capsys.readouterr().out == f"wrote {folder / 'speed.json'}\nwrote {folder / 'speed.md'}\n"
    assert json.loads((folder / "speed.json").read_text()) == {"rounds": 1}
    assert (folder / "speed.md").read_text() == "a table"
    write_results(folder, "counts", {})
    assert sorted(contents_of(folder)) == ["counts.json", "speed.json", "speed.md"]


def write_catalog(path: Path, translations: dict[str, str]) -> None:
    """Write a catalog as msgfmt does: the numbers of strings, where each is, and the strings."""
    pairs = [(key.encode(), text.encode()) for key, text in sorted({"": HEADER, **translations}.items())]
    tables, strings = b"", b""
    start = 28 + 16 * len(pairs)
    for of in zip(*pairs, strict=True):
        for string in of:
            tables += struct.pack("<2I", len(string), start + len(strings))
            strings += string + b"\0"
    path.parent.mkdir(parents=True)
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    path.write_bytes(head + tables + strings)


@pytest.fixture(scope="module")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a catalog of 300 made-up sentences in each language that the corpora need."""
    folder = tmp_path_factory.mktemp("catalogs")
    for language in LANGUAGES:
        sentences = {f"{number}": f"{language} предложение číslo {number} 東京" for number in range(300)}
        write_catalog(folder / "package" / language / "LC_MESSAGES" / "package.mo", sentences)
    return folder


def test_sentences_of_catalogs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import catalogs

    monkeypatch.setattr(catalogs, "FEWEST", 3)
    long = "a sentence of more than 20 letters"
    many = "%d предложений, так что их много"
    german = {
        "a": "Dieser Satz ist lang genug.",
        "b": "zu kurz",
        long: long,
        f"menu\x04{long} ": f"{long} ",
        "one\0many": f"eine einzige ganz und gar allein\0{many}",
    }
    write_catalog(tmp_path / "one" / "locale" / "de" / "LC_MESSAGES" / "x.mo", german)
    write_catalog(
        tmp_path / "two" / "de_AT" / "LC_MESSAGES" / "x.mo", {"c": german["a"], "d": "Österreich " * 3}
    )
    write_catalog(
        tmp_path / "two" / "zh_Hans" / "LC_MESSAGES" / "x.mo", {"a": "太少" * 10, "b": "太少了" * 10}
    )
    english = {letter: f"{letter} is spelled like this here" for letter in "abc"}
    write_catalog(tmp_path / "two" / "en_GB" / "LC_MESSAGES" / "x.mo", english)
    assert catalogs.sentences_by_language(tmp_path) == {
        "de": sorted([german["a"], "eine einzige ganz und gar allein", many, "Österreich " * 3])
    }
    with pytest.raises(SystemExit, match="no language with 3 sentences"):
        catalogs.sentences_by_language(tmp_path / "two" / "zh_Hans")


def test_corpora_have_the_texts_that_they_promise(catalogs: Path) -> None:
    from catalogs import sentences_by_language
    from corpora import LANGUAGES as GROUPS, corpora

    sentences = sentences_by_language(catalogs)
    assert {name: len(of) for name, of in sentences.items()} == dict.fromkeys(sorted(LANGUAGES), 300)
    all_texts = {name: make() for name, make in corpora(sentences, 1000).items()}
    for name, (first, unseen) in all_texts.items():
        number = min(1000, 150 * len(GROUPS.get(name, LANGUAGES)))
        assert len(first) == len(unseen) == number, name
        assert len({*first, *unseen}) == 2 * number, name
        if "ASCII" in name:
            assert all(text.isascii() is ("not ASCII" not in name) for text in first + unseen)
        if name.startswith("no word twice"):
            words = " ".join(first + unseen).split()
            assert len(set(words)) == len(words)
    assert all(len(text) < 300 for text in all_texts["short ASCII"][0])
    assert all(1000 < len(text) < 3000 for text in all_texts["long"][0])
    assert {text[:2] for text in all_texts["CJK"][0]} == {"ja", "zh", "ko"}
    del sentences["ka"]
    with pytest.raises(SystemExit, match="too few sentences in ka"):
        corpora(sentences)["other scripts"]()


def test_many_short_texts_all_differ() -> None:
    from corpora import many_short_texts

    ((first, unseen),) = many_short_texts(4000).values()
    assert len({*first, *unseen}) == len(first) + len(unseen) == 5000
    assert all(75 <= len(text) < 200 for text in first + unseen)


def test_workers_get_their_own_row() -> None:
    from compare import table

    measured = {"m2v_lite": [2.0], "m2v_lite_workers": [1.0], "peer": [6.0]}
    rows = table({"short": {"first": measured}}, ["peer"])
    assert "| short | batch, first pass | **3.00** (3.00-3.00) |" in rows
    assert "| short | batch, first pass, workers | **6.00** (6.00-6.00) |" in rows


def test_the_table_shows_ratios_within_a_round() -> None:
    from compare import table

    seconds = {"prose": {"first": {"m2v_lite": [1.0, 2.0, 1.0], "peer": [3.0, 8.0, 5.0]}}}
    assert "| prose | batch, first pass | **4.00** (3.00-5.00) |" in table(seconds, ["peer"])


def test_one_other_bit_is_found() -> None:
    from compare import OURS, WITH_WORKERS, check
    from contender import difference

    right = np.array([[0.5, 0.25], [1, 0], [0, 0]], np.float32)
    nearly, other, no_number = right.copy(), right.copy(), right.copy()
    nearly[1, 0] = np.nextafter(nearly[1, 0], np.float32(2))
    other[2] = 0.001
    no_number[0, 1] = np.nan
    assert difference(right, right) == {"of": 3, "other": 0, "far": 0, "largest": 0.0}
    for wrong, far in ((nearly, 0), (other, 1), (no_number, 1)):
        found = difference(wrong, right)
        assert (found["other"], found["far"]) == (1, far)
        for name in (OURS, WITH_WORKERS):
            with pytest.raises(SystemExit, match=f"{name}: other vectors"):
                check(name, "long", {"first": difference(right, right), "one": found})
        check("laghu", "long", {"first": found})  # the report counts these
        if far:
            with pytest.raises(SystemExit, match="model2vec: other vectors"):
                check("model2vec", "long", {"first": found})
    with pytest.raises(AssertionError):
        difference(right[:1], right)


def test_other_vectors_are_counted_in_the_report() -> None:
    from compare import say_far

    texts = {"long": [1000, 1000], "CJK": [5, 5]}
    far = {"model2vec": {"long": 0, "CJK": 0}, "peer": {"long": 3, "CJK": 0}, "other": {"long": 1, "CJK": 2}}
    assert say_far(far, texts).splitlines() == [
        "peer gives other vectors than model2vec: long 3 of 2,000.",
        "",
        "other gives other vectors than model2vec: long 1 of 2,000; CJK 2 of 10.",
    ]
    assert say_far({"model2vec": far["model2vec"]}, texts) == ""


def test_only_the_chosen_kinds_of_texts_are_made() -> None:
    from compare import chosen

    def unwanted() -> tuple[list[str], list[str]]:
        raise AssertionError

    assert chosen({"a": lambda: (["x"], ["y"]), "b": unwanted}, ["a"]) == {"a": (["x"], ["y"])}
    with pytest.raises(SystemExit, match="no such kind of texts: c; there are: b"):
        chosen({"b": unwanted}, ["c"])


@pytest.mark.parametrize(
    ("change", "differing", "required", "success"),
    [
        (0.0, [], True, True),
        (0.029, [], True, True),
        (0.031, [], True, False),
        (0.031, [], False, False),
        (-0.5, [], True, True),
        (0.5, ["numpy 9, not 2"], False, True),
        (0.0, ["numpy 9, not 2"], True, False),
    ],
)
def test_the_verdict_of_the_gauge(change: float, differing: list[str], required: bool, success: bool) -> None:
    from instructions import verdict

    assert verdict({"load": 0.0, "batch": change}, differing, required)[1] is success


@OF_THE_RESULTS
def test_the_texts_of_the_gauge_are_always_the_same() -> None:
    from instructions import RECORD, changes, texts_not_ascii, texts_of_the_vocabulary

    texts = texts_of_the_vocabulary()
    content = json.dumps(texts).encode()
    assert (
        hashlib.sha256(content).hexdigest()
        == "acf0cbc86f0f72fa0132d8221a62f14ff77814d6efd77f4d999ab9cb31e0e355"
    )
    assert (
        hashlib.sha256(json.dumps(texts_not_ascii()).encode()).hexdigest()
        == "24489ca9b2e62dc4706280b539f6f4b47b5852c43a1a93131d1cfe81c2139d45"
    )
    counts = json.loads(RECORD.read_text())["instructions"]
    assert set(changes(counts, counts).values()) == {0.0}
    with pytest.raises(SystemExit, match="has other jobs"):
        changes({"another": 1}, counts)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind")
def test_repeated_counts_agree(tmp_path: Path) -> None:
    """Count a process without numpy, whose start takes seconds under valgrind."""
    from instructions import count

    jobs, texts = tmp_path / "jobs.py", tmp_path / "texts.json"
    jobs.write_text(
        "import json, sys\nnames = set(map(str, range(50_000)))\nprint('before\\njob', sys.argv[2])"
    )
    texts.write_text("{}")
    with ThreadPoolExecutor() as threads:
        runs = [threads.submit(count, "valgrind", texts, number, jobs) for number in (3, 3)]
    counts = [done.result(LONGEST) for done in runs]
    assert {name for name, _ in counts} == {"job 3"}
    assert abs(counts[1][1] / counts[0][1] - 1) < 0.01


def test_the_jobs_of_the_gauge(tmp_path: Path) -> None:
    from instructions import JOBS, NUMBER_OF_JOBS, texts_not_ascii, texts_of_the_vocabulary

    texts = {name: all_of[:20] for name, all_of in {**texts_of_the_vocabulary(), **texts_not_ascii()}.items()}
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    done = run(JOBS, tmp_path / "texts.json", 100, PYTHONPATH=str(ROOT)).splitlines()
    assert len(done) == NUMBER_OF_JOBS
    assert done[0] == "start of Python and numpy"
    assert done[-1] == "not ASCII: batch, unseen"


def test_a_short_comparison(peers_python: Path, models_folder: Path, catalogs: Path, tmp_path: Path) -> None:
    peers = ["--peers-python", peers_python, "--texts", catalogs, "--rounds", 1, "--out", tmp_path]
    limits = ["--limit", 20, "--only", "mixed scripts"]
    run(BENCHMARKS / "compare.py", models_folder / "potion-base-8M", *peers, *limits)
    result = json.loads((tmp_path / "speed-1-core.json").read_text())
    assert set(result["versions"]) == {"m2v_lite", *PEERS}
    assert result["versions"]["model2vec"]["versions"]["model2vec"] == "0.10.0"
    assert result["texts"] == {"mixed scripts": [20, 20]}
    assert list(result["seconds"]["mixed scripts"]) == ["first", "unseen", "repeats", "one", "one again"]
    assert all(
        len(seconds) == 1 and seconds[0] > 0
        for by_name in result["seconds"]["mixed scripts"].values()
        for seconds in by_name.values()
    )
    assert set(result["other vectors"]) == {"m2v_lite", *PEERS}
    assert "| mixed scripts | one text, new |" in (tmp_path / "speed-1-core.md").read_text()


def test_a_short_comparison_on_two_cores(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    peers = ["--peers-python", peers_python, "--rounds", 1, "--out", tmp_path]
    on_cores = ["--cores", 2, "--short-texts", 2000]
    run(BENCHMARKS / "compare.py", models_folder / "potion-base-8M", *peers, *on_cores)
    report = (tmp_path / "speed-2-cores-2000-texts.md").read_text()
    assert "2,000 short | batch, first pass, workers" in report


def test_a_short_footprint(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    options = ["--peers-python", peers_python, "--out", tmp_path, "--rounds", 1, "--processes", 1]
    options += ["--held-texts", 100, "--peers", "model2vec"]
    run(BENCHMARKS / "footprint.py", models_folder / "potion-base-8M", *options)
    result = json.loads((tmp_path / "footprint.json").read_text())
    private = {name: figures[0] for name, figures in result["fresh processes"]["private, MB"].items()}
    names = ["numpy alone", "m2v_lite, packed", "m2v_lite", "m2v_lite, nothing kept", "model2vec"]
    assert sorted(private, key=private.__getitem__) == names
    assert set(result["processes with one model"]) == {"1 text", "100 texts"}
    assert (tmp_path / "footprint.md").read_text().count("| time | m2v_lite, packed |") == 2


def test_two_processes_with_one_model(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    from footprint import Contender, held

    texts = tmp_path / "texts.json"
    texts.write_text('["a text"]')
    ours, peer = (
        held(Contender(name, models_folder / "potion-base-8M", str(peers_python)), texts, 2)["sum of Pss, MB"]
        for name in ("m2v_lite", "model2vec")
    )
    assert ours < peer


@pytest.mark.parametrize("peer", PEERS)
def test_every_peer_gives_both_first_vectors(peers_python: Path, models_folder: Path, peer: str) -> None:
    from footprint import FIRST_TEXTS, Contender, first_vector

    contender = Contender(peer, models_folder / "potion-base-8M", str(peers_python))
    for first in FIRST_TEXTS.values():
        assert first_vector(peer, contender, first)["private, MB"] > 0


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc of Linux")
def test_a_model_is_still_in_memory_when_that_is_read(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "def load(folder): return bytearray(b'x') * 40_000_000\ndef encode(model, text): return [len(model)]"
    )
    answer = json.loads(run(BENCHMARKS / "first_vector.py", adapter, "folder", "text"))
    assert answer["vector"] == [40_000_000]
    assert 39_000 < answer["memory"]["Private_Dirty"] < answer["memory"]["VmHWM"] < 80_000


def test_the_stored_first_vectors_are_ours(models_folder: Path) -> None:
    from footprint import FIRST_TEXTS

    model = StaticModel.from_pretrained(models_folder / "potion-base-8M")
    assert [first.text.isascii() for first in FIRST_TEXTS.values()] == [True, False]
    for text, reference, _ in FIRST_TEXTS.values():
        np.testing.assert_array_equal(model.encode(text), np.load(reference))


def test_another_first_vector_does_not_count() -> None:
    from footprint import BASELINE, REFERENCE, check

    reference = np.load(REFERENCE)
    assert abs(np.linalg.norm(reference) - 1) < 1e-6
    nearly, other = reference.copy(), reference.copy()
    nearly[7] = np.nextafter(nearly[7], np.float32(2))
    other[7] += 2e-6
    for name in ("m2v_lite", "m2v_lite, nothing kept", "m2v_lite, packed", "laghu"):
        check(name, reference.tolist(), reference)
        for wrong in (other.tolist(), [*reference[:-1].tolist(), float("nan")], [0.5], None):
            with pytest.raises(SystemExit, match="is not that of"):
                check(name, wrong, reference)
    check("laghu", nearly.tolist(), reference)
    with pytest.raises(SystemExit, match="is not that of"):
        check("m2v_lite", nearly.tolist(), reference)
    check(BASELINE, None, reference)
    assert check("laghu", reference.tolist(), reference, may_differ=True)
    assert not check("laghu", other.tolist(), reference, may_differ=True)
    for name in ("m2v_lite", "m2v_lite, packed", "model2vec"):
        with pytest.raises(SystemExit, match="is not that of"):
            check(name, other.tolist(), reference, may_differ=True)


def test_tables_of_the_footprint() -> None:
    from footprint import PEERS, beyond_numpy, processes_table, ratios, table, tables

    names = ["numpy alone", "m2v_lite", "m2v_lite, nothing kept", "m2v_lite, packed", *PEERS]
    values = dict(zip(names, [[1.0], [2.0], [3.0], [1.5], [4.0], [8.0], [8.0], [8.0], [4.0]], strict=True))
    columns = ("start to first vector, ms", "private, MB", "peak, MB", "peak above the end, MB")
    measured = dict.fromkeys(columns, values)
    assert "| m2v_lite | 2.0 | 1.0 | 2.0 | 1.0 | 2.0 | 1.0 | 2.0 |" in table(measured)
    assert "| time | m2v_lite | 50 % | 25 % | 25 % | 25 % | 50 % |" in ratios(measured)
    assert "| private memory | m2v_lite, packed | 38 % |" in ratios(measured)
    assert "| time | m2v_lite, nothing kept | 75 % |" in ratios(measured)
    assert beyond_numpy(measured).endswith(
        "numpy alone: m2v_lite +100 %; m2v_lite, nothing kept +200 %; m2v_lite, packed +50 %.\n"
    )
    shown = tables({"plain ASCII": measured, "mixed scripts": measured})
    assert shown.count(table(measured)) == 2
    assert shown.count("\n| of the peer's |") == shown.count("\n| mixed scripts: of the peer's |") == 1
    slow = {"numpy alone": [1.0, 3.0], "m2v_lite, packed": [2.0, 6.0], "m2v_lite": [4.0], "laghu": [8.0]}
    measured = dict.fromkeys(columns, slow)
    assert "| time | m2v_lite, packed | 25 % |" in ratios(measured)
    assert "| m2v_lite | 4.0 | 3.0 |" in table(measured)
    assert "| m2v_lite, packed | 4.0 | 2.0 |" in table(measured)
    assert "Other first" not in tables({"plain ASCII": measured})
    measured["other vectors"] = {"m2v_lite": [0.0], "laghu": [1.0]}
    assert "Other first vectors than model2vec's: laghu.\n" in tables({"plain ASCII": measured})
    memory = {"m2v_lite": {"4": {"sum of Pss, MB": 8.0, "private each, MB": 1.0}}}
    assert "| m2v_lite | sum of Pss, MB | 8.0 |" in processes_table(memory)


def test_quality_of_vectors() -> None:
    from quantization_quality import recall, spearman

    vectors = np.random.default_rng(5).standard_normal((60, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    other = np.random.default_rng(6).permutation(vectors)
    assert spearman(vectors, vectors) == pytest.approx(1)
    assert recall(vectors, vectors) == 1
    assert abs(spearman(vectors, other)) < 0.2
    assert recall(vectors, other) < 0.4


def test_a_short_table_of_sizes(models_folder: Path, tmp_path: Path) -> None:
    options = ["--limit", 100, "--out", tmp_path]
    run(BENCHMARKS / "quantization_quality.py", models_folder / "potion-base-8M", *options)
    rows = json.loads((tmp_path / "quality.json").read_text())["rows"]
    assert [(row["spearman"], row["recall"]) for row in rows if row["bytes"] > 20e6] == [
        (pytest.approx(1), 1.0)
    ]
    by_name = {(row["dtype"], row["columns"]): row for row in rows}
    assert len(by_name) == 9
    assert (
        by_name["int8", 256]["spearman"] > by_name["int8", 128]["spearman"] > by_name["int8", 64]["spearman"]
    )
    assert by_name["int8", 256]["bytes"] < by_name["float16", 256]["bytes"] / 1.8


PYTHON_PAGE = """\
:mod:`kettle` --- Boiling of water
==================================

.. module:: kettle

A kettle is worth its price, and it boils the water that goes into all pots of tea and coffee there are.
So much can be said of it that this paragraph has more than two hundred characters, as it must have.

How to boil *much* water
------------------------

Much water takes long. It is best to have two kettles, or three, and to boil a part of it in each of them.
Then pour it all into a large pot. You can also wait until the first pot is empty, if nobody is thirsty.

.. class:: Kettle(size)

   .. method:: boil(*pots)
               boil_all()

      Make the water in
      the kettle as hot as it can be. Then pour it into the *pots*, and ring the bell of the house, so that
      all who are thirsty know of it, wherever they may be. The bell rings again when nobody has come
      for an hour, and then the kettle goes off by itself. An empty kettle does not boil.

.. c:function:: int Kettle_Size(PyObject *kettle)
"""

MANUAL_PAGE = """\
BOIL(1)                   User Commands                   BOIL(1)

NAME
       boil - make all of the wa\u2010
       ter hot

SYNOPSIS
       boil [OPTION]... POT

DESCRIPTION
       Heat water in a POT, and wait for the bell.  Without a  POT,  it  is
       that of the kitchen. Every pot has a bell, which rings once, unless it is
       broken, when somebody has to look every minute whether there is any steam yet,
       or it was silenced.

       -q, --quiet
              do not ring

       --pot=POT
              which pot

       --quiet is best at night.

ERRORS
       EDRY   There is no water.
"""


def test_queries_are_made_of_sections() -> None:
    from known_items import NO_TITLE, chosen, python_sections, without_taken

    pages = {"library/kettle.rst": PYTHON_PAGE.splitlines()}
    first, second = python_sections(pages)
    assert first == {"title": ("kettle Boiling of water", "library/kettle.rst", range(1, 9), {1: NO_TITLE})}
    assert {kind: item.query for kind, item in second.items()} == {
        "title": "How to boil much water",
        "module and title": "kettle How to boil much water",
    }
    kinds = ["title", "module and title"]
    asked = chosen([first, second], kinds, 5)
    assert asked == {"title": [first["title"]], "module and title": [second["module and title"]]}
    left = without_taken(pages, [second["title"]])["library/kettle.rst"]
    assert left == PYTHON_PAGE.replace("How to boil *much* water", NO_TITLE).splitlines()
    # What has two right answers is not asked.
    assert chosen([first, second, first], kinds, 5) == {**asked, "title": []}


def test_queries_are_made_of_entries() -> None:
    from known_items import python_entries, without_taken

    said = {"kettle.Kettle": "The bell of the house rings again, as it did before."}
    said["kettle.Kettle.boil"] = "An empty kettle does not  boil."
    pages = {"library/kettle.rst": PYTHON_PAGE.splitlines()}
    kettle, boil, size = python_entries(pages, said.get)
    assert {kind: item.query for kind, item in kettle.items()} == {
        "name": "kettle.Kettle",
        "docstring": said["kettle.Kettle"],
    }
    assert set(boil) == {"name", "first sentence"}
    assert boil["name"] == ("kettle.Kettle.boil", "library/kettle.rst", [17], {})
    sentence = boil["first sentence"]
    assert sentence.query == "Make the water in the kettle as hot as it can be."
    assert sentence.lines == range(17, 25)
    assert size["name"].query == "Kettle_Size"
    left = without_taken(pages, [sentence])["library/kettle.rst"]
    assert left[19:21] == ["", "      Then pour it into the *pots*, and ring the bell of the house, so that"]
    assert len(left) == len(pages["library/kettle.rst"])


def test_queries_are_made_of_manual_pages() -> None:
    from known_items import manual_page_entries, manual_page_names, without_taken

    pages = {"boil.1": MANUAL_PAGE.splitlines()}
    (whole,) = manual_page_names(pages)
    assert {kind: item.query for kind, item in whole.items()} == {
        "description": "make all of the water hot",
        "name and three words": "boil make all of",
        "first sentence": "Heat water in a POT, and wait for the bell.",
    }
    assert "hot" not in " ".join(without_taken(pages, [whole["description"]])["boil.1"])
    left = without_taken(pages, [whole["first sentence"]])["boil.1"]
    assert left[10] == "       Without a  POT,  it  is"
    described = [
        ("boil", "--quiet", "make no noise"),
        ("boil", "--pot", "Which pot"),
        ("roast", "--pot", "where the meat is"),
    ]
    quiet, pot, dry = manual_page_entries(pages, described)
    assert quiet == {
        "option or error": ("boil --quiet", "boil.1", [16, 22], {}),
        "option in other words": ("boil make no noise", "boil.1", [16, 22], {}),
    }
    assert [item.query for items in (pot, dry) for item in items.values()] == ["boil --pot", "boil EDRY"]


def test_descriptions_of_fish(tmp_path: Path) -> None:
    from other_words import fish_descriptions

    folder = tmp_path / "usr" / "share" / "fish" / "completions"
    folder.mkdir(parents=True)
    (folder / "boil.fish").write_text(
        "complete -c boil -s q -l quiet -d 'Make no noise'\n"
        "    complete -x -c boil -l pot -a '(ls)' -d \"Which one's it\" # or none\n"
        "complete -c boil -s v -d 'Without a long option'\n"
        "complete -f -c git -n '__fish_git_using_command fetch' -l deepen -d 'Fetch more'\n"
        "complete -f -c git -n '__fish_git_using_command fetch pull' -l tags -d 'Of two commands'\n"
    )
    assert list(fish_descriptions(tmp_path)) == [
        ("boil", "--quiet", "Make no noise"),
        ("boil", "--pot", "Which one's it"),
        ("git-fetch", "--deepen", "Fetch more"),
        ("git-fetch", "--tags", "Of two commands"),
        ("git-pull", "--tags", "Of two commands"),
    ]


def test_docstrings_that_are_a_sentence() -> None:
    from other_words import docstring

    assert docstring("textwrap.dedent") == "Remove any common leading whitespace from every line in `text`."
    for other in ("textwrap.fill.missing", "sys.maxsize", "no_such_module.name"):
        assert docstring(other) is None


def test_the_worth_of_ranks() -> None:
    from search_quality import means, scores_of, table

    assert scores_of([1, None, 4, None]) == {"MRR@10": 0.3125, "recall@10": 0.5}
    good, bad = scores_of([1, 1]), scores_of([None, None])
    scores = {
        "title": {"vector": good, "text": bad, "hybrid": good},
        "name": {"vector": bad, "text": bad, "hybrid": good},
    }
    assert means(scores)["vector"] == {"MRR@10": 0.5, "recall@10": 0.5}
    rows = table(scores, {"title": 2, "name": 2})
    assert "| name | 2 | 0.000 | 0.000 | **1.000** | 0.000 | 0.000 | **1.000** |" in rows
    assert "| mean | 4 | 0.500 | 0.000 | **1.000** | 0.500 | 0.000 | **1.000** |" in rows


def test_a_short_measurement_of_search() -> None:
    from known_items import manual_page_names, without_taken
    from search_quality import Corpus, measure

    other = MANUAL_PAGE.replace("wa\u2010\n       ter", "wine").replace("water", "wine")
    pages = {"boil.1": MANUAL_PAGE.splitlines(), "wine.1": other.splitlines()}
    items = {"description": [place["description"] for place in manual_page_names(pages)]}
    measured = measure(
        Corpus(without_taken(pages, items["description"]), items, {}), StaticModel.from_pretrained()
    )
    assert measured["chunks"] == 2
    assert measured["scores"]["description"]["hybrid"] == {"MRR@10": 1, "recall@10": 1}
    assert measured["recall of int8"] == 1


@OF_THE_RESULTS
def test_the_report_of_search_is_that_of_its_results() -> None:
    from search_quality import report_of

    result = json.loads((RESULTS / "search-quality.json").read_text())
    assert report_of(result) == (RESULTS / "search-quality.md").read_text()


@OF_THE_RESULTS
def test_the_plots_are_those_of_the_results(tmp_path: Path) -> None:
    """Draw in a copy of benchmarks/, as by default plots.py draws the user's own results."""
    pytest.importorskip("matplotlib")
    copy = shutil.copytree(BENCHMARKS, tmp_path / "benchmarks", ignore=shutil.ignore_patterns("local-*"))
    local = copy / "local-results"
    local.mkdir()
    for result in (copy / "results").glob("*.json"):
        shutil.copy2(result, local)
    said = run(copy / "plots.py")
    assert contents_of(copy / "results") == contents_of(RESULTS)
    names = sorted(path.name for path in RESULTS.glob("*.svg"))
    assert sorted(path.name for path in local.glob("*.svg")) == names
    for name in names:
        assert f"wrote {local / name}\n" in said
        drawn, committed = (local / name).read_text(), (RESULTS / name).read_text()
        assert ">model2vec</text>" in drawn or name.startswith("search-") or ">model2vec: " in drawn
        assert _labels(drawn) == _labels(committed)
        assert len(drawn) < 60_000
        if _version(drawn) == _version(committed):  # another version may place things otherwise
            assert _shapes(drawn) == pytest.approx(_shapes(committed), abs=0.5)


@OF_THE_RESULTS
def test_plots_ask_for_missing_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    import plots

    shutil.copy2(BENCHMARKS / "results" / "speed-1-core.json", tmp_path)
    monkeypatch.setattr(sys, "argv", ["plots.py", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"/footprint\.json is missing: make footprint writes it\n"):
        plots.main()
    drawn = [f"speed-{what}-{scheme}.svg" for what in ("batches", "one-text") for scheme in ("dark", "light")]
    assert sorted(contents_of(tmp_path)) == ["speed-1-core.json", *drawn]


def test_labels_of_pictures() -> None:
    pytest.importorskip("matplotlib")
    from pictures.schemes import SCHEMES, apart
    from ratios import rounded_down

    assert apart([1, 20, 2], 5) == [1, 20, 6]
    assert [rounded_down(ratio) for ratio in (8.154, 0.99, 1.0, 6.97)] == ["8.1", "0.9", "1.0", "6.9"]
    light, dark = SCHEMES
    assert light.contenders.keys() == dark.contenders.keys()


def _labels(svg: str) -> list[str]:
    """Return the labels of a plot; their places depend on the fonts of the machine."""
    return re.findall(r">([^<>\n]+)</text>", svg)


def _version(svg: str) -> list[str]:
    return re.findall(r"Matplotlib v[\w.]+", svg)


def _shapes(svg: str) -> list[float]:
    """Return the numbers of all bars, lines and marks, in points."""
    return [
        float(number) for path in re.findall(r' d="([^"]+)"', svg) for number in re.findall(r"-?[\d.]+", path)
    ]


def test_the_memory_cap_checks_every_bit() -> None:
    from memory_cap import check, table

    right = np.array([[3, 4]], np.float32)
    assert check("m2v_lite", right, right) == 0
    assert check("peer", 2 * right, right) == 0
    with pytest.raises(AssertionError):
        check("m2v_lite", 2 * right, right)
    rows = table({"peer": {"ends": {"64": "status 1: MemoryError"}}})
    assert "| peer | status 1: MemoryError | not with 1024 MB |" in rows


def test_a_cap_that_is_too_small_ends_a_process(tmp_path: Path) -> None:
    from memory_cap import encode_capped

    end = encode_capped("m2v_lite", sys.executable, tmp_path, ["a text"], 8)
    assert isinstance(end, str)


def left_by_a_run(folder: Path, status: int, limit: str = "1048576", swap: str = "0", kills: int = 0) -> Path:
    """Write the files that a run on the small computer leaves; see benchmarks/small_computer_init.sh."""
    folder.mkdir()
    files = {
        "memory.max": limit,
        "memory.swap.max": swap,
        "memory.peak": "2097152",
        "memory.events": f"max 7\noom 1\noom_kill {kills}",
        "memory.stat": "anon 5\npgmajfault 30",
        "status": str(status),
        "errors": "Traceback\nPanicException: null",
        "kernel": "[   11.7] __vm_enough_memory: no enough memory for the allocation\n[   11.8] other",
    }
    for name, content in files.items():
        (folder / name).write_text(content + "\n")
    return folder


@pytest.mark.parametrize(
    ("status", "kills", "end"), [(137, 1, "killed"), (137, 0, "not done"), (1, 0, "error"), (1, 1, "error")]
)
def test_how_a_run_on_the_small_computer_ended(tmp_path: Path, status: int, kills: int, end: str) -> None:
    from small_computer import Run, outcome

    left = left_by_a_run(tmp_path / "run", status, kills=kills)
    result = outcome(Run("m2v_lite", str(1 << 20)), left, np.ones((1, 2), np.float32))
    assert result["end"] == end
    assert (result["oom_kill"], result["memory.peak"], result["pgmajfault"]) == (kills, 2 << 20, 30)
    said = "PanicException: null; kernel: __vm_enough_memory: no enough memory for the allocation"
    assert result["said"] == said


def test_vectors_of_the_small_computer_are_checked(tmp_path: Path) -> None:
    from small_computer import Run, outcome

    left, expected = left_by_a_run(tmp_path / "run", 0), np.array([[3, 4]], np.float32)
    ours, peer = Run("m2v_lite", str(1 << 20)), Run("laghu", str(1 << 20))
    np.save(left / "vectors.npy", expected)
    assert outcome(ours, left, expected)["end"] == "encodes"
    np.save(left / "vectors.npy", 2 * expected)
    assert outcome(peer, left, expected)["end"] == "encodes"
    with pytest.raises(AssertionError):
        outcome(ours, left, expected)
    for wrong in ([[4, 3]], [[3, float("nan")]]):
        np.save(left / "vectors.npy", np.array(wrong, np.float32))
        assert outcome(peer, left, expected)["end"] == "wrong vectors"


def test_a_run_without_its_limits_or_its_end_does_not_count(tmp_path: Path) -> None:
    from small_computer import Run, outcome

    run, expected = Run("laghu", str(1 << 20)), np.ones((1, 2), np.float32)
    for number, limits in enumerate([("max", "0"), ("1048576", "max")]):
        with pytest.raises(SystemExit, match="laghu with 1 MB had other limits"):
            outcome(run, left_by_a_run(tmp_path / str(number), 137, *limits), expected)
    with pytest.raises(SystemExit, match="stopped before the end of laghu with 1 MB"):
        outcome(run, tmp_path / "missing", expected)


def test_what_is_tried_on_the_small_computers() -> None:
    from memory_cap import PEERS
    from small_computer import SMALLER_LIMITS, runs_on

    for megabytes in (128, 256):
        limits = [f"{megabytes // 4} MB", f"{megabytes // 2} MB", "none"]
        for name in PEERS:
            assert [run.shown_limit for run in runs_on(megabytes) if run.name == name] == limits
        ours = [run.shown_limit for run in runs_on(megabytes) if run.name == "m2v_lite"]
        assert ours == [f"{limit} MB" for limit in SMALLER_LIMITS] + limits


def test_the_small_computer_fails_where_m2v_lite_does() -> None:
    from small_computer import check_ours, smallest_limit

    ends = {"20 MB": "encodes", "28 MB": "not done", "32 MB": "encodes", "none": "encodes"}
    runs = {limit: {"end": end, "said": "said"} for limit, end in ends.items()}
    check_ours({"m2v_lite": runs})
    assert smallest_limit(runs) == "32 MB"
    for limit in ("32 MB", "none"):
        with pytest.raises(SystemExit, match=f"m2v_lite with a limit of {limit}: killed: said"):
            check_ours({"m2v_lite": {**runs, limit: {"end": "killed", "said": "said"}}})


def test_what_is_added_to_an_environment_is_counted(tmp_path: Path) -> None:
    from side_by_side import files_in

    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "module.py").write_text("12345")
    (tmp_path / "lib64").symlink_to("lib")
    (tmp_path / "python").symlink_to(sys.executable)
    assert files_in(tmp_path) == {str(tmp_path / "lib" / "module.py"): 5}


@OF_THE_RESULTS
def test_the_report_side_by_side_is_that_of_its_results() -> None:
    from side_by_side import PACKAGES, report_of

    result = json.loads((RESULTS / "side-by-side.json").read_text())
    assert report_of(result) == (RESULTS / "side-by-side.md").read_text()
    assert list(result["install"]) == list(PACKAGES)
    assert set(result["start"]["other vectors"]) == {"numpy alone", *PACKAGES}
    assert not any(map(any, result["start"]["other vectors"].values()))


@OF_THE_RESULTS
def test_the_report_of_the_small_computer_is_that_of_its_results() -> None:
    from small_computer import (
        MULTILINGUAL_COMPUTERS,
        SMALLER_MULTILINGUAL_LIMITS,
        check_ours,
        report,
    )

    results = BENCHMARKS / "results"
    result = json.loads((results / "small-computer.json").read_text())
    assert report(result) == (results / "small-computer.md").read_text()
    assert list(result["computers"]) == ["128", "256"]
    for computer in result["computers"].values():
        check_ours(computer["outcomes"])
    assert list(result["multilingual"]["computers"]) == [str(number) for number in MULTILINGUAL_COMPUTERS]
    for computer in result["multilingual"]["computers"].values():
        check_ours(computer["outcomes"], SMALLER_MULTILINGUAL_LIMITS)
    assert result["multilingual"]["computers"]["128"]["outcomes"]["m2v_lite"]["64 MB"]["end"] == "encodes"


def test_chunks_are_cut_between_paragraphs() -> None:
    from docstring_items import LONGEST, SHORTEST, chunks_of

    paragraphs = ["one " * 60, "two " * 60, "short", "three " * 200, ">>> code\n" * 20]
    chunks = chunks_of("\n\n".join(paragraphs))
    assert all(SHORTEST <= len(chunk) <= LONGEST for chunk in chunks)
    assert chunks[0] == "\n\n".join(paragraph.strip() for paragraph in paragraphs[:3])
    assert " ".join(chunks).split() == " ".join(paragraphs[:4]).split()


def test_queries_have_one_answer() -> None:
    from docstring_items import KINDS, chunks_and_queries

    chunks, items = chunks_and_queries([], 1000, 40)
    assert len(set(chunks)) == 1000
    assert len({item.chunk for item in items}) == 40
    assert [sum(item.kind == kind for item in items) for kind in KINDS] == [20, 20]
    for item in items:
        assert "\n" not in item.query
        if item.kind == "first sentence":
            assert item.query not in " ".join(chunks[item.chunk].split())
        else:
            words = iter(chunks[item.chunk].split())
            assert all(word in words for word in item.query.split())  # in order
    fewer, same = chunks_and_queries([], 500, 40)
    assert (fewer, same) == (chunks[:500], items)
    with pytest.raises(SystemExit, match="there are only"):
        chunks_and_queries([], 1_000_000, 2)


def test_quality_of_what_was_found() -> None:
    from docstring_items import KINDS, KnownItem
    from search_side_by_side import CONTENDERS, Contender, Texts, quality

    exact = Contender("a peer", "peer", "vector", (), recall=0.99)
    products = np.linspace(1, 0, 20, dtype=np.float32).reshape(1, -1)
    items = [KnownItem("a query", 4, KINDS[0])]
    texts = Texts(["a chunk"] * 20, items * 2, np.repeat(products, 2, axis=0), list(range(20)))
    texts.items[1] = KnownItem("another query", 0, KINDS[1])
    best = [(number, number) for number in range(10)]
    assert quality(exact, [best, best], texts) == {
        "MRR@10, some words": 0.2,
        "MRR@10, first sentence": 1.0,
        "recall@10": 1.0,
    }
    missed = [*best[:8], (18, 18), (19, 19)]
    assert quality(exact._replace(recall=0.8), [best, missed], texts)["recall@10"] == pytest.approx(0.9)
    for wrong, message in (
        (missed, r"has a recall of 0\.900"),
        (best[:9], "returned"),
        (best[:9] + best[:1], "returned"),
        ([*best[:9], (9, 8)], "returned other texts"),
    ):
        with pytest.raises(SystemExit, match=message):
            quality(exact, [best, wrong], texts)
    words = exact._replace(mode="text")
    with pytest.raises(SystemExit, match="by their words"):
        quality(words, [best[:1], []], texts)
    assert len({contender.name for contender in CONTENDERS}) == len(CONTENDERS)
    for contender in CONTENDERS:
        assert (BENCHMARKS / "search_contenders" / f"{contender.adapter}.py").is_file()


def test_the_report_says_where_others_are_ahead() -> None:
    from search_side_by_side import INDEX, QUERY, RECALL, Contender, ahead, table

    contenders = [Contender(f"{name}, vector", name, "vector", ()) for name in ("m2v_lite", "peer")]
    contenders.append(Contender("peer, text", "peer", "text", ()))
    measured = {
        "m2v_lite, vector": {QUERY: [3.0, 1.0, 2.0], INDEX: [5.0], RECALL: [0.99]},
        "peer, vector": {QUERY: [1.5], INDEX: [7.0], RECALL: [1.0]},
        "peer, text": {QUERY: [0.1]},
    }
    assert ahead(measured, contenders) == (
        "- vector; query, ms: peer (1.5); m2v_lite 2.0\n- vector; recall@10: peer (1.000); m2v_lite 0.990\n"
    )
    assert ahead({"m2v_lite, vector": measured["m2v_lite, vector"]}, contenders) == "- nowhere\n"
    assert "| peer, text | 0.10 | - |\n" in table(measured, [QUERY, RECALL])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_short_search_side_by_side(models_folder: Path, tmp_path: Path) -> None:
    options = ["--only", "m2v_lite", "--chunks", 500, "--queries", 20, "--rounds", 1, "--out", tmp_path]
    options += ["--growing", 300, "--growing-rounds", 1]
    run(BENCHMARKS / "search_side_by_side.py", models_folder / "potion-base-8M", *options)
    result = json.loads((tmp_path / "search-side-by-side.json").read_text())
    assert list(result["measured"]) == ["m2v_lite, hybrid", "m2v_lite, vector", "m2v_lite, text"]
    assert result["measured"]["m2v_lite, vector"]["recall@10"][0] > 0.95
    assert list(result["growing"]["300"]) == ["m2v_lite, hybrid", "m2v_lite, vector"]
    assert (tmp_path / "search-side-by-side.md").read_text().count("| m2v_lite, hybrid |") == 2


def test_ten_million_texts_but_fewer(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    few = ["--texts", "8000", "--shard", "500", "--few", "2", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "many_texts.py"), *few],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "many-texts.json").read_text())
    assert (result["texts"], result["shards"], result["few_texts"]) == (8000, 16, 1000)
    assert result["bytes_written"] > 8000 * 256
    assert 256 < result["by_precision"]["int8"]["bytes"] / 500 < 300
    report = (tmp_path / "many-texts.md").read_text()
    assert "8,000 texts" in report
    assert "All rows were there, once." in report
