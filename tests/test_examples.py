"""The examples that need nothing but the package, as a person runs them; the others are in `integrations`."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from time_limit import LONGEST, started

from m2v_lite import StaticModel

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(example: str, *arguments: str | Path, stdin: bytes = b"", status: int = 0) -> str:
    """Run an example and return what it prints, or its message if it is to fail."""
    command = [sys.executable, str(EXAMPLES / example), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, input=stdin, capture_output=True, check=False, env=environment, timeout=LONGEST
    )
    assert done.returncode == status, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    return (done.stderr if status else done.stdout).decode()


def loaded(example: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(example, EXAMPLES / f"{example}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Spy(StaticModel):
    """A model that notes what it encodes."""

    encoded: list[list[str]]

    def encode(self, sentences: Any, **options: Any) -> Any:
        self.encoded.append(sentences)
        return super().encode(sentences, **options)


@pytest.fixture
def spy() -> Spy:
    model = Spy.from_pretrained()
    assert isinstance(model, Spy)
    model.encoded = []
    return model


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "tea.md").write_text("# Tea\n\nThe kettle is on.\n\n\n \nBlack, with milk.\n")
    (tmp_path / "deep" / "train.txt").write_bytes(
        b"The train to the coast was late.\r\n\r\nB\xfcs at \xe2\x98\x83 nine.\n"
    )
    (tmp_path / "heading.md").write_text("# Nothing else\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG tea tea tea")
    return tmp_path


class TestSearchNotes:
    def test_finds_what_shares_no_word_with_the_query(self) -> None:
        folder = EXAMPLES / "notes"
        assert len(list(folder.iterdir())) > 5
        example = loaded("search_notes")
        model = StaticModel.from_pretrained()
        texts = [text for note in sorted(folder.glob("*.*")) for text in example.paragraphs(note)]
        assert len(texts) > 20
        best = texts[int((model.encode(texts) @ model.encode("pressure of the heating is low")).argmax())]
        assert best.startswith("The boiler drops below 1 bar")

    def test_prints_the_nearest_paragraphs(self, notes: Path) -> None:
        output = run("search_notes.py", "--notes", notes, "water is boiling").splitlines()
        assert output[0].endswith("  tea.md")
        assert output[1] == "       The kettle is on."
        assert float(output[0].split()[0]) > 0.3
        assert run("search_notes.py", "--notes", notes, "milk").splitlines()[1] == "       Black, with milk."
        output = run("search_notes.py", "--notes", notes, "a railway at the sea").splitlines()
        assert output[0].endswith(f"  {Path('deep') / 'train.txt'}")
        assert sum(line.endswith((".md", ".txt")) for line in output) == 3

    def test_the_index_is_mapped_and_right(self, notes: Path, spy: Spy) -> None:
        example = loaded("search_notes")
        index, rows = example.update_index(notes, spy)
        assert isinstance(rows, np.memmap)
        assert not rows.flags.writeable
        expected = {
            str(Path("deep", "train.txt")): ["The train to the coast was late.", "B\ufffds at ☃ nine."],
            "heading.md": [],
            "tea.md": ["The kettle is on.", "Black, with milk."],
        }
        assert list(index) == list(expected)
        for name, (_, first, end) in index.items():
            np.testing.assert_array_equal(rows[first:end], StaticModel.encode(spy, expected[name]))
        assert sorted(file.name for file in notes.iterdir() if file.name.startswith(".")) == [
            ".m2v-index.json", ".m2v-index.npy",
        ]  # fmt: skip

    def test_only_what_has_changed_is_encoded(self, notes: Path, spy: Spy) -> None:
        (notes / "bread.md").write_text("Bread.\n\nRye.\n")
        (notes / "zoo.md").write_text("Lions.\n\nZebras.\n")
        example = loaded("search_notes")
        before, old_rows = example.update_index(notes, spy)
        spy.encoded.clear()
        again, rows = example.update_index(notes, spy)
        assert spy.encoded == []
        assert again == {name: list(place) for name, place in before.items()}
        np.testing.assert_array_equal(rows, old_rows)

        (notes / "tea.md").write_text("Green.\n\nNo milk.\n\nNo sugar.\n")
        os.utime(notes / "tea.md", ns=(1, 1))
        (notes / "deep" / "train.txt").rename(notes / "zug.txt")
        (notes / "heading.md").unlink()
        (notes / "new.md").write_text("A new note.")
        kept = np.array(old_rows)
        index, rows = example.update_index(notes, spy)
        assert spy.encoded == [
            ["A new note."],
            ["Green.", "No milk.", "No sugar."],
            example.paragraphs(notes / "zug.txt"),
        ]
        assert list(index) == ["bread.md", "new.md", "tea.md", "zoo.md", "zug.txt"]
        texts = [text for name in index for text in example.paragraphs(notes / name)]
        np.testing.assert_array_equal(rows, StaticModel.encode(spy, texts))
        np.testing.assert_array_equal(old_rows, kept)  # who has the old index mapped, keeps it

    @pytest.mark.parametrize("name", [".m2v-index.npy", ".m2v-index.json"])
    def test_an_index_of_which_a_part_is_lost_is_made_anew(self, name: str, notes: Path, spy: Spy) -> None:
        example = loaded("search_notes")
        _, expected = example.update_index(notes, spy)
        (notes / name).unlink()
        spy.encoded.clear()
        _, rows = example.update_index(notes, spy)
        assert len(spy.encoded) == 3
        np.testing.assert_array_equal(rows, expected)

    def test_a_half_written_index_is_made_anew(self, notes: Path, spy: Spy) -> None:
        example = loaded("search_notes")
        _, expected = example.update_index(notes, spy)
        content = (notes / ".m2v-index.json").read_text()
        (notes / ".m2v-index.json").write_text(content[: len(content) // 2])
        spy.encoded.clear()
        np.testing.assert_array_equal(example.update_index(notes, spy)[1], expected)
        assert len(spy.encoded) == 3

    def test_the_index_of_another_model_is_made_anew(self, notes: Path, spy: Spy) -> None:
        example = loaded("search_notes")
        example.update_index(notes, StaticModel.from_pretrained(dimensionality=64))
        _, rows = example.update_index(notes, spy)
        assert rows.shape == (4, 256)

    def test_an_interrupted_update_leaves_no_wrong_index(
        self, notes: Path, spy: Spy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        example = loaded("search_notes")
        example.update_index(notes, spy)
        (notes / "about.md").write_text("It moves the rows of all others.")

        def interrupted(*arguments: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(Path, "write_text", interrupted)
            with pytest.raises(KeyboardInterrupt):
                example.update_index(notes, spy)
        index, rows = example.update_index(notes, spy)
        texts = [text for name in index for text in example.paragraphs(notes / name)]
        np.testing.assert_array_equal(rows, StaticModel.encode(spy, texts))

    def test_notes_that_are_gone(self, notes: Path) -> None:
        run("search_notes.py", "--notes", notes, "tea")
        for note in (notes / "tea.md", notes / "deep" / "train.txt"):
            note.unlink()
        for _ in range(2):
            assert "holds any text" in run("search_notes.py", "--notes", notes, "tea", status=1)

    def test_no_folder_and_no_notes(self, tmp_path: Path) -> None:
        assert "no such folder" in run("search_notes.py", "--notes", tmp_path / "none", "tea", status=1)
        assert "holds any text" in run("search_notes.py", "--notes", tmp_path, "tea", status=1)
        assert run("search_notes.py", status=2).startswith("usage:")

    def test_an_index_that_cannot_be_written(self, notes: Path) -> None:
        (notes / ".m2v-index.npy").mkdir()
        assert ".m2v-index.npy" in run("search_notes.py", "--notes", notes, "tea", status=1)


LOG = """\
06:00:01 hall sshd[12]: Failed password for root from 203.0.113.7 port 40122
06:00:09 hall kernel: Under-voltage detected! (0x00050005)

