"""Tokenizers of large vocabularies, kept in the assets cache: made once, mapped, and whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from definitions import tokenizer
from sample_texts import SAMPLE_TEXTS, random_texts
from time_limit import LONGEST
from tiny_models import TinyModel, wordpiece
from unigram_models import divided, joined, with_bytes
from usable import assert_usable

from m2v_lite import InvalidModelError, StaticModel
from m2v_lite.commands.main import main
from m2v_lite.files import kept_tokenizers as kept, packed_file, reading
from m2v_lite.files.assets import assets_folder
from m2v_lite.files.safetensors import SafetensorsFile
from m2v_lite.tokenization import kinds

TEXTS = SAMPLE_TEXTS + random_texts(100, seed=21)
DEFINITIONS = {"divided": divided(), "joined": joined(), "bytes": with_bytes(divided()), "BERT": wordpiece()}
LOAD = """
import sys
from m2v_lite import StaticModel
from m2v_lite.files import kept_tokenizers, reading
reading.LARGE = kept_tokenizers.SLOW = 1
model = StaticModel.from_pretrained(sys.argv[1])
print(model.encode(["the cat sat"]).tobytes().hex())
"""


@pytest.fixture(autouse=True)
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty assets cache, and sizes from which all tokenizers count as large and as slow."""
    monkeypatch.setattr(reading, "LARGE", 1)
    monkeypatch.setattr(kept, "SLOW", 1)
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "assets"))
    return tmp_path / "assets" / "m2v_lite" / "tokenizers"


