"""`encode(workers=N)`: several processes, the same bits, and nothing left behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sample_texts import SAMPLE_TEXTS, random_texts
from time_limit import LONGEST

from m2v_lite import InputTypeError, InputValueError, InvalidModelError, StaticModel, WorkerError
from m2v_lite.encoding import processes, worker_pool, worker_process
from m2v_lite.encoding.interrupts import DeferredInterrupts
from m2v_lite.encoding.strategies import Settings

METHODS = multiprocessing.get_all_start_methods()
TEXTS = [*SAMPLE_TEXTS, *random_texts(100, seed=7), "the cat sat on the mat " * 200] * 20


@pytest.fixture
def method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a start method in force, with a few texts being many, in small parts."""
    name: str = getattr(request, "param", METHODS[0])
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none=False: name)
    monkeypatch.setattr(worker_pool, "PAYS_FROM", dict.fromkeys(METHODS, 0))
    monkeypatch.setattr(processes, "PART_TEXTS", 64)
    return name


def encode_with(encoder: Any, texts: list[str], workers: int) -> NDArray[Any]:
    """Return the vectors that workers make with an encoder of a test."""
    team = processes.Team(processes.context_of(None), pickle.dumps(encoder), workers)
    with DeferredInterrupts() as interrupts:
        try:
            shape, dtype = (len(texts), 256), np.dtype(np.float32)
            return team.encode(texts, None, Settings(None, True, 64), shape, dtype, interrupts)
        finally:
            team.end()


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    gc.collect()
    threads, files = _threads(), _open_files()
    yield
    gc.collect()
    deadline = time.monotonic() + 10  # what is killed takes a moment to end
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert multiprocessing.active_children() == []
    assert _threads() == threads
    # The forkserver, and the tracker of spawned processes, are Python's and hold a pipe each.
    assert _open_files() <= files + 4


def _threads() -> list[threading.Thread]:
    """Return the threads, but for the one that tqdm leaves behind after the first bar."""
    return [thread for thread in threading.enumerate() if type(thread).__name__ != "TMonitor"]


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0


@pytest.mark.parametrize("method", METHODS, indirect=True)
def test_the_same_bits_in_order(method: str, bundled: StaticModel) -> None:
    np.testing.assert_array_equal(bundled.encode(TEXTS, workers=2), bundled.encode(TEXTS))


def test_the_settings_in_force_hold(method: str, tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny("wordpiece-float32"), dimensionality=5)
    model.normalize, model.max_length = False, 3
    for options in ({}, {"normalize": True}, {"max_length": None}, {"max_length": 2, "batch_size": 7}):
        vectors = model.encode(TEXTS, workers=3, **options)
        np.testing.assert_array_equal(vectors, model.encode(TEXTS, **options))


@pytest.mark.parametrize("name", ["wordpiece-float16-weights", "unigram-int8-shared-weights", "bpe"])
def test_other_tables_and_tokenizers(name: str, method: str, tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny(name))
    vectors, alone = model.encode(TEXTS, workers=2), model.encode(TEXTS)
    assert vectors.dtype == alone.dtype
    np.testing.assert_array_equal(vectors, alone)


def test_a_model_that_is_quantized_when_loaded(method: str, tiny: Callable[[str], Path]) -> None:
    model = StaticModel.from_pretrained(tiny("wordpiece-float32"), quantize_to="int8")
    np.testing.assert_array_equal(model.encode(TEXTS, workers=2), model.encode(TEXTS))