06:00:14 hall sshd[45]: Failed password for root from 203.0.113.9 port 51
06:07:30 hall sshd[78]: Failed password for user root from 198.51.100.2 port 40160
06:08:00 hall kernel: Under-voltage detected! (0x00050005)
06:09:00 hall cron: backup done
"""


class TestNearDuplicates:
    def test_counts_the_kinds_of_lines(self, tmp_path: Path) -> None:
        lines = LOG.splitlines()
        expected = [
            f"     3  {lines[0]}",
            f"     2  {lines[1]}",
            f"     1  {lines[6]}",
            "     6  lines, of 3 kinds",
        ]
        (tmp_path / "log").write_text(LOG)
        assert run("near_duplicates.py", tmp_path / "log").splitlines() == expected
        assert run("near_duplicates.py", stdin=LOG.encode()).splitlines() == expected

    def test_the_threshold(self) -> None:
        def kinds(threshold: str) -> int:
            return int(run("near_duplicates.py", "--threshold", threshold, stdin=LOG.encode()).split()[-2])

        assert kinds("0.99") == 4
        assert kinds("0.01") == 1
        for wrong in ("0", "1.1", "nan", "high"):
            assert "--threshold" in run("near_duplicates.py", "--threshold", wrong, status=2)
        assert "--most" in run("near_duplicates.py", "--most", "0", status=2)

    def test_a_kind_that_has_not_come_for_longest_is_forgotten(self) -> None:
        texts = [
            "a cup of tea",
            "the train is late",
            "a cup of tea",
            "the piano",
            "the train is late",
            "a cup of tea",
        ]
        output = run("near_duplicates.py", "--most", "2", stdin="\n".join(texts).encode()).splitlines()
        assert output == [
            "     1  the train is late",  # made room for the piano
            "     2  a cup of tea",  # made room for the train
            "     1  the piano",
            "     1  the train is late",
            "     1  a cup of tea",
            "     6  lines, of 5 kinds",
        ]

    def test_lines_that_hold_no_words(self) -> None:
        output = run("near_duplicates.py", stdin=b"12\n3456\n\xff\n \t\n\n--\n").splitlines()
        assert output[0] == "     2  12"
        assert output[-1].startswith("     4  lines")

    def test_a_line_without_end_is_taken_in_parts(self) -> None:
        output = run("near_duplicates.py", stdin=b"the kettle is on and " * 10_000).splitlines()
        assert output[-1] == "    21  lines, of 1 kinds"
        assert len(output[0]) < 10_010

    def test_memory_is_bounded(self) -> None:
        example = loaded("near_duplicates")
        words = ["kettle", "train", "piano", "garden", "bread", "board", "sensor", "night", "money"]

        def peak(number: int) -> int:
            def lines() -> Iterator[str]:
                chance = random.Random(number)
                for _ in range(number):
                    yield " ".join(chance.choices(words, k=6)) + "!" * 500

            tracemalloc.start()
            total = sum(count for count, _ in example.kinds_of_lines(lines(), 0.9999, 100))
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert total == number
            return most

        peak(100)  # imports what is needed
        assert peak(8_000) < peak(2_000) + 500_000

    def test_no_log(self, tmp_path: Path) -> None:
        assert "none" in run("near_duplicates.py", tmp_path / "none", status=1)
        assert "cannot be read" in run("near_duplicates.py", tmp_path, status=1)
        assert "no text" in run("near_duplicates.py", stdin=b"\n \n", status=1)

    def test_who_reads_the_output_may_have_enough(self) -> None:
        log = "".join(
            f"{'x' * (number % 50)}{number % 7} {chr(97 + number % 26)}\n" for number in range(20_000)
        )
        command = [sys.executable, str(EXAMPLES / "near_duplicates.py"), "--most", "2"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        pipe = subprocess.PIPE
        with started(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as process:
            assert process.stdout is not None
            process.stdout.close()
            _, errors = process.communicate(log.encode(), timeout=LONGEST)
        assert errors == b""
