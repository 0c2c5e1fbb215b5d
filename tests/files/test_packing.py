"""Packed models: the same answers as the folder's, the folder again, and files that are broken or hostile."""

from __future__ import annotations

import json
import pickle
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sample_texts import SAMPLE_TEXTS, random_texts
from tiny_models import TINY_MODELS, TinyModel, added_token, wordpiece
from usable import assert_usable

from m2v_lite import InputValueError, InvalidModelError, StaticModel
from m2v_lite.commands.main import main
from m2v_lite.files.packed_file import verify
from m2v_lite.files.packing import unpack
from m2v_lite.files.safetensors import SafetensorsFile, write_safetensors

TEXTS = SAMPLE_TEXTS + random_texts(200, seed=11)


def rewritten(
    path: Path, metadata: dict[str, str | None] | None = None, **tensors: NDArray[Any] | None
) -> Path:
    """Write a packed model again with other metadata or tensors; None takes one out."""
    file = SafetensorsFile(path)
    arrays: dict[str, Any] = {name: file.view(name) for name in file.tensors}
    arrays.update({name.replace("__", "."): array for name, array in tensors.items()})
    texts: dict[str, Any] = {
        **file.metadata,
        **{f"m2v_lite.{key}": text for key, text in (metadata or {}).items()},
    }
    out = path.with_name("rewritten.safetensors")
    with out.open("wb") as stream:
        write_safetensors(
            stream,
            {name: array for name, array in arrays.items() if array is not None},
            {key: text for key, text in texts.items() if text is not None},
        )
    return out


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    TinyModel(wordpiece()).build(folder)
    StaticModel.from_pretrained(folder).save_packed(tmp_path / "packed.safetensors")
    return tmp_path / "packed.safetensors"


