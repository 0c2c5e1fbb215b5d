"""The benchmarks: their texts and arithmetic, where they write, and short runs if the peers are installed."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from m2v_lite import StaticModel

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are not part of the installed package", allow_module_level=True)


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def contents_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(autouse=True, scope="module")
def _committed_results_stay() -> Iterator[None]:
    """Check that no test of this file changes the committed results."""
    before = contents_of(BENCHMARKS / "results")
    yield
    assert contents_of(BENCHMARKS / "results") == before


def run(script: Path, *arguments: object) -> str:
    """Run a benchmark, and return what it prints."""
    command = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout


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
    "target", ["compare", "footprint", "quality", "plots", "memory-cap", "small-computer", "gauge"]
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
        "instructions",
    ],
)
def test_a_benchmark_writes_to_an_untracked_folder(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from results_folder import LOCAL

    if name == "plots":
        pytest.importorskip("matplotlib")
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit):
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


def test_corpora_have_the_texts_that_they_promise() -> None:
    from corpora import corpora

    all_texts = corpora()
    for name, (first, unseen) in all_texts.items():
        assert len(first) >= 1000, name
        assert len({*first, *unseen}) == len(first) + len(unseen), name
    first, unseen = all_texts["all different"]
    words = " ".join(first + unseen).split()
    assert len(set(words)) == len(words)
    assert all(len(text) < 300 for text in all_texts["prose"][0])
    assert all(1000 < len(text) < 3000 for text in all_texts["long"][0])


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


def test_the_texts_of_the_gauge_are_always_the_same() -> None:
    from instructions import RECORD, changes, texts_of_the_vocabulary

    texts = texts_of_the_vocabulary()
    content = json.dumps(texts).encode()
    assert (
        hashlib.sha256(content).hexdigest()
        == "acf0cbc86f0f72fa0132d8221a62f14ff77814d6efd77f4d999ab9cb31e0e355"
    )
    counts = json.loads(RECORD.read_text())["instructions"]
    assert set(changes(counts, counts).values()) == {0.0}
    with pytest.raises(SystemExit, match="has other jobs"):
        changes({"another": 1}, counts)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind")
def test_repeated_counts_agree(tmp_path: Path) -> None:
    from instructions import count

    (tmp_path / "texts.json").write_text(json.dumps({"first": ["a"], "unseen": ["b"], "single": ["c"]}))
    with ThreadPoolExecutor() as threads:
        runs = [threads.submit(count, "valgrind", tmp_path / "texts.json", 1) for _ in range(2)]
    counts = [done.result() for done in runs]
    assert {name for name, _ in counts} == {"start of Python and numpy"}
    assert abs(counts[1][1] / counts[0][1] - 1) < 0.01


def test_a_short_comparison(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    peers = ["--peers-python", peers_python, "--rounds", 1, "--limit", 100, "--out", tmp_path]
    run(BENCHMARKS / "compare.py", models_folder / "potion-base-8M", *peers)
    result = json.loads((tmp_path / "speed-1-core.json").read_text())
    assert set(result["versions"]) == {"m2v_lite", "model2vec", "laghu_rs", "laghu", "fastembed"}
    assert result["versions"]["model2vec"]["versions"]["model2vec"] == "0.10.0"


def test_a_short_comparison_on_two_cores(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    peers = ["--peers-python", peers_python, "--rounds", 1, "--out", tmp_path]
    on_cores = ["--cores", 2, "--short-texts", 2000]
    run(BENCHMARKS / "compare.py", models_folder / "potion-base-8M", *peers, *on_cores)
    report = (tmp_path / "speed-2-cores-2000-texts.md").read_text()
    assert "2,000 short | batch, first pass, workers" in report


def test_a_short_footprint(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    options = ["--peers-python", peers_python, "--out", tmp_path, "--rounds", 1, "--processes", 2]
    run(BENCHMARKS / "footprint.py", models_folder / "potion-base-8M", *options)
    result = json.loads((tmp_path / "footprint.json").read_text())
    private = {name: figures[0] for name, figures in result["fresh processes"]["private, MB"].items()}
    assert private["numpy alone"] < private["m2v_lite, packed"] < private["m2v_lite"] < private["model2vec"]
    held = {name: by_number["2"] for name, by_number in result["processes with one model"]["1 text"].items()}
    assert set(result["processes with one model"]) == {"1 text", "2,000 texts"}
    assert held["m2v_lite"]["sum of Pss, MB"] < held["model2vec"]["sum of Pss, MB"]
    assert "| time | m2v_lite, packed |" in (tmp_path / "footprint.md").read_text()


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs /proc of Linux")
def test_a_model_is_still_in_memory_when_that_is_read(tmp_path: Path) -> None:
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "def load(folder): return bytearray(b'x') * 40_000_000\ndef encode(model, text): return [len(model)]"
    )
    answer = json.loads(run(BENCHMARKS / "first_vector.py", adapter, "folder", "text"))
    assert answer["vector"] == [40_000_000]
    assert 39_000 < answer["memory"]["Private_Dirty"] < answer["memory"]["VmHWM"] < 80_000


def test_the_stored_first_vector_is_ours(models_folder: Path) -> None:
    from footprint import REFERENCE, TEXT

    vector = StaticModel.from_pretrained(models_folder / "potion-base-8M").encode(TEXT)
    np.testing.assert_array_equal(vector, np.load(REFERENCE))


def test_another_first_vector_does_not_count() -> None:
    from footprint import BASELINE, REFERENCE, check

    reference = np.load(REFERENCE)
    assert abs(np.linalg.norm(reference) - 1) < 1e-6
    nearly, other = reference.copy(), reference.copy()
    nearly[7] = np.nextafter(nearly[7], np.float32(2))
    other[7] += 2e-6
    for name in ("m2v_lite", "m2v_lite, packed", "laghu"):
        check(name, reference.tolist(), reference)
        for wrong in (other.tolist(), [*reference[:-1].tolist(), float("nan")], [0.5], None):
            with pytest.raises(SystemExit, match="is not that of"):
                check(name, wrong, reference)
    check("laghu", nearly.tolist(), reference)
    with pytest.raises(SystemExit, match="is not that of"):
        check("m2v_lite", nearly.tolist(), reference)
    check(BASELINE, None, reference)


def test_tables_of_the_footprint() -> None:
    from footprint import PEERS, processes_table, ratios, table

    names = ["numpy alone", "m2v_lite", "m2v_lite, packed", *PEERS]
    values = dict(zip(names, [[1.0], [2.0], [1.5], [4.0], [8.0], [8.0], [8.0]], strict=True))
    columns = ("start to first vector, ms", "private, MB", "peak, MB", "peak above the end, MB")
    measured = dict.fromkeys(columns, values)
    assert "| m2v_lite | 2.0 | 1.0 | 2.0 | 1.0 | 2.0 | 1.0 | 2.0 |" in table(measured)
    assert "| time | m2v_lite | 50 % | 25 % | 25 % | 25 % |" in ratios(measured)
    assert "| private memory | m2v_lite, packed | 38 % |" in ratios(measured)
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


def test_the_plots_are_those_of_the_results(tmp_path: Path) -> None:
    """Draw in a copy of benchmarks/, as by default plots.py draws the user's own results."""
    pytest.importorskip("matplotlib")
    copy = shutil.copytree(BENCHMARKS, tmp_path / "benchmarks", ignore=shutil.ignore_patterns("local-*"))
    local = copy / "local-results"
    local.mkdir()
    for name in ("speed-1-core.json", "footprint.json"):
        shutil.copy2(copy / "results" / name, local)
    said = run(copy / "plots.py")
    assert contents_of(copy / "results") == contents_of(BENCHMARKS / "results")
    for name in ("speed.svg", "footprint.svg"):
        assert f"wrote {local / name}\n" in said
        drawn = (local / name).read_text()
        assert drawn.count(">model2vec</text>") + drawn.count(">m2v_lite</text>") >= 2
        assert _labels(drawn) == _labels((BENCHMARKS / "results" / name).read_text())
        assert len(drawn) < 60_000


def test_plots_ask_for_missing_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    import plots

    shutil.copy2(BENCHMARKS / "results" / "speed-1-core.json", tmp_path)
    monkeypatch.setattr(sys, "argv", ["plots.py", "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"footprint\.json is missing: make footprint writes it$"):
        plots.main()
    assert sorted(contents_of(tmp_path)) == ["speed-1-core.json", "speed.svg"]


def _labels(svg: str) -> list[str]:
    """Return the labels of a plot; their places depend on the fonts of the machine."""
    return re.findall(r">([^<>\n]+)</text>", svg)


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


def test_the_report_of_the_small_computer_is_that_of_its_results() -> None:
    from small_computer import check_ours, report

    results = BENCHMARKS / "results"
    result = json.loads((results / "small-computer.json").read_text())
    assert report(result) == (results / "small-computer.md").read_text()
    assert list(result["computers"]) == ["128", "256"]
    for computer in result["computers"].values():
        check_ours(computer["outcomes"])
