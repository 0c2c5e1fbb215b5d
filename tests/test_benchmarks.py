"""The comparison with the peers: its texts, its arithmetic, and a short run of it where the peers are."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from m2v_lite import StaticModel

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are not part of the installed package", allow_module_level=True)


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_corpora_are_what_they_say() -> None:
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


def test_with_workers_there_is_a_row_more() -> None:
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
    with pytest.raises(SystemExit, match="other jobs"):
        changes({"another": 1}, counts)


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind")
def test_repeated_counts_agree(tmp_path: Path) -> None:
    from instructions import count

    (tmp_path / "texts.json").write_text(json.dumps({"first": ["a"], "unseen": ["b"], "single": ["c"]}))
    counts = [count("valgrind", tmp_path / "texts.json", 1) for _ in range(2)]
    assert {name for name, _ in counts} == {"start of Python and numpy"}
    assert abs(counts[1][1] / counts[0][1] - 1) < 0.01


def test_a_short_comparison(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "compare.py"), str(models_folder / "potion-base-8M")]
    options = ["--peers-python", str(peers_python), "--rounds", "1", "--limit", "300", "--out", str(tmp_path)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    result = json.loads((tmp_path / "speed-1-core.json").read_text())
    assert set(result["versions"]) == {"m2v_lite", "model2vec", "laghu_rs", "laghu", "fastembed"}
    assert result["versions"]["model2vec"]["versions"]["model2vec"] == "0.10.0"


def test_a_short_comparison_on_two_cores(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "compare.py"), str(models_folder / "potion-base-8M")]
    options = ["--peers-python", str(peers_python), "--rounds", "1", "--out", str(tmp_path)]
    on_cores = ["--cores", "2", "--short-texts", "2000"]
    subprocess.run([*command, *options, *on_cores], check=True, capture_output=True)
    assert (
        "2,000 short | batch, first pass, workers" in (tmp_path / "speed-2-cores-2000-texts.md").read_text()
    )


def test_a_short_footprint(peers_python: Path, models_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / "footprint.py"), str(models_folder / "potion-base-8M")]
    options = ["--peers-python", str(peers_python), "--out", str(tmp_path)]
    subprocess.run([*command, *options, "--rounds", "1", "--processes", "2"], check=True, capture_output=True)
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
    command = [sys.executable, str(BENCHMARKS / "first_vector.py"), str(adapter), "folder", "text"]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
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
    command = [sys.executable, str(BENCHMARKS / "quantization_quality.py")]
    arguments = [str(models_folder / "potion-base-8M"), "--limit", "100", "--out", str(tmp_path)]
    subprocess.run([*command, *arguments], check=True, capture_output=True)
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
    pytest.importorskip("matplotlib")
    subprocess.run([sys.executable, str(BENCHMARKS / "plots.py"), "--out", str(tmp_path)], check=True)
    for name in ("speed.svg", "footprint.svg"):
        drawn = (tmp_path / name).read_text()
        assert drawn.count(">model2vec</text>") + drawn.count(">m2v_lite</text>") >= 2
        assert _labels(drawn) == _labels((BENCHMARKS / "results" / name).read_text())
        assert len(drawn) < 60_000


def _labels(svg: str) -> list[str]:
    """Return what is written in a plot; where it is written depends on the fonts that a machine has."""
    return re.findall(r">([^<>\n]+)</text>", svg)


def test_the_memory_cap_checks_the_very_bits() -> None:
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
    """Write what the small computer leaves of a run; see benchmarks/small_computer_init.sh."""
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