@pytest.fixture(params=DEFINITIONS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return TinyModel(DEFINITIONS[request.param]).build(tmp_path / "folder")


@pytest.fixture
def one_folder(tmp_path: Path) -> Path:
    return TinyModel(joined()).build(tmp_path / "folder")


def files_in(assets: Path) -> list[Path]:
    return sorted(path for path in assets.glob("*/*"))


def vectors_of(folder: Path) -> Any:
    return StaticModel.from_pretrained(folder).encode(TEXTS)


def vectors_without_keeping(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(reading, "LARGE", 1 << 60)
        return vectors_of(folder)


def no_building(patch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the tokenizer is worked out again")

    patch.setattr(kinds, "own_tokenizer", refuse)


def test_made_once_and_mapped_from_then_on(
    folder: Path, assets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = vectors_without_keeping(folder, monkeypatch)
    assert not assets.exists()
    np.testing.assert_array_equal(vectors_of(folder), expected)
    (file,) = files_in(assets)
    assert capsys.readouterr().err == (
        f"m2v_lite: preparing the vocabulary of {folder / 'tokenizer.json'}; the result is kept in {file}\n"
    )
    before = file.read_bytes(), file.stat().st_mtime_ns
    no_building(monkeypatch)
    again = StaticModel.from_pretrained(folder)
    np.testing.assert_array_equal(again.encode(TEXTS), expected)
    for text in TEXTS[:20]:
        np.testing.assert_array_equal(again.encode(text), again.encode([text])[0])
    assert set(again.tokens) == set(again.tokenizer.get_vocab())
    assert again.tokenizer_definition() == (folder / "tokenizer.json").read_text(encoding="utf-8")
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert capsys.readouterr().err == ""


def test_quick_ones_are_kept_without_a_word(
    folder: Path, assets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "SLOW", (folder / "tokenizer.json").stat().st_size + 1)
    expected = vectors_of(folder)
    assert len(files_in(assets)) == 1
    shutil.rmtree(assets)
    assets.write_bytes(b"not a folder, so nothing can be kept")
    np.testing.assert_array_equal(vectors_of(folder), expected)
    assert capsys.readouterr() == ("", "")


def test_a_tokenizer_of_thirty_thousand_tokens_is_kept(
    assets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of potion-base-8M. The limits are those that users have."""
    monkeypatch.undo()
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "assets"))
    definition = wordpiece()
    vocabulary = definition["model"]["vocab"]
    vocabulary |= {f"token{number}": number for number in range(len(vocabulary), 30_000)}
    folder = TinyModel(definition).build(tmp_path / "folder")
    vectors_of(folder)
    assert len(files_in(assets)) == 1
    assert capsys.readouterr() == ("", "")


def test_the_first_model_uses_the_file_too(one_folder: Path, assets: Path) -> None:
    """So that it takes no more memory than later ones."""
    tokenizer: Any = StaticModel.from_pretrained(one_folder)._encoder._tokenizer
    array = tokenizer.arrays["links"]
    while not isinstance(array, np.memmap):
        array = array.base
    assert Path(array.filename or "") == files_in(assets)[0]
    assert not array.flags.writeable


def test_the_place_is_the_documented_one(one_folder: Path, assets: Path, tmp_path: Path) -> None:
    from huggingface_hub import cached_assets_path

    vectors_of(one_folder)
    (file,) = files_in(assets)
    documented = cached_assets_path(
        "m2v_lite", "tokenizers", file.parent.name, assets_dir=tmp_path / "assets"
    )
    assert file.parent == documented


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"XDG_CACHE_HOME": "/caches"},
        {"HF_HOME": "~/hub", "XDG_CACHE_HOME": "/caches"},
        {"HF_HOME": "$SOME/hub", "SOME": "/where"},
        {"HUGGINGFACE_ASSETS_CACHE": "/older", "HF_HOME": "/hub"},
        {"HF_ASSETS_CACHE": "$HOME/newer", "HUGGINGFACE_ASSETS_CACHE": "/older"},
        {"HF_ASSETS_CACHE": "~/newer"},
    ],
)
def test_the_environment_names_it_as_huggingface_hub_says(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("HF_HOME", "XDG_CACHE_HOME", "HF_ASSETS_CACHE", "HUGGINGFACE_ASSETS_CACHE")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    program = "from huggingface_hub.constants import HF_ASSETS_CACHE; print(HF_ASSETS_CACHE)"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=LONGEST)
    # Older releases leave `~` and `$` to their caller.
    said = Path(os.path.expandvars(done.stdout.strip())).expanduser()
    assert assets_folder("tokenizers") == str(said / "m2v_lite" / "tokenizers")


def test_it_is_found_without_huggingface_hub(one_folder: Path) -> None:
    program = f"{LOAD}\nassert 'huggingface_hub' not in sys.modules and 'tokenizers' not in sys.modules"
    subprocess.run([sys.executable, "-c", program, str(one_folder)], check=True, timeout=LONGEST)


def test_the_line_can_be_switched_off(
    one_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    vectors_of(one_folder)
    assert capsys.readouterr().err == ""


def test_without_standard_error(one_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    vectors_of(one_folder)


def test_where_nothing_can_be_written(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = vectors_without_keeping(folder, monkeypatch)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "file"))
    for _ in range(2):
        np.testing.assert_array_equal(vectors_of(folder), expected)
        first, second = capsys.readouterr().err.splitlines()
        assert "preparing the vocabulary" in first
        assert "the prepared vocabulary cannot be kept" in second
        assert "set HF_ASSETS_CACHE" in second


def test_a_full_disk_leaves_nothing(
    one_folder: Path, assets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packed_file, "write_safetensors", full)
    vectors_of(one_folder)
    assert files_in(assets) == []
    assert "No space left on device" in capsys.readouterr().err


def test_a_read_only_copy_is_used(one_folder: Path, assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the lock cannot be written."""
    expected = vectors_of(one_folder)
    no_building(monkeypatch)
    (assets / kept.LOCK).unlink()
    (assets / kept.LOCK).mkdir()
    np.testing.assert_array_equal(vectors_of(one_folder), expected)


def damages(content: bytes) -> dict[str, bytes]:
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    start = 8 + length + header["pieces.ids"]["data_offsets"][0]
    return {
        "empty": b"",
        "cut short": content[:-100],
        "longer": content + b"\0",
        "no safetensors file": b"x" * len(content),
        "ids out of range": content[:start] + b"\x7f" * 40 + content[start + 40 :],
        "another version": content.replace(b'"m2v_lite.version":"2"', b'"m2v_lite.version":"1"'),
        "no size": content.replace(b'\\"bytes\\"', b'\\"butes\\"'),
        "no checksum": content.replace(b'\\"crc32\\"', b'\\"crc23\\"'),
        "no arrays": content.replace(b'"pieces.', b'"places.'),
    }


def test_what_is_damaged_is_made_again(
    one_folder: Path, assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = vectors_of(one_folder)
    (file,) = files_in(assets)
    sound = file.read_bytes()
    for damage, content in damages(sound).items():
        assert content != sound, damage
        file.unlink()  # a model has the old file mapped
        file.write_bytes(content)
        capsys.readouterr()
        np.testing.assert_array_equal(vectors_of(one_folder), expected, err_msg=damage)
        assert "preparing" in capsys.readouterr().err, damage
        assert files_in(assets) == [file], damage
        assert file.read_bytes() == sound, damage


def test_every_cut_and_many_flips_give_an_answer_or_are_made_again(one_folder: Path, assets: Path) -> None:
    """Never a crash, and never an error: the file is only a copy."""
    expected = vectors_of(one_folder)
    (file,) = files_in(assets)
    sound = file.read_bytes()
    generator = np.random.default_rng(5)
    for place in generator.integers(0, len(sound), 40).tolist():
        flipped = sound[:place] + bytes([sound[place] ^ 0x55]) + sound[place + 1 :]
        for content in (sound[:place], flipped):
            file.unlink()
            file.write_bytes(content)
            model = StaticModel.from_pretrained(one_folder)
            is_made_again = file.read_bytes() == sound
            assert is_made_again or content == flipped
            if is_made_again:
                np.testing.assert_array_equal(model.encode(TEXTS), expected)
            else:
                assert file.read_bytes() == flipped
                assert_usable(model, TEXTS[::5])


def test_verify_finds_a_flipped_bit(
    one_folder: Path, assets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a number that the checks of structure cannot judge."""
    vectors_of(one_folder)
    (file,) = files_in(assets)
    path = str(one_folder / "tokenizer.json")
    assert kept.verify_kept(path) == len(SafetensorsFile(file).tensors) + 1
    content = bytearray(file.read_bytes())
    length = int.from_bytes(content[:8], "little")
    start = json.loads(content[8 : 8 + length])["pieces.scores"]["data_offsets"][0]
    content[8 + length + start] ^= 1
    file.unlink()
    file.write_bytes(content)
    with pytest.raises(InvalidModelError, match="is damaged; delete it, and the next start makes it again"):
        kept.verify_kept(path)
    file.unlink()
    assert kept.verify_kept(path) == 0


def test_a_changed_tokenizer_gets_arrays_of_its_own(one_folder: Path, assets: Path) -> None:
    vectors_of(one_folder)
    TinyModel(divided()).build(one_folder)
    model = StaticModel.from_pretrained(one_folder)
    assert model.tokenizer_definition() == json.dumps(divided())
    assert len(files_in(assets)) == 2
    # If a file in the hub's cache is cut short, it keeps its name; its arrays do not count any more.
    assert kept._mapped(str(files_in(assets)[0]), os.devnull, 0) is None


@pytest.mark.parametrize(
    "definition",
    [
        tokenizer(
            {"type": "WordLevel", "vocab": {"[UNK]": 0, "the": 1}, "unk_token": "[UNK]"}, None, None, []
        ),
        {**joined(), "normalizer": {"type": "NFKC"}},
        {**wordpiece(), "normalizer": None},
    ],
    ids=["WordLevel", "Unigram with NFKC", "WordPiece without normalizer"],
)
def test_others_are_left_to_the_library(
    definition: dict[str, Any],
    tmp_path: Path,
    assets: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = TinyModel(definition).build(tmp_path / "folder")
    expected = vectors_without_keeping(folder, monkeypatch)
    np.testing.assert_array_equal(vectors_of(folder), expected)
    assert files_in(assets) == []
    assert capsys.readouterr().err == ""


def test_another_kind_does_not_wait(tmp_path: Path, assets: Path) -> None:
    definition = tokenizer({"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}, None, None, [])
    folder = TinyModel(definition).build(tmp_path / "folder")
    with kept._one_at_a_time():
        vectors_of(folder)
    assert files_in(assets) == []


def test_a_broken_file_is_an_error_as_ever(tmp_path: Path, assets: Path) -> None:
    folder = TinyModel(joined()).build(tmp_path / "folder")
    text = (folder / "tokenizer.json").read_bytes()
    (folder / "tokenizer.json").write_bytes(text[:-40])
    with pytest.raises(InvalidModelError, match="not a valid tokenizer"):
        StaticModel.from_pretrained(folder)
    assert files_in(assets) == []


def test_small_ones_are_not_kept(
    one_folder: Path, assets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGE", (one_folder / "tokenizer.json").stat().st_size + 1)
    vectors_of(one_folder)
    assert not assets.exists()
    assert capsys.readouterr().err == ""


def test_in_the_hubs_cache_the_name_is_the_checksum(
    one_folder: Path, tmp_path: Path, assets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So nothing of the tokenizer.json is read the second time."""
    expected = vectors_of(one_folder)
    name = "0123456789abcdef0123456789abcdef01234567"
    blobs, snapshot = tmp_path / "models--a--b" / "blobs", tmp_path / "models--a--b" / "snapshots" / name
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for file in one_folder.iterdir():
        blob = blobs / (name if file.name == "tokenizer.json" else file.name)
        shutil.copy(file, blob)
        (snapshot / file.name).symlink_to(blob)
    np.testing.assert_array_equal(vectors_of(snapshot), expected)
    assert (assets / name / kept.FILE).exists()
    monkeypatch.setattr(kept, "map_content", lambda path: pytest.fail(f"{path} is read"))
    np.testing.assert_array_equal(vectors_of(snapshot), expected)


def test_of_several_processes_one_makes_it(one_folder: Path, assets: Path) -> None:
    command = [sys.executable, "-c", LOAD, str(one_folder)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(5)
    ]
    answers = [process.communicate(timeout=LONGEST) for process in processes]
    assert [process.returncode for process in processes] == [0] * 5
    assert len({out for out, _ in answers}) == 1
    assert sum("preparing" in err for _, err in answers) == 1
    assert len(files_in(assets)) == 1


def test_others_wait_while_one_makes_it(one_folder: Path, assets: Path) -> None:
    """The lock is held from before the work until the file is there."""
    expected = vectors_of(one_folder)
    (file,) = files_in(assets)
    sound = file.read_bytes()
    file.unlink()
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(vectors_of(one_folder)))
    with kept._one_at_a_time():
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
        assert not file.exists()
        file.write_bytes(sound)
    waiting.join(LONGEST)
    np.testing.assert_array_equal(found[0], expected)


def test_eight_threads_at_once(one_folder: Path, assets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(vectors_of(one_folder).tobytes())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert capsys.readouterr().err.count("preparing") == 1
    assert len(files_in(assets)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_killed_writer_leaves_nothing_that_counts(one_folder: Path, assets: Path) -> None:
    killed = f"""
import os, signal
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
{LOAD}"""
    done = subprocess.run([sys.executable, "-c", killed, str(one_folder)], timeout=LONGEST)
    assert done.returncode == -signal.SIGKILL
    (left,) = files_in(assets)
    assert left.name != kept.FILE
    vectors_of(one_folder)
    assert [file.name for file in files_in(assets)] == [kept.FILE]


def test_a_saved_and_a_packed_copy_are_the_same_as_ever(
    one_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(reading, "LARGE", 1 << 60)
        StaticModel.from_pretrained(one_folder).save_packed(tmp_path / "expected.safetensors")
    for number in range(2):
        StaticModel.from_pretrained(one_folder).save_packed(tmp_path / f"{number}.safetensors")
        assert (tmp_path / f"{number}.safetensors").read_bytes() == (
            tmp_path / "expected.safetensors"
        ).read_bytes()


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main([*map(str, arguments)]) == 0
    return capsys.readouterr().out


@pytest.fixture
def listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    return lambda *options: run(capsys, "list", "--cache-dir", tmp_path / "hub", *options)


def test_list_and_prune(one_folder: Path, tmp_path: Path, assets: Path, listed: Callable[..., str]) -> None:
    assert "kept" not in listed()
    assert "nothing to remove" in listed("--prune")
    vectors_of(one_folder)
    (file,) = files_in(assets)
    lines = listed().splitlines()
    assert lines[-2].split() == ["tokenizer", "kept", "for", "size", "file"]
    assert lines[-1].split() == [
        str(one_folder / "tokenizer.json"), f"{file.stat().st_size / 1e6:.1f}", "MB", str(file)
    ]  # fmt: skip
    assert "nothing to remove" in listed("--prune")
    assert file.exists()
    older, leftover = file.with_name("format-1.safetensors"), file.with_name(".m2v-lite-01234567.tmp")
    older.write_bytes(file.read_bytes())
    leftover.write_bytes(b"")
    assert listed("--prune").count("unknown") == 1
    assert files_in(assets) == [file]
    (one_folder / "tokenizer.json").write_text(json.dumps(divided()), encoding="utf-8")
    assert str(file) in listed("--prune")
    assert files_in(assets) == []
    assert [*assets.iterdir()] == [assets / kept.LOCK]


def test_prune_spares_what_the_hubs_cache_needs(
    one_folder: Path, tmp_path: Path, assets: Path, listed: Callable[..., str]
) -> None:
    checksum, commit = "a" * 64, "b" * 40
    entry = tmp_path / "hub" / "models--owner--name"
    snapshot = entry / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (entry / "blobs").mkdir()
    shutil.copy(one_folder / "tokenizer.json", entry / "blobs" / checksum)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(one_folder / name, snapshot / name)
    (snapshot / "tokenizer.json").symlink_to(entry / "blobs" / checksum)
    vectors_of(snapshot)
    # Another snapshot of the same file: what was made from the first one serves it.
    other = entry / "snapshots" / ("c" * 40)
    snapshot.rename(other)
    assert "nothing to remove" in listed("--prune")
    shutil.rmtree(entry)
    assert "removed" in listed("--prune")
    assert files_in(assets) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_in_the_place_of_the_lock_is_not_waited_for(one_folder: Path, assets: Path) -> None:
    assets.mkdir(parents=True)
    os.mkfifo(assets / ".lock")
    subprocess.run([sys.executable, "-c", LOAD, str(one_folder)], check=True, timeout=LONGEST)
    assert len(files_in(assets)) == 1
