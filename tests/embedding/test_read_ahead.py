"""That few rows do not make the kernel read the whole table, and many make it read it in order, once."""

from __future__ import annotations

import itertools
import mmap
import os
import re
from pathlib import Path

import numpy as np
import pytest
from sample_texts import SAMPLE_TEXTS

from m2v_lite import InputTypeError, StaticModel
from m2v_lite.embedding.read_ahead import PAGES_IN_ORDER, ReadAhead
from m2v_lite.loading import BUNDLED_MODEL

ADVICE = hasattr(mmap, "MADV_RANDOM")


@pytest.fixture
def advised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been advised."""
    advised = []
    advise = ReadAhead._advise

    def noted(self: ReadAhead, advice: str) -> None:
        advised.append(advice)
        advise(self, advice)

    monkeypatch.setattr(ReadAhead, "_advise", noted)
    return advised


WHOLE = ["MADV_NORMAL", "MADV_RANDOM"]


def test_few_texts_and_many(advised: list[str]) -> None:
    model = StaticModel.from_pretrained()
    model.encode("one text")
    assert advised == ["MADV_RANDOM"]
    model.encode(["three", "short", "texts"])
    assert advised == ["MADV_RANDOM"]
    many = [" ".join(SAMPLE_TEXTS)] * 20
    vectors = model.encode(many)
    assert advised == ["MADV_RANDOM", *WHOLE]
    np.testing.assert_array_equal(model.encode(many), vectors)
    model.encode_as_sequence(many)
    assert advised == ["MADV_RANDOM", *WHOLE]  # once


def test_preload(advised: list[str]) -> None:
    model = StaticModel.from_pretrained(preload=True)
    assert advised == ["MADV_RANDOM", *WHOLE]
    model.encode(["the cat"] * 5000)
    assert advised == ["MADV_RANDOM", *WHOLE]
    with pytest.raises(InputTypeError, match="preload"):
        StaticModel.from_pretrained(preload="yes")  # type: ignore[arg-type]


def test_tables_in_memory_need_no_advice(advised: list[str]) -> None:
    model = StaticModel.from_pretrained(quantize_to="float32", preload=True)
    model.encode(["the cat"] * 5000)
    for table in (None, np.empty((0, 4)), np.ones((3, 4))):
        ReadAhead(table).expect(np.arange(3).repeat(1000))
    assert advised == []


@pytest.mark.parametrize(("columns", "rows"), [(slice(None), 1000), (slice(0, 3), 1000), (slice(0, 8), 1)])
def test_the_pages_are_those_of_the_table(tmp_path: Path, columns: slice, rows: int) -> None:
    (tmp_path / "table").write_bytes(os.urandom(7777 + rows * 32))
    mapped = np.memmap(tmp_path / "table", np.float32, "r", 7776, (rows, 8))[:, columns]
    ahead = ReadAhead(mapped)
    assert ahead._start % mmap.PAGESIZE == 0
    first = 7776 % mmap.ALLOCATIONGRANULARITY  # numpy maps from the page that the offset lies in
    assert ahead._start <= first < ahead._start + mmap.PAGESIZE
    assert ahead._start + ahead._length == first + (rows - 1) * 32 + mapped.shape[1] * 4
    needed = ahead._length // mmap.PAGESIZE // PAGES_IN_ORDER
    if 0 < needed < rows:
        ahead.expect(np.zeros(10 * rows, np.intp))  # one row again and again
        ahead.expect(np.arange(needed - 1).repeat(5))
        assert not ahead._all_read
    ahead.expect(np.arange(min(needed + 1, rows)))
    assert ahead._all_read


@pytest.mark.skipif(not Path("/proc/self/smaps").exists() or not ADVICE, reason="needs smaps of Linux")
def test_the_kernel_has_the_advice() -> None:
    def flags() -> set[bool]:
        parts = Path("/proc/self/smaps").read_text().split("VmFlags:")
        pairs = itertools.pairwise(parts)
        return {" rr" in re.split(r"\n", after)[0] for before, after in pairs if BUNDLED_MODEL in before}

    model = StaticModel.from_pretrained()
    assert True in flags()
    model._encoder.read_ahead.read_all()
    assert True in flags()


def test_without_madvise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MADV_RANDOM", "MADV_NORMAL"):
        monkeypatch.delattr(mmap, name, raising=False)
    model = StaticModel.from_pretrained(preload=True)
    np.testing.assert_array_equal(
        model.encode(SAMPLE_TEXTS), StaticModel.from_pretrained().encode(SAMPLE_TEXTS)
    )
