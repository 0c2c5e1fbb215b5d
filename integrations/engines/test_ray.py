"""Ray Data on two raylets: the example, rows without a text, killed processes, and nodes that lack the model.

The raylets stand for two machines with one CPU each. They share a disk, and the pages of the model.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pytest
import ray
from hub_cache import COMMIT, NAME
from ray.cluster_utils import Cluster
from ray.data import ActorPoolStrategy, Dataset
from ray.exceptions import ActorDiedError, RayTaskError
from time_limit import LONGEST, wait_for

from m2v_lite import Embedder, StaticModel

# What Ray says of its own settings when it makes them.
pytestmark = pytest.mark.filterwarnings(r"ignore:`use_\w+` is deprecated:DeprecationWarning")

FORMATS = ["pyarrow", "pandas", "numpy"]
ONE = ActorPoolStrategy(size=1)
BLOCKS = 16
HOLED = pa.table({"id": [0, 1, 2], "text": ["The kettle is on.", None, "The train was late."]})
NOT_UTF8 = pa.table({"id": [0, 1, 2], "text": pa.array([b"one", b"t\xffwo", b"three"]).view(pa.string())})


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two raylets. In the end, no process of Ray is left."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        cluster.add_node(num_cpus=1)
        ray.init(cluster.address, log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield cluster
        started = processes_of_ray()
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert started
    assert psutil.wait_procs(started, timeout=LONGEST)[1] == []


def processes_of_ray() -> list[psutil.Process]:
    """Return those that this process has started, and that these have started."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if "ray" in " ".join(child.cmdline()):
                found.append(child)
    return found


@pytest.fixture(scope="module")
def table(rows: pa.Table) -> pa.Table:
    return rows.slice(0, 100 * BLOCKS)


@pytest.fixture
def blocks(cluster: Cluster, table: pa.Table) -> Dataset:
    """The rows of `table`, in so many blocks that each process gets some."""
    return ray.data.from_arrow([table.slice(100 * number, 100) for number in range(BLOCKS)])


def check_vectors(done: Dataset, table: pa.Table, vectors: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    """Check that each row is there once, with its vector. Return the rows."""
    rows = sorted(done.take_all(), key=lambda row: row["id"])
    assert [(row["id"], row["text"]) for row in rows] == list(
        zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)
    )
    found = np.array([row["embedding"] for row in rows], np.float32)
    np.testing.assert_array_equal(found, vectors[: len(table)])
    return rows


@pytest.mark.parametrize("where", ["on a new instance", "on the cluster"])
def test_the_example(
    where: str,
    cluster: Cluster,
    source: Path,
    tmp_path: Path,
    run_example: Callable[..., None],
    check: Callable[[Path], None],
) -> None:
    address = "local" if where == "on a new instance" else cluster.address
    run_example("ray_vectors", source, tmp_path / "out", RAY_ADDRESS=address)
    check(tmp_path / "out")


@pytest.mark.parametrize("batch_format", FORMATS)
def test_the_class(
    batch_format: str, blocks: Dataset, table: pa.Table, vectors: np.ndarray[Any, Any]
) -> None:
    """Each process of the pool makes an embedder. Vectors in Arrow stay lists; others become tensors."""
    done = blocks.map_batches(
        Embedder,
        fn_constructor_kwargs={"column": "text", "output": "embedding"},
        batch_format=batch_format,
        compute=ONE,
    ).materialize()
    check_vectors(done, table, vectors)
    kind = done.schema().types[-1]
    assert (kind == pa.list_(pa.float32(), 256)) == (batch_format == "pyarrow"), kind


@pytest.mark.parametrize("batch_format", FORMATS)
def test_an_embedder(
    batch_format: str, blocks: Dataset, table: pa.Table, vectors: np.ndarray[Any, Any]
) -> None:
    """Ray takes it for a function and starts tasks, whose processes load the model once each."""
    check_vectors(blocks.map_batches(Embedder(), batch_format=batch_format), table, vectors)