def test_no_more_processes_than_texts(
    method: str, bundled: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    class CountedWorker(worker_process.Worker):
        def __init__(self, *arguments: Any) -> None:
            started.append(self)
            super().__init__(*arguments)

    monkeypatch.setattr(processes, "Worker", CountedWorker)
    for texts, number in ((TEXTS[:3], 3), (["the cat"], 0), ([], 0), (np.array("the cat"), 0)):
        started.clear()
        vectors = bundled.encode(texts, workers=50)
        assert len(started) == number
        np.testing.assert_array_equal(vectors, bundled.encode(texts))


def test_few_texts_start_no_process(bundled: StaticModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "Worker", None)
    vectors = bundled.encode(TEXTS[:500], workers=2)
    np.testing.assert_array_equal(vectors, bundled.encode(TEXTS[:500]))
    long_texts = ["x" * 10**7] * 3  # of which only the first 3,000 characters matter
    assert bundled.encode(long_texts, workers=2).shape == (3, 256)


def test_one_worker_is_this_process(
    method: str, bundled: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "Worker", None)
    for number in (1, None):
        assert bundled.encode(["the cat"], workers=number).shape == (1, 256)


@pytest.mark.parametrize("wrong", [True, 1.5, "2"])
def test_a_number_of_workers_of_a_wrong_type(wrong: Any, bundled: StaticModel) -> None:
    for texts in ("one", ["one"]):
        with pytest.raises(InputTypeError, match=r"workers is .*; give a whole number of at least 1"):
            bundled.encode(texts, workers=wrong)


@pytest.mark.parametrize("wrong", [0, -1])
def test_an_impossible_number_of_workers(wrong: int, bundled: StaticModel) -> None:
    with pytest.raises(InputValueError, match=r"workers is .*; give a whole number of at least 1"):
        bundled.encode(["one"], workers=wrong)


def fail_late_at_first(settings: Settings, texts: list[str], first: int, vectors: Any) -> None:
    time.sleep(0 if first else 0.3)
    raise InputValueError(f"text {first}")


def test_of_two_failures_the_first_in_order_is_raised(method: str) -> None:
    with pytest.raises(InputValueError, match="text 0"):
        encode_with(fail_late_at_first, TEXTS, 2)


@pytest.mark.parametrize("method", METHODS, indirect=True)
def test_an_exception_reaches_the_caller(method: str, bundled: StaticModel) -> None:
    texts = list(TEXTS)
    texts[-10] = texts[777] = texts[500] = "a lone \ud800"
    with pytest.raises(InputValueError) as alone:
        bundled.encode(texts)
    with pytest.raises(InputValueError, match="text 500") as caught:
        bundled.encode(texts, workers=2)
    assert str(caught.value) == str(alone.value)
    assert "in check_unicode" in str(caught.value.__cause__)


@pytest.mark.parametrize("method", METHODS, indirect=True)
def test_another_model_in_the_place_of_the_first(
    method: str, tmp_path: Path, tiny: Callable[[str], Path]
) -> None:
    """A forked worker has the first, and any other cannot load it."""
    model = StaticModel.from_pretrained(tiny("wordpiece-float32"))
    model.save_pretrained(tmp_path)
    loaded = StaticModel.from_pretrained(tmp_path)
    model.normalize = False
    model.save_pretrained(tmp_path)
    if method == "fork":
        np.testing.assert_array_equal(loaded.encode(TEXTS, workers=2), loaded.encode(TEXTS))
        return
    with pytest.raises(InvalidModelError, match="these files are not those of the pickled model"):
        loaded.encode(TEXTS, workers=2)


@pytest.mark.parametrize("method", [method for method in METHODS if method == "fork"], indirect=True)
def test_forked_workers_know_what_their_parent_has_learnt(method: str, bundled: StaticModel) -> None:
    def no_pickling(self: object) -> None:
        raise AssertionError("the model is pickled")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StaticModel, "__reduce__", no_pickling)
        assert bundled.encode(TEXTS, workers=2).shape == (len(TEXTS), 256)


def test_a_model_made_of_arrays_is_refused(method: str, bundled: StaticModel) -> None:
    made = StaticModel(np.array(bundled.embedding), bundled.tokenizer)
    assert made.encode(TEXTS[:10], workers=1).shape == (10, 256)
    with pytest.raises(InputValueError, match=r"workers: .* save it with save_pretrained"):
        made.encode(TEXTS, workers=2)


class Unportable(Exception):
    def __init__(self, first: int, second: int) -> None:
        super().__init__("an odd one")


def fail(settings: Settings, texts: list[str], first: int, vectors: Any) -> None:
    raise Unportable(1, 2)


def end(settings: Settings, texts: list[str], first: int, vectors: Any) -> None:
    os._exit(7)