@pytest.mark.parametrize("name", TINY_MODELS)
def test_packed_and_unpacked_give_the_same(name: str, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tiny(name)
    model = StaticModel.from_pretrained(folder)
    path = tmp_path / "packed.safetensors"
    model.save_packed(path, "a tiny model")
    assert verify(str(path)) == len(SafetensorsFile(path).tensors) + 1  # and the metadata
    again = StaticModel.from_pretrained(path)
    unpack(str(path), str(tmp_path / "out"))
    for other in (again, StaticModel.from_pretrained(tmp_path / "out")):
        assert other.tokenize(TEXTS) == model.tokenize(TEXTS)
        for options in ({}, {"normalize": False}, {"max_length": 3}):
            vectors = other.encode(TEXTS, **options)
            assert vectors.dtype == model.encode(TEXTS, **options).dtype
            np.testing.assert_array_equal(vectors, model.encode(TEXTS, **options))
        for text in TEXTS[:60]:
            np.testing.assert_array_equal(other.encode(text), model.encode(text))
        assert other.tokens == model.tokens
        for attribute in ("dim", "normalize", "max_length", "embedding_dtype", "unk_token_id", "language",
                          "median_token_length", "tokenizer_kind", "base_model_name", "license"):  # fmt: skip
            assert getattr(other, attribute) == getattr(model, attribute)
        np.testing.assert_array_equal(other.embedding, model.embedding)
    assert model.files is not None
    source = Path(model.files.tokenizer).read_bytes()
    assert (tmp_path / "out" / "tokenizer.json").read_bytes() == source
    card = Path(model.files.model_card)
    if card.exists():
        assert (tmp_path / "out" / "README.md").read_bytes() == card.read_bytes()


def test_a_bert_model_needs_no_json_vocabulary(packed: Path) -> None:
    assert "vocabulary.entries" in SafetensorsFile(packed).tensors


def test_ids_that_are_not_in_a_row(tmp_path: Path) -> None:
    definition = wordpiece()
    highest = max(definition["model"]["vocab"].values())
    definition["model"]["vocab"]["far"] = highest + 5
    TinyModel(definition).build(tmp_path / "folder")
    embedding = np.random.default_rng(0).standard_normal((5, 4), np.float32)
    with (tmp_path / "folder" / "model.safetensors").open("wb") as file:
        write_safetensors(file, {"embeddings": embedding, "mapping": np.arange(highest + 6) % 5})
    model = StaticModel.from_pretrained(tmp_path / "folder")
    model.save_packed(tmp_path / "p")
    assert "vocabulary.entries" in SafetensorsFile(tmp_path / "p").tensors
    again = StaticModel.from_pretrained(tmp_path / "p")
    np.testing.assert_array_equal(again.encode([*TEXTS, "far"]), model.encode([*TEXTS, "far"]))


def test_a_packed_model_is_packed_again(packed: Path, tmp_path: Path) -> None:
    model = StaticModel.from_pretrained(packed)
    model.save_packed(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == packed.read_bytes()
    model.save_packed(packed)  # over the file that is mapped
    np.testing.assert_array_equal(StaticModel.from_pretrained(packed).encode(TEXTS), model.encode(TEXTS))


def test_pickled(packed: Path) -> None:
    model = StaticModel.from_pretrained(packed)
    pickled = pickle.dumps(model)
    assert len(pickled) < 2000
    np.testing.assert_array_equal(pickle.loads(pickled).encode(TEXTS), model.encode(TEXTS))


def test_quantized_and_cut(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for dtype in ("float16", "int8", "float32"):
        assert main(["pack", str(packed), str(tmp_path / dtype), "--dtype", dtype, "--dim", "2"]) == 0
        model = StaticModel.from_pretrained(tmp_path / dtype)
        assert (model.embedding_dtype, model.dim) == (dtype, 2)
        expected = StaticModel.from_pretrained(packed, quantize_to=dtype, dimensionality=2)
        np.testing.assert_array_equal(model.encode(TEXTS), expected.encode(TEXTS))
    assert "x 2 int8" in capsys.readouterr().out


def test_int8_only_where_vectors_are_scaled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TinyModel(wordpiece(), config={"normalize": False}).build(tmp_path / "folder")
    arguments = ["pack", str(tmp_path / "folder"), str(tmp_path / "out"), "--dtype", "int8"]
    assert main(arguments) == 1
    assert "int8 loses the scale of the table" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_line(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(packed), "--verify"]) == 0
    shown = capsys.readouterr().out
    assert "packed" in shown
    assert "all 9 agree" in shown
    assert "source:        not stated" in shown
    assert main(["unpack", str(packed), str(tmp_path / "out")]) == 0
    assert main(["encode", "--model", str(packed), "the cat"]) == 0
    assert main(["unpack", str(tmp_path / "out"), str(tmp_path / "other")]) == 1
    assert "not a packed model; make one with: m2v-lite pack" in capsys.readouterr().err
    assert main(["unpack", str(tmp_path / "nothing"), str(tmp_path / "other")]) == 1
    assert "nothing: no such file; check the path" in capsys.readouterr().err
    assert main(["info", "--verify", str(tmp_path / "out")]) == 1
    assert main(["pack", "/no/such/model", str(tmp_path / "x")]) == 1
    assert main(["pack", str(packed), "/no/such/folder/x"]) == 1


def test_every_changed_byte_is_found(packed: Path) -> None:
    content = packed.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    tensors = SafetensorsFile(packed).tensors
    for place in range(header, len(content), max(1, (len(content) - header) // 50)):
        (name,) = (name for name, info in tensors.items() if info.start <= place - header < info.end)
        changed = bytearray(content)
        changed[place] ^= 0x10
        packed.write_bytes(changed)
        with pytest.raises(
            InvalidModelError, match=f"the checksum of {name} has changed since it was packed"
        ):
            verify(str(packed))
    packed.write_bytes(content.replace(b"MASK", b"MUSK", 1))
    with pytest.raises(InvalidModelError, match="checksum of metadata"):
        verify(str(packed))


FIGURES = '{"median_token_length": %s, "vocabulary_size": %s, "highest_id": %s}'


@pytest.mark.parametrize(
    ("metadata", "tensors", "message"),
    [
        ({"version": "1"}, {}, r"version '1'.*pack the model again: m2v-lite pack"),
        ({"version": "3"}, {}, r"version '3'.*upgrade m2v_lite"),
        ({"config": None}, {}, "m2v_lite.config cannot be read"),
        ({"config": "[]"}, {}, "m2v_lite.config is not a JSON object"),
        ({"config": '{"normalize": "yes"}'}, {}, "'normalize' is 'yes'"),
        ({"config": "[" * 100_000}, {}, "m2v_lite.config cannot be read"),
        ({"card": "?"}, {}, "m2v_lite.card cannot be read"),
        ({"tokenizer": None}, {}, "m2v_lite.tokenizer cannot be read"),
        ({"tokenizer": "{}"}, {}, r"its tokenizer cannot be read \(KeyError\('normalizer'\)\)"),
        ({"figures": '{"a": 1}'}, {}, r"its tokenizer cannot be read \(KeyError\('median_token_length'\)\)"),
        ({"figures": FIGURES % ("-1", "1000", "2000")}, {}, "-1 is not a natural number"),
        ({"figures": FIGURES % ("Infinity", "1000", "2000")}, {}, "inf is not a natural number"),
        ({"figures": FIGURES % ('"5"', "1000", "2000")}, {}, "'5' is not a natural number"),
        ({"figures": FIGURES % ("3", "1e3", "2000")}, {}, "1000.0 is not a natural number"),
        ({"figures": FIGURES % ("3", "1000", "NaN")}, {}, "nan is not a natural number"),
        (
            {"figures": FIGURES % ("3", "1000", "2")},
            {},
            r"the added token '\[SEP\]' has an id that is too high",
        ),
        ({"tables": None}, {}, "m2v_lite.tables cannot be read"),
        ({"tables": "{}"}, {}, r"its tokenizer cannot be read \(KeyError\('tables'\)\)"),
        ({"tables": '{"tables": []}'}, {}, "0 tables are described, not 4"),
        ({"tables": '{"tables": [1, 2, 3, 4]}'}, {}, "'int' object is not subscriptable"),
        ({}, {"vocabulary__entries": None}, "no tensor vocabulary.entries"),
        ({}, {"vocabulary__parents": None}, "no tensor vocabulary.parents"),
        ({}, {"vocabulary__entries": np.zeros(16, np.uint64)}, "has 16 numbers instead of"),
        (
            {},
            {"vocabulary__entries": np.zeros(16, np.int64)},
            "entries is not an array of one dimension in uint64",
        ),
        ({}, {"vocabulary__values": np.zeros((2, 2), np.int32)}, "values is not an array of one dimension"),
        ({}, {"tokenizer__json": None, "vocabulary__values": None}, "no tensor vocabulary.values"),
        ({}, {"embeddings": None}, "no tensor 'embeddings'"),
        (
            {},
            {"embeddings": np.ones((3, 2), np.float32)},
            "the table has 3 rows, but the vocabulary has 102 tokens",
        ),
    ],
)
def test_broken_packed_models(
    packed: Path, metadata: dict[str, str | None], tensors: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidModelError, match=message):
        StaticModel.from_pretrained(rewritten(packed, metadata, **tensors)).encode("the cat")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keys": -1}, "slots do not hold -1 keys"),
        ({"keys": 1 << 20}, "do not hold 1048576 keys"),
        ({"keys": 1.0}, "not described by whole numbers"),
        ({"keys": True}, "not described by whole numbers"),
        ({"slots": 1000}, "not powers of two"),
        ({"slots": 1}, "not powers of two"),
        ({"slots": 1 << 20}, "numbers instead of"),
        ({"buckets": 0}, "not powers of two"),
        ({"buckets": 1 << 40}, "not powers of two"),
        ({"factors": [2, 1, 1]}, "not three odd numbers"),
        ({"factors": [1, 1]}, "not three odd numbers"),
        ({"factors": [1, 1, 1 << 64 | 1]}, "not three odd numbers"),
        ({"factors": 5}, r"its tokenizer cannot be read \(TypeError\(.* must be an iterable, not int"),
        ({"factors": ["1", 1, 1]}, "not described by whole numbers"),
    ],
)
@pytest.mark.parametrize("table", range(4))
def test_broken_tables(packed: Path, table: int, change: dict[str, Any], message: str) -> None:
    described = json.loads(SafetensorsFile(packed).metadata["m2v_lite.tables"])
    described["tables"][table].update(change)
    with pytest.raises(InvalidModelError, match=message):
        StaticModel.from_pretrained(rewritten(packed, {"tables": json.dumps(described)}))


def test_tables_that_lead_astray(packed: Path) -> None:
    """Numbers out of range are found; any others give wrong ids of the vocabulary, but nothing worse."""
    file = SafetensorsFile(packed)
    names = ("entries", "displacements", "values", "parents")
    entries, displacements, values, parents = (np.array(file.view(f"vocabulary.{name}")) for name in names)
    generator = np.random.default_rng(0)
    for number in (1 << 20, 1 << 31):
        with pytest.raises(InvalidModelError, match="a displacement points outside its table"):
            StaticModel.from_pretrained(
                rewritten(packed, {}, vocabulary__displacements=displacements | np.uint32(number))
            )
    for wrong in (-1, 1 << 20):
        values[0] = wrong
        astray = rewritten(packed, {}, vocabulary__values=values)
        with pytest.raises(InvalidModelError, match="an id that is not in the vocabulary"):
            StaticModel.from_pretrained(astray)
    values[0] = 0
    lengths = np.array(file.view("vocabulary.lengths"))
    for wrong in (1 << 9, 1 << 9 | 1, (1 << 16) - 1):
        lengths[-1] = wrong
        with pytest.raises(InvalidModelError, match="lengths is not an array of 512 numbers below 512"):
            StaticModel.from_pretrained(rewritten(packed, {}, vocabulary__lengths=lengths))
    with_end = entries.copy()
    with_end[displacements[0]] = 0  # where the key 0 is looked for, which stands for the end of a text
    with pytest.raises(InvalidModelError, match="a token has no characters"):
        StaticModel.from_pretrained(rewritten(packed, {}, vocabulary__entries=with_end))
    refused: list[str] = []
    for _ in range(20):
        changed = entries.copy()
        changed[generator.integers(0, len(entries), 1 + len(entries) // 50)] = generator.choice(entries, 1)
        astray = rewritten(
            packed, {}, vocabulary__entries=changed, vocabulary__parents=generator.permutation(parents)
        )
        try:
            model = StaticModel.from_pretrained(astray)
        except InvalidModelError as error:
            refused.append(str(error))
        else:
            assert_usable(model, TEXTS[::5])
    assert len(refused) < 15
    assert all("the unknown token '[UNK]' is not in the vocabulary" in message for message in refused)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "tokenizer.json is cut short, or is larger than 65536 bytes"),
        (b"not deflated", "tokenizer.json cannot be decompressed"),
        (b"x\x9c\x03", "tokenizer.json is cut short, or is larger than 65686 bytes"),
        (zlib.compress(b"\xff"), "tokenizer.json cannot be decompressed .*can't decode byte 0xff"),
    ],
    ids=["empty", "other", "cut short", "not UTF-8"],
)
def test_a_broken_deflated_file(packed: Path, tmp_path: Path, content: bytes, fact: str) -> None:
    broken = rewritten(packed, tokenizer__json=np.frombuffer(content, np.uint8))
    model = StaticModel.from_pretrained(broken)  # which does not read it
    model.encode("the cat")
    with pytest.raises(InvalidModelError, match=f"not a valid packed model: {fact}"):
        model.save_pretrained(tmp_path / "out")


UNREADABLE = "^tokenizer.json: tokenizers cannot read this file"
NO_JSON = "^tokenizer.json: not a valid tokenizer.json"
# How to damage the content of a tokenizer.json; what packing it again says; and what its tokens say.
DAMAGED: dict[str, tuple[Callable[[dict[str, Any]], object], str, str]] = {
    "a list": (lambda content: [], UNREADABLE, "list indices must be integers"),
    "null": (lambda content: None, UNREADABLE, "'NoneType' object is not subscriptable"),
    "without a model": (lambda content: {**content, "model": None}, UNREADABLE, "'NoneType' object is not subscriptable"),
    "a model that is a text": (lambda content: {**content, "model": "x"}, UNREADABLE, "string indices must be integers"),
    "a vocabulary that is a number": (lambda content: with_vocabulary(content, 5), UNREADABLE, "'int' object is not a mapping"),
    "ids that are texts": (lambda content: with_vocabulary(content, {"a": "b", "c": 1}), UNREADABLE, "'<' not supported between"),
    "added tokens that are a number": (lambda content: {**content, "added_tokens": 5}, UNREADABLE, ""),
    "a normalizer whose type is a list": (lambda content: {**content, "normalizer": {"type": ["BertNormalizer"]}}, UNREADABLE, ""),
    "a token that is half of a surrogate pair": (lambda content: with_vocabulary(content, {"\ud800": 0}), UNREADABLE, ""),
    "a prefix that is half of a surrogate pair": (
        lambda content: {**content, "model": {**content["model"], "continuing_subword_prefix": "\ud800"}}, UNREADABLE, ""
    ),
}  # fmt: skip


def with_vocabulary(content: dict[str, Any], vocabulary: object) -> dict[str, Any]:
    return {**content, "model": {**content["model"], "vocab": vocabulary}}


def with_text(packed: Path, text: str) -> StaticModel:
    """Load a packed model with another text of its tokenizer.json, which loading does not read."""
    return StaticModel.from_pretrained(
        rewritten(packed, tokenizer__json=np.frombuffer(zlib.compress(text.encode()), np.uint8))
    )


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_tokenizer_is_not_packed_again(case: str, packed: Path, tmp_path: Path) -> None:
    damage, of_packing, of_tokens = DAMAGED[case]
    content = json.loads((tmp_path / "folder" / "tokenizer.json").read_text())
    model = with_text(packed, json.dumps(damage(content)))
    model.encode("the cat")
    with pytest.raises(InvalidModelError, match=of_packing):
        model.save_packed(tmp_path / "again.safetensors")
    assert not (tmp_path / "again.safetensors").exists()
    with pytest.raises(InvalidModelError, match=r"^tokenizer: tokenizers cannot read this file"):
        assert model.tokenizer
    if of_tokens:
        with pytest.raises(InvalidModelError, match=f"its tokenizer.json holds no vocabulary .*{of_tokens}"):
            assert model.tokens


@pytest.mark.parametrize("text", ["", "{", '{"model": {"vocab": {"a": 1}'])
def test_a_tokenizer_that_is_no_json_is_not_packed_again(text: str, packed: Path, tmp_path: Path) -> None:
    model = with_text(packed, text)
    with pytest.raises(InvalidModelError, match=NO_JSON):
        model.save_packed(tmp_path / "again.safetensors")
    assert not (tmp_path / "again.safetensors").exists()
    with pytest.raises(InvalidModelError, match=r"its tokenizer.json holds no vocabulary \(JSONDecodeError"):
        assert model.tokens


@pytest.mark.parametrize(("name", "most"), [("tokenizer.json", 200_000), ("README.md", 200_000)])
def test_a_bomb_is_not_inflated(name: str, most: int, packed: Path, tmp_path: Path) -> None:
    """A small file could otherwise fill the memory."""
    bomb = zlib.compress(b" " * 40_000_000, 9)
    assert len(bomb) < 40_000
    changed: dict[str, Any] = {name.replace(".", "__"): np.frombuffer(bomb, np.uint8)}
    broken = rewritten(packed, **changed)
    StaticModel.from_pretrained(broken).encode("the cat")  # which reads neither
    tracemalloc.start()
    with pytest.raises(InvalidModelError, match=f"{name} is cut short, or is larger than [0-9]+ bytes"):
        unpack(str(broken), str(tmp_path / "out"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
    assert not (tmp_path / "out").exists()


def test_texts_that_deflate_too_well_are_stored_so_that_they_can_be_read(tmp_path: Path) -> None:
    folder = TinyModel().build(tmp_path / "folder")
    card = "---\nlicense: mit\n---\n" + "x" * 3_000_000
    (folder / "README.md").write_text(card)
    model = StaticModel.from_pretrained(folder)
    model.save_packed(tmp_path / "packed.safetensors")
    unpack(str(tmp_path / "packed.safetensors"), str(tmp_path / "out"))
    assert (tmp_path / "out" / "README.md").read_text() == card
    (folder / "README.md").write_text("x" * 5_000_000)
    with pytest.raises(
        InvalidModelError, match=r"README.md has 5000000 bytes, but .* at most 4194304, so shorten"
    ):
        StaticModel.from_pretrained(folder).save_packed(tmp_path / "larger.safetensors")
    assert not (tmp_path / "larger.safetensors").exists()


@pytest.mark.parametrize("name", ["wordpiece-float32", "xlmr-joined-int8", "bpe"])
@pytest.mark.parametrize("shift", [1, 2, 3, 4])
def test_data_at_odd_places(name: str, shift: int, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    """As a writer may leave them that does not pad its header."""
    packed = tmp_path / "packed.safetensors"
    model = StaticModel.from_pretrained(tiny(name))
    model.save_packed(packed)
    content = packed.read_bytes()
    length = int.from_bytes(content[:8], "little")
    odd = tmp_path / "odd.safetensors"
    header = content[8 : 8 + length] + b" " * shift
    odd.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + length :])
    again = StaticModel.from_pretrained(odd)
    np.testing.assert_array_equal(again.encode(TEXTS), model.encode(TEXTS))
    for text in TEXTS[:20]:
        np.testing.assert_array_equal(again.encode(text), model.encode(text))
    unpack(str(odd), str(tmp_path / "out"))


def test_settings_of_an_impossible_tokenizer(packed: Path) -> None:
    settings = json.loads(SafetensorsFile(packed).metadata["m2v_lite.tokenizer"])
    wrong_type = "a setting has the wrong type"
    changes: list[tuple[dict[str, Any], str]] = [
        (
            {"model": {**settings["model"], "unk_token": "nowhere"}},
            "token 'nowhere' is not in the vocabulary",
        ),
        ({"model": {**settings["model"], "max_input_chars_per_word": "100"}}, wrong_type),
        ({"model": {**settings["model"], "continuing_subword_prefix": None}}, wrong_type),
        ({"added_tokens": [added_token("[NEW]", 10**6)]}, r"token '\[NEW\]' has an id that is too high"),
        ({"added_tokens": [{"id": 0}]}, r"KeyError\('single_word'\)"),
        ({"added_tokens": [added_token("", 0)]}, wrong_type),
        (
            {"added_tokens": [added_token("\u200b", 7, normalized=True)]},
            "the added token with id 7",
        ),
        ({"added_tokens": 5}, "'int' object is not iterable"),
        ({"normalizer": {"type": "BertNormalizer"}}, r"KeyError\('strip_accents'\)"),
        ({"normalizer": {**settings["normalizer"], "lowercase": "no"}}, wrong_type),
        ({"normalizer": {**settings["normalizer"], "strip_accents": "no"}}, wrong_type),
        ({"normalizer": {**settings["normalizer"], "strip_accents": 1}}, wrong_type),
    ]
    for change, fact in changes:
        with pytest.raises(InvalidModelError, match=rf"its tokenizer cannot be read \(.*{fact}"):
            StaticModel.from_pretrained(rewritten(packed, {"tokenizer": json.dumps({**settings, **change})}))


def test_a_file_has_no_subfolder(packed: Path) -> None:
    with pytest.raises(InputValueError, match="has no subfolder"):
        StaticModel.from_pretrained(packed, subfolder="x")


@pytest.mark.parametrize("name", ["model", "[CLS]"])
def test_negative_ids_of_added_tokens(name: str, packed: Path) -> None:
    """They would count from the end of the table."""
    settings = json.loads(SafetensorsFile(packed).metadata["m2v_lite.tokenizer"])
    settings["added_tokens"] = [added_token(name, -1)]
    broken = rewritten(packed, {"tokenizer": json.dumps(settings)})
    with pytest.raises(InvalidModelError, match="a setting has the wrong type"):
        StaticModel.from_pretrained(broken)


def test_bfloat16_is_packed_and_unpacked_as_such(tmp_path: Path) -> None:
    TinyModel().build(tmp_path / "folder")
    tokens = StaticModel.from_pretrained(tmp_path / "folder").embedding.shape[0]
    codes = (0x3F00 + np.arange(4 * tokens) % 256).astype(np.uint16).reshape(tokens, 4)
    with (tmp_path / "folder" / "model.safetensors").open("wb") as file:
        write_safetensors(file, {"embeddings": codes}, bfloat16=("embeddings",))
    model = StaticModel.from_pretrained(tmp_path / "folder")
    packed = tmp_path / "packed.safetensors"
    model.save_packed(packed)
    assert SafetensorsFile(packed).tensors["embeddings"].dtype == "BF16"
    unpack(str(packed), str(tmp_path / "out"))
    for place in (packed, tmp_path / "out"):
        again = StaticModel.from_pretrained(place)
        assert again.embedding_dtype == "bfloat16"
        np.testing.assert_array_equal(again.encode(TEXTS), model.encode(TEXTS))


@pytest.mark.parametrize("name", ["tokenizer.json", "README.md"])
def test_what_deflates_well_is_bounded_by_its_deflated_size_too(
    name: str, packed: Path, tmp_path: Path
) -> None:
    """A few kilobytes must not become the largest file of its kind."""
    compressed = zlib.compress(b" " * 3_000_000, 9)
    changed: dict[str, Any] = {name.replace(".", "__"): np.frombuffer(compressed, np.uint8)}
    broken = rewritten(packed, **changed)
    most = 50 * len(compressed) + (1 << 16)
    with pytest.raises(InvalidModelError, match=f"{name} is cut short, or is larger than {most} bytes"):
        unpack(str(broken), str(tmp_path / "out"))


def test_what_hardly_deflates_is_bounded_by_its_kind(packed: Path, tmp_path: Path) -> None:
    """A model card has at most 4 MB, also one that is stored as it is."""
    most = 1 << 22
    for size, is_right in ((most, True), (most + 1, False)):
        content = (b"---\n---\n" + b"x" * size)[:size]
        broken = rewritten(packed, README__md=np.frombuffer(zlib.compress(content, 0), np.uint8))
        if is_right:
            unpack(str(broken), str(tmp_path / "out"))
            assert (tmp_path / "out" / "README.md").read_bytes() == content
        else:
            with pytest.raises(InvalidModelError, match=f"README.md is cut short, or is larger than {most}"):
                unpack(str(broken), str(tmp_path / "refused"))


def test_the_table_is_the_one_that_packing_writes(packed: Path) -> None:
    """Not another table of the name that sentence-transformers gives it."""
    expected = StaticModel.from_pretrained(packed).encode(TEXTS)
    table = np.array(SafetensorsFile(packed).view("embeddings"))
    model = StaticModel.from_pretrained(rewritten(packed, embedding__weight=-table))
    np.testing.assert_array_equal(model.encode(TEXTS), expected)