@pytest.mark.parametrize("batch_format", FORMATS)
@pytest.mark.parametrize("null", ["empty", "null", "skip"])
def test_missing_texts(null: str, batch_format: str, cluster: Cluster) -> None:
    done = ray.data.from_arrow(HOLED).map_batches(Embedder(null=null), batch_format=batch_format)
    known = StaticModel.from_pretrained().encode(["The kettle is on.", "", "The train was late."])
    expected = {0: known[0].tolist(), 2: known[2].tolist()}
    if null != "skip":
        expected[1] = known[1].tolist() if null == "empty" else None
    assert {row["id"]: as_list(row["embedding"]) for row in done.take_all()} == expected


def as_list(vector: Any) -> Any:
    return vector.tolist() if isinstance(vector, np.ndarray) else vector


@pytest.mark.parametrize("batch_format", FORMATS)
def test_a_missing_text_is_an_error(batch_format: str, cluster: Cluster) -> None:
    with pytest.raises(RayTaskError, match=r"InputTypeError: row 1 of the batch, column 'text': .*null"):
        ray.data.from_arrow(HOLED).map_batches(Embedder(), batch_format=batch_format).materialize()


@pytest.mark.parametrize("batch_format", ["pyarrow", "pandas"])
@pytest.mark.parametrize("errors", ["replace", "skip", "null"])
def test_texts_that_are_not_unicode(errors: str, batch_format: str, cluster: Cluster) -> None:
    """Ray hands over the bytes as they are. With "numpy", it fails by itself, before the embedder."""
    done = ray.data.from_arrow(NOT_UTF8).map_batches(Embedder(errors=errors), batch_format=batch_format)
    known = StaticModel.from_pretrained().encode(["one", "t\ufffdwo", "three"])
    expected = {0: known[0].tolist(), 2: known[2].tolist()}
    if errors != "skip":
        expected[1] = known[1].tolist() if errors == "replace" else None
    found = done.select_columns(["id", "embedding"]).take_all()  # Python could not show the text
    assert {row["id"]: as_list(row["embedding"]) for row in found} == expected


def test_texts_that_are_not_unicode_are_an_error(cluster: Cluster) -> None:
    with pytest.raises(
        RayTaskError, match="row 1 of the batch, column 'text': the text is not valid Unicode at char"
    ):
        ray.data.from_arrow(NOT_UTF8).map_batches(Embedder(), batch_format="pyarrow").materialize()


def mortal(place: Path) -> type[Embedder]:
    """Return a class of which one process kills itself, once, when three batches are done.

    A class that is made in a function goes to other processes as a whole, which could not import this file.
    """

    class Mortal(Embedder):
        def __call__(self, batch: pa.Table) -> pa.Table:
            if len(list(place.glob("done-*"))) >= 3:
                try:
                    with (place / "killed").open("x") as marker:
                        marker.write(str(os.getpid()))
                except FileExistsError:
                    pass  # it has happened already
                else:
                    os.kill(os.getpid(), signal.SIGKILL)
            done = super().__call__(batch)
            (place / f"done-{uuid.uuid4()}").touch()
            return done

    return Mortal