def die(settings: Settings, texts: list[str], first: int, vectors: Any) -> None:
    vectors[:] = first
    if first > 500:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (fail, "Unportable.*an odd one"),
        (end, "stopped with status 7.*__main__"),
        pytest.param(
            die,
            "killed by signal 9.*fewer workers",
            marks=pytest.mark.skipif(os.name == "nt", reason="POSIX"),
        ),
    ],
)
def test_a_worker_that_fails_or_dies(encoder: Any, message: str, method: str) -> None:
    with pytest.raises(WorkerError, match=message):
        encode_with(encoder, TEXTS, 2)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            BlockingIOError("no more processes"),
            r"cannot be started \(no more processes\); give fewer workers",
        ),
        (EOFError(), "the fork server stopped; .*__main__"),
    ],
)
def test_a_process_that_cannot_be_started(
    error: Exception, message: str, method: str, bundled: StaticModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(process: Any) -> None:
        raise error

    monkeypatch.setattr(multiprocessing.process.BaseProcess, "start", refuse)
    with pytest.raises(WorkerError, match=message):
        bundled.encode(TEXTS, workers=2)


def interrupt(settings: Settings, texts: list[str], first: int, vectors: Any) -> None:
    os.kill(os.getppid(), signal.SIGINT)  # each worker does, so that one comes while they are ended
    time.sleep(60)


@pytest.mark.skipif("fork" not in METHODS, reason="a worker tells its parent by a signal")
def test_an_interrupt_ends_the_workers_at_once(method: str) -> None:
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        encode_with(interrupt, TEXTS, 2)
    assert time.monotonic() - start < 30


def test_a_bar_is_shown(method: str, bundled: StaticModel, capsys: pytest.CaptureFixture[str]) -> None:
    bundled.encode(TEXTS, workers=2, show_progress_bar=True)
    assert f"{len(TEXTS)}/{len(TEXTS)}" in capsys.readouterr().err


def test_the_start_method_stays_open(tmp_path: Path) -> None:
    """Encoding must not take from a program the choice that it has not made yet."""
    output = run(
        tmp_path,
        """
        import multiprocessing
        from m2v_lite import StaticModel

        if __name__ == "__main__":
            StaticModel.from_pretrained().encode(["the cat"], workers=2)
            multiprocessing.set_start_method("spawn")
            print("chosen")
        """,
    )
    assert output.stdout == "chosen\n"


SCRIPT = """
    import multiprocessing, os, sys
    from m2v_lite import StaticModel
    from m2v_lite.encoding import worker_pool

    worker_pool.PAYS_FROM = dict.fromkeys(worker_pool.PAYS_FROM, 0)

    def main():
        multiprocessing.set_start_method(sys.argv[1])
        model = StaticModel.from_pretrained()
        texts = [f"sentence {number} of a long file, about cats and kettles" for number in range(10_000)]
        same = (model.encode(texts, workers=2) == model.encode(texts)).all()
        print(same, multiprocessing.active_children())

    GUARD
        main()
"""


def run(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(textwrap.dedent(program))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.run(
        [sys.executable, "-W", "error", str(script), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        cwd=folder,
    )


@pytest.mark.parametrize("method", METHODS)
def test_a_program_with_workers(method: str, tmp_path: Path) -> None:
    done = run(tmp_path, SCRIPT.replace("GUARD", 'if __name__ == "__main__":'), method)
    assert (done.stdout, done.stderr, done.returncode) == ("True []\n", "", 0)
    assert not _processes_of(tmp_path)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "fork"])
def test_a_program_without_a_main_guard_is_told(method: str, tmp_path: Path) -> None:
    program = SCRIPT.replace("GUARD", "if True:").replace(
        "set_start_method(sys.argv[1]", "set_start_method(sys.argv[1], True"
    )
    done = run(tmp_path, program, method)
    assert done.returncode == 1
    assert "WorkerError: " in done.stderr
    assert "must start its work under: if __name__ == '__main__':" in done.stderr
    assert not _processes_of(tmp_path)


def _processes_of(folder: Path) -> list[str]:
    """Return the processes, other than this one's helpers, whose working directory is `folder`."""
    time.sleep(0.2)  # Python's own helpers notice the end of their parent soon after it
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.mark.skipif("fork" not in METHODS, reason="POSIX")
def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = """
        import os, pickle, signal, sys
        import numpy as np
        from m2v_lite.encoding import processes
        from m2v_lite.encoding.interrupts import DeferredInterrupts
        from m2v_lite.encoding.strategies import Settings

        def kill_parent(settings, texts, first, vectors):
            if first:
                os.kill(os.getppid(), signal.SIGKILL)

        team = processes.Team(processes.context_of(None), pickle.dumps(kill_parent), 3)
        with DeferredInterrupts() as interrupts:
            settings, dtype = Settings(None, True, 64), np.dtype(np.float32)
            team.encode(["one"] * 4000, None, settings, (4000, 256), dtype, interrupts)
    """
    done = run(tmp_path, program)
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == ""
    assert not _processes_of(tmp_path)


@pytest.mark.skipif("fork" not in METHODS, reason="the pool gets the model by forking")
def test_a_worker_of_a_pool_is_refused_workers(method: str, bundled: StaticModel) -> None:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        answer = pool.apply_async(bundled.encode, (TEXTS,), {"workers": 2})
        with pytest.raises(InputValueError, match="this process is itself a worker"):
            answer.get(LONGEST)
