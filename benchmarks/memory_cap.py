"""Find out which contenders encode with a 300 MB table and 64 MB of private memory.

    make memory-cap         # m2v_lite and the peers
    make test-memory-cap    # m2v_lite alone

The cap is RLIMIT_DATA, as `prlimit --data` sets it. It counts private memory, but not mapped files. Each
contender has one core and one OpenBLAS thread; with more threads, numpy itself does not start.

The table repeats the bundled model's table ten times side by side, as float32. The expected vectors
therefore repeat model2vec's vectors for the bundled model, which tests/golden stores. m2v_lite must give
them bit for bit. The report shows the smallest cap with which each contender encodes, and how far its
vectors are off.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from results_folder import HERE, add_out_option, write_results

sys.path[:0] = [str(HERE.parent), str(HERE.parent / "tests")]

from reference import GOLDEN
from sample_texts import SAMPLE_TEXTS
from tiny_models import bundled_definition

from m2v_lite.files.safetensors import SafetensorsFile, write_safetensors
from m2v_lite.loading import BUNDLED_MODEL

PEERS = ["model2vec", "laghu_rs", "laghu", "fastembed"]
COPIES = 10
CAPS = [64, 96, 128, 192, 256, 384, 512, 768, 1024]  # MB
SECONDS = 40


def make_model(folder: Path) -> Path:
    """Write a model folder; its table has the bundled table `COPIES` times side by side, as float32."""
    codes = SafetensorsFile(BUNDLED_MODEL).view("embeddings")
    (folder / "config.json").write_text('{"normalize": false}')
    (folder / "tokenizer.json").write_text(json.dumps(bundled_definition()), encoding="utf-8")
    with (folder / "model.safetensors").open("wb") as file:
        write_safetensors(file, {"embeddings": np.tile(codes.astype(np.float32), (1, COPIES))})
    return folder


def right_vectors() -> NDArray[np.float32]:
    """Return the vectors that model2vec would give `SAMPLE_TEXTS` with the model of `make_model`."""
    return np.tile(np.load(GOLDEN / "potion-base-8M-int8.npz")["vectors_raw"], (1, COPIES))


def encode_capped(
    name: str, python: str, model: Path, texts: list[str], megabytes: int
) -> NDArray[np.float32] | str:
    """Return the vectors, or else how the process ended."""
    core = min(os.sched_getaffinity(0))

    def cap() -> None:
        os.sched_setaffinity(0, {core})
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))

    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
    environment = {**os.environ, **one_thread, "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(HERE.parent)}
    with tempfile.TemporaryDirectory() as temporary:
        texts_file, vectors = Path(temporary) / "texts.json", Path(temporary) / "vectors.npy"
        texts_file.write_text(json.dumps(texts), encoding="utf-8")
        command = [python, str(HERE / "encode_texts.py"), name, str(model), str(texts_file), str(vectors)]
        try:
            done = subprocess.run(
                command,
                env=environment,
                preexec_fn=cap,
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"no end after {SECONDS} s"
        if done.returncode == 0:
            encoded: NDArray[np.float32] = np.load(vectors)
            return encoded
        end = f"status {done.returncode}" if done.returncode > 0 else signal.Signals(-done.returncode).name
        about_memory = [line for line in done.stderr.splitlines() if "memory" in line.lower()]
        return f"{end}: {(about_memory or done.stderr.splitlines() or [''])[-1][:120]}"


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.float32(1e-32)), np.float32)


def check(name: str, vectors: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return the largest difference in direction: some peers scale all vectors to length 1.

    Raises:
        AssertionError: the vectors are m2v_lite's and not bit for bit as expected.
    """
    if name == "m2v_lite":
        np.testing.assert_array_equal(vectors, expected)
    return float(np.abs(unit(vectors) - unit(expected)).max())


def outcome(name: str, python: str, model: Path, expected: NDArray[np.float32]) -> dict[str, Any]:
    """Try one contender with larger and larger caps until it encodes."""
    ends: dict[str, str] = {}
    for megabytes in CAPS:
        encoded = encode_capped(name, python, model, SAMPLE_TEXTS, megabytes)
        if not isinstance(encoded, str):
            difference = check(name, encoded, expected)
            return {"ends": ends, "encodes_with_megabytes": megabytes, "largest_difference": difference}
        if name == "m2v_lite":
            raise SystemExit(f"m2v_lite with {megabytes} MB ended with {encoded}")
        ends[str(megabytes)] = encoded
    return {"ends": ends}


def table(outcomes: dict[str, dict[str, Any]]) -> str:
    lines = [f"| | with {CAPS[0]} MB | encodes with | largest difference |", "|---|---|---|---|"]
    for name, result in outcomes.items():
        first = result["ends"].get(str(CAPS[0]), "encodes").replace("|", "/")
        if "encodes_with_megabytes" in result:
            rest = f"{result['encodes_with_megabytes']} MB | {result['largest_difference']:.0e}"
        else:
            rest = f"not with {CAPS[-1]} MB | "
        lines.append(f"| {name} | {first} | {rest} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--peers-python", help="the Python of the environment of `make peers`; without it, only m2v_lite runs"
    )
    add_out_option(parser)
    options = parser.parse_args()
    expected = right_vectors()
    pythons = {"m2v_lite": sys.executable}
    if options.peers_python:
        pythons |= dict.fromkeys(PEERS, options.peers_python)
    with tempfile.TemporaryDirectory() as temporary:
        model = make_model(Path(temporary))
        table_bytes = (model / "model.safetensors").stat().st_size
        outcomes = {name: outcome(name, python, model, expected) for name, python in pythons.items()}
    shown = table(outcomes)
    print(shown)
    result = {"table_bytes": table_bytes, "python": platform.python_version(), "outcomes": outcomes}
    heading = f"A table of {table_bytes / 1e6:.0f} MB, one core, private memory capped (RLIMIT_DATA)"
    write_results(options.out, "memory-cap", result, f"{heading}\n\n{shown}")


if __name__ == "__main__":
    main()