@pytest.mark.parametrize("workers", ["one actor", "two actors", "tasks"])
def test_a_killed_process(
    workers: str, blocks: Dataset, table: pa.Table, vectors: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    """Ray starts another process and does the lost blocks again, as often as it takes.

    That is the default of Ray Data: its actors have max_restarts=-1 and max_task_retries=-1, its tasks
    max_retries=-1. In plain Ray, without Data, an actor that dies stays dead.
    """
    kind = mortal(tmp_path)
    if workers == "tasks":
        done = blocks.map_batches(kind(), batch_format="pyarrow")
    else:
        pool = ActorPoolStrategy(size=1 if workers == "one actor" else 2)
        done = blocks.map_batches(kind, batch_format="pyarrow", compute=pool)
    check_vectors(done.materialize(), table, vectors)
    killed = int((tmp_path / "killed").read_text())
    wait_for(lambda: not psutil.pid_exists(killed))


def test_a_model_in_the_cache_of_the_hub(
    blocks: Dataset, table: pa.Table, hub_cache: Path, small_model: Path
) -> None:
    """Nothing is asked of the hub: the embedder names the commit, and the environment forbids it."""
    vectors = StaticModel.from_pretrained(small_model).encode(table["text"].to_pylist())
    embed = Embedder(NAME, cache_dir=hub_cache)
    (hub_cache / "models--owner--name" / "refs" / "main").write_text("f" * 40)  # the branch has moved on
    check_vectors(blocks.map_batches(embed, batch_format="pyarrow"), table, vectors)

    done = blocks.map_batches(
        Embedder,
        fn_constructor_args=[NAME],
        fn_constructor_kwargs={"revision": COMMIT},
        batch_format="pyarrow",
        compute=ONE,
        runtime_env={"env_vars": {"HF_HUB_CACHE": str(hub_cache), "HF_HUB_OFFLINE": "1"}},
    )
    check_vectors(done, table, vectors)


@pytest.mark.parametrize("there", ["nothing", "another model"])
def test_a_node_that_lacks_the_model(there: str, blocks: Dataset, small_model: Path, tmp_path: Path) -> None:
    """The model changes before the processes of Ray load it, so to them this is another machine."""
    folder = tmp_path / "model"
    shutil.copytree(small_model, folder)
    embed = Embedder(folder)
    shutil.rmtree(folder)
    place = f"on the machine {socket.gethostname()}: "
    if there == "nothing":
        message = rf"ModelNotFoundError: {place}'{folder}': no such folder.*\. Each machine needs the model"
    else:
        StaticModel.from_pretrained(dimensionality=32).save_pretrained(folder)
        message = rf"InvalidModelError: {place}{folder}: not the model .*; put the same files on each machine"
    with pytest.raises(RayTaskError, match=message):
        blocks.map_batches(embed, batch_format="pyarrow").materialize()


def test_a_class_whose_model_is_not_there(blocks: Dataset, tmp_path: Path) -> None:
    """Ray does not try for ever."""
    with pytest.raises(ActorDiedError, match=f"ModelNotFoundError: '{tmp_path}/none': no such folder"):
        blocks.map_batches(
            Embedder, fn_constructor_args=[tmp_path / "none"], batch_format="pyarrow", compute=ONE
        ).materialize()


def meeting(place: Path) -> type[Embedder]:
    """Return a class whose processes begin when there are two, and tell about themselves in each row.

    Processes of Ray do not find the modules beside this one, so this does without them.
    """

    class Meeting(Embedder):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            (place / str(os.getpid())).touch()

        def __call__(self, batch: pa.Table) -> pa.Table:
            deadline = time.monotonic() + LONGEST
            while len(list(place.iterdir())) < 2:
                assert time.monotonic() < deadline, "the other process does not start"
                time.sleep(0.01)
            done = super().__call__(batch)
            # How much of the model's file is in memory, and the share of this process in that.
            smaps = Path("/proc/self/smaps").read_text()
            folder = re.escape(str(self.model))
            (mapping,) = re.findall(rf" {folder}/model\.safetensors\n(?:\w+:.*\n)+", smaps)
            kilobytes = dict(re.findall(r"^(\w+): +(\d+) kB", mapping, re.M))
            facts = {
                "node": ray.get_runtime_context().get_node_id(),
                "process": os.getpid(),
                "resident": int(kilobytes["Rss"]),
                "share": int(kilobytes["Pss"]),
            }
            for name, value in facts.items():
                done = done.append_column(name, pa.array([value] * len(done)))
            return done

    return Meeting


def test_two_nodes_share_the_table(
    blocks: Dataset, table: pa.Table, vectors: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    """Both do a part of the work. The model's pages are there once for the two processes."""
    folder, place = tmp_path / "model", tmp_path / "place"
    StaticModel.from_pretrained().save_pretrained(folder)
    place.mkdir()
    done = blocks.map_batches(
        meeting(place),
        fn_constructor_args=[folder],
        fn_constructor_kwargs={"preload": True},
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=2),
    )
    rows = check_vectors(done, table, vectors)
    assert len({(row["node"], row["process"]) for row in rows}) == 2
    assert {row["node"] for row in rows} == {node["NodeID"] for node in ray.nodes() if node["Alive"]}
    size = (folder / "model.safetensors").stat().st_size / 1024
    for row in rows:
        assert row["resident"] > 0.9 * size
        assert row["share"] < 0.6 * row["resident"]
