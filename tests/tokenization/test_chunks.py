"""The memo in front of `tokenizers`: a text's chunks, tokenized alone, against the text as a whole."""

from __future__ import annotations

import base64
import copy
import json
import os
import pickle
import random
import struct
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sample_texts import SAMPLE_TEXTS, random_texts
from tiny_models import TINY_MODELS, TinyModel, added_token, bpe, unigram, wordlevel, wordpiece
from tokenizers import Tokenizer
from tokenizers.normalizers import NFKC, Precompiled

from m2v_lite import StaticModel
from m2v_lite.errors import TokenizationError
from m2v_lite.tokenization import chunks
from m2v_lite.tokenization.chunk_independence import JOINING, SPACES, TRIAL_TEXTS, chunk_rule
from m2v_lite.tokenization.chunks import CREDIT, DEPENDENT, LONGEST_CHUNK, ChunkTokenizer, chunk_tokenizer
from m2v_lite.tokenization.definition import TokenizerText
from m2v_lite.tokenization.flat_ids import of_each_text
from m2v_lite.tokenization.tokenizers_library import LibraryTokenizer

if TYPE_CHECKING:
    from m2v_lite.tokenization.flat_ids import FlatIds

EXHAUSTIVE = bool(os.environ.get("M2V_LITE_EXHAUSTIVE"))

WORDS = {"type": "WhitespaceSplit"}
META = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
BERT = {
    "type": "BertNormalizer",
    "clean_text": True,
    "handle_chinese_chars": True,
    "strip_accents": None,
    "lowercase": True,
}
# Shows every byte of a part, and where it begins.
BYTES = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False}


def sequence(*steps: dict[str, Any], of: str = "normalizers") -> dict[str, Any]:
    return {"type": "Sequence", of: list(steps)}


def steps(*parts: dict[str, Any]) -> dict[str, Any]:
    return sequence(*parts, of="pretokenizers")


def replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def charsmap(rules: dict[str, str]) -> dict[str, Any]:
    """Return SentencePiece's normalizer for some rules: a trie in an array, then what the keys become."""
    values, texts = {}, b""
    for key, value in rules.items():
        values[key.encode()] = len(texts)
        texts += value.encode() + b"\0"
    nodes = sorted({key[:length] for key in values for length in range(len(key) + 1)})
    base = {node: 256 * (number + 1) for number, node in enumerate(nodes)}
    units = [0] * 256 * (len(nodes) + 1)
    for node in nodes:
        place = base[node[:-1]] ^ node[-1] if node else 0
        units[place] = (place ^ base[node]) << 10 | (node in values) << 8 | (node[-1] if node else 0)
        if node in values:
            units[base[node]] = 1 << 31 | values[node]
    data = struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + texts
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(data).decode()}


SPACES_TO_ONE = dict.fromkeys("\t\n\r\u00a0\u2009\u200b", " ")
CHARSMAP = charsmap({**SPACES_TO_ONE, "ﬁ": "fi", "e\u0301": "é", "é": "é", "\u00a8": " \u0308", "\x0b": ""})
# Rules that make one of a space and a mark beside it.
JOINS_MARK = charsmap({**SPACES_TO_ONE, " \u0301": "\u00b4"})
JOINS_FORMAT = charsmap({**SPACES_TO_ONE, "\u0600 ": "#"})
JOINS_BOTH = charsmap({**SPACES_TO_ONE, "\u0600 \u0301": "#"})


def definition(
    normalizer: dict[str, Any] | None = None,
    pre_tokenizer: dict[str, Any] | None = None,
    model: Callable[[], dict[str, Any]] = bpe,
    **changes: Any,
) -> dict[str, Any]:
    """Return a tokenizer whose ids show all bytes of all parts, unless another model is given."""
    pre_tokenizer = pre_tokenizer or steps(WORDS, BYTES)
    return {**model(), "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, **changes}


def made(content: dict[str, Any], **options: Any) -> ChunkTokenizer | None:
    tokenizer = Tokenizer.from_str(json.dumps(content))
    made = chunk_tokenizer(tokenizer, None, TokenizerText(""), json.loads(json.dumps(content)))
    if made is not None and options:
        made = ChunkTokenizer(tokenizer, None, TokenizerText(""), made._rule, **options)
    return made


def chunked(content: dict[str, Any], **options: Any) -> ChunkTokenizer:
    tokenizer = made(content, **options)
    assert tokenizer is not None
    return tokenizer


def divided(tokenizer: ChunkTokenizer, texts: Sequence[str]) -> FlatIds:
    """Return the ids by way of chunks, however many of them are new."""
    tokenizer._credit, tokenizer._to_pass_over = 1 << 40, 0
    flat = tokenizer.divided_ids(texts)
    assert flat is not None
    return flat


def assert_same_as_whole(tokenizer: ChunkTokenizer, texts: list[str], size: int = 500) -> None:
    for start in range(0, len(texts), size):
        part = texts[start : start + size]
        expected = tokenizer.lists_of_ids(part)
        for round in ("new", "known"):
            ours = [ids.tolist() for ids in of_each_text(*divided(tokenizer, part))]
            for text, ids, whole in zip(part, ours, expected, strict=True):
                assert ids == whole, (round, text.encode("unicode_escape"))


def assert_same_flat(ours: FlatIds, expected: FlatIds) -> None:
    for array, right in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(array, right)


NORMALIZERS = {
    "none": None,
    "Lowercase": {"type": "Lowercase"},
    "NFC": {"type": "NFC"},
    "NFD": {"type": "NFD"},
    "NFKC": {"type": "NFKC"},
    "NFKD": {"type": "NFKD"},
    "Nmt": {"type": "Nmt"},
    "StripAccents": sequence({"type": "NFD"}, {"type": "StripAccents"}),
    "Bert": BERT,
    "Bert that leaves control characters": {**BERT, "clean_text": False},
    "Bert that only strips accents": {**BERT, "strip_accents": True, "lowercase": False, "handle_chinese_chars": False},
    "Strip": {"type": "Strip", "strip_left": True, "strip_right": True},
    "of model2vec": sequence(
        BERT,
        replace({"String": "!"}, " ! "),
        replace({"String": "\u0308"}, ""),
        replace({"String": "ab"}, "a  b"),
        replace({"Regex": r"\s+"}, " "),
        {"type": "Strip", "strip_left": True, "strip_right": True},
    ),
    "of SentencePiece": sequence({"type": "Nmt"}, {"type": "NFKC"}, replace({"Regex": " {2,}"}, " ")),
    "Precompiled": CHARSMAP,
    "Precompiled and Strip": sequence(CHARSMAP, {"type": "Strip", "strip_left": False, "strip_right": True}),
    "Precompiled that joins marks": JOINS_MARK,
    "Precompiled that joins format characters": JOINS_FORMAT,
}  # fmt: skip

PRE_TOKENIZERS = {
    "WhitespaceSplit": WORDS,
    "Whitespace": {"type": "Whitespace"},
    "BertPreTokenizer": {"type": "BertPreTokenizer"},
    "Metaspace": steps(WORDS, META),
    "Metaspace that never prepends": steps(WORDS, {**META, "prepend_scheme": "never"}),
    "Metaspace of old": steps(WORDS, {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}),
    "Metaspace that does not split": steps(WORDS, {**META, "split": False}),
    "nested": steps(steps(WORDS), {"type": "Digits", "individual_digits": True}, {"type": "Punctuation", "behavior": "MergedWithNext"}),
    "regular expression": steps(WORDS, {"type": "Split", "pattern": {"Regex": r"[a-e]+|\p{M}"}, "behavior": "Isolated", "invert": False}),
    "delimiter": steps(WORDS, {"type": "CharDelimiterSplit", "delimiter": "a"}),
    "GPT-2": steps(WORDS, {**BYTES, "use_regex": True, "add_prefix_space": False}),
}  # fmt: skip


def showing_bytes(pre_tokenizer: dict[str, Any]) -> dict[str, Any]:
    return pre_tokenizer if "ByteLevel" in json.dumps(pre_tokenizer) else steps(pre_tokenizer, BYTES)


@cache
def surroundings() -> list[str]:
    """Every character, or a sample, beside each kind of white space, with marks and letters near."""
    some = {*range(0x100), *range(0x2C0, 0x370), *range(0x2000, 0x2070), *range(0x300, 0x1200, 5)}
    some |= {0x0E33, 0x0EB3, 0x0D4E, 0x3000, 0x3099, 0xFEFF, 0xFF9E, 0xFFFD, *map(ord, JOINING)}
    some |= {*range(0, sys.maxunicode, 997), *range(0x11000, 0x12000, 61), 0x1F3FB, 0x1F1E6, 0xE0020}
    codes = range(sys.maxunicode + 1) if EXHAUSTIVE else sorted(some)
    characters = [chr(code) for code in codes if not 0xD800 <= code <= 0xDFFF]
    texts = []
    for start in range(0, len(characters), 20):
        part = characters[start : start + 20]
        texts.append("".join(f"{c} {c}a {c}\u0301\t{c} \u0301{c}\r\n{c}{c} a{c}" for c in part))
        texts.append(" ".join(f"{c}  a\u0301{c}e" for c in part))
        texts.append(f"{part[0]} \n{part[-1]}\r")
    return texts


@pytest.mark.parametrize("name", NORMALIZERS)
def test_every_character_with_every_normalizer(name: str) -> None:
    assert_same_as_whole(chunked(definition(NORMALIZERS[name])), surroundings())


@pytest.mark.parametrize("name", PRE_TOKENIZERS)
def test_every_character_with_every_pre_tokenizer(name: str) -> None:
    texts = surroundings()[:: 1 if EXHAUSTIVE else 3]
    assert_same_as_whole(chunked(definition(None, showing_bytes(PRE_TOKENIZERS[name]))), texts)


@pytest.mark.parametrize("pre_tokenizer", PRE_TOKENIZERS)
@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_random_texts(normalizer: str, pre_tokenizer: str) -> None:
    tokenizer = chunked(definition(NORMALIZERS[normalizer], showing_bytes(PRE_TOKENIZERS[pre_tokenizer])))
    assert_same_as_whole(tokenizer, SAMPLE_TEXTS + random_texts(2000 if EXHAUSTIVE else 20, seed=1), 60)


def bpe_of_letters(**options: Any) -> dict[str, Any]:
    content = bpe("<unk>")
    del content["model"]["vocab"]["z"]
    content["model"].update(options)
    return content


MODELS: dict[str, Callable[[], dict[str, Any]]] = {
    "WordLevel": wordlevel,
    "Unigram": unigram,
    "WordPiece": wordpiece,
    "BPE that fuses unknown ones": lambda: bpe_of_letters(fuse_unk=True),
    "BPE that ignores merges": lambda: bpe_of_letters(ignore_merges=True),
    "BPE with a suffix": lambda: bpe_of_letters(end_of_word_suffix="Ġ"),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_model(name: str) -> None:
    content: dict[str, Any] = MODELS[name]()
    for pre_tokenizer in (steps(WORDS, META), {"type": "Whitespace"}):
        tokenizer = chunked({**content, "pre_tokenizer": pre_tokenizer})
        assert_same_as_whole(tokenizer, SAMPLE_TEXTS + random_texts(1000, seed=2) + ["zz zé éz zzz z"])


FIRST = len(wordpiece()["model"]["vocab"])
TANGLE = st.lists(
    st.sampled_from([*"aA1_ \t\n\r\x00\x0b\x1c\x85\u00a0\u200b\u0301\u0600é日-[]<>k▁ĠＺ!", "[MASK]", "<l>", "<r>", "York", "éd", "ﬁ", "~"]),
    max_size=25,
).map("".join)  # fmt: skip


@given(
    texts=st.lists(TANGLE, min_size=1, max_size=4),
    normalizer=st.sampled_from(sorted(NORMALIZERS)),
    flags=st.tuples(*[st.booleans()] * 4),
)
@settings(max_examples=3000 if EXHAUSTIVE else 200, deadline=None)
def test_tangled_texts_with_added_tokens(texts: list[str], normalizer: str, flags: tuple[bool, ...]) -> None:
    names = ("single_word", "lstrip", "rstrip", "normalized")
    options = dict(zip(names, flags, strict=True))
    first = len(bpe()["model"]["vocab"])
    added = [
        added_token(content, first + number, **options)
        for number, content in enumerate(["[MASK]", "York", "éd"])
    ]
    added += [added_token("<l>", first + 3, lstrip=True), added_token("<r>", first + 4, rstrip=True)]
    assert_same_as_whole(chunked(definition(NORMALIZERS[normalizer], added_tokens=added)), texts)


BYTE_TOKENS = len(bpe()["model"]["vocab"])
TEMPLATE = {"type": "TemplateProcessing", "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}], "special_tokens": {}}  # fmt: skip
SEQUENCE_A = {"Sequence": {"id": "A", "type_id": 0}}


@pytest.mark.parametrize(
    "processor",
    [
        None,
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        {"type": "BertProcessing", "sep": ["a", 1], "cls": ["b", 2]},
        {"type": "RobertaProcessing", "sep": ["a", 1], "cls": ["b", 2], "trim_offsets": True, "add_prefix_space": True},
        {**TEMPLATE, "single": [SEQUENCE_A]},
        sequence({**TEMPLATE, "single": [SEQUENCE_A]}, of="processors"),
    ],
)  # fmt: skip
def test_post_processors_that_change_nothing(processor: dict[str, Any] | None) -> None:
    assert_same_as_whole(chunked(definition(post_processor=processor)), SAMPLE_TEXTS)


REJECTED = {
    "no pre-tokenizer": {**definition(), "pre_tokenizer": None},
    "Metaspace alone": definition(None, META),
    "Metaspace alone, not split": definition(None, {**META, "split": False}),
    "Metaspace that prepends to the first only": definition(None, steps(WORDS, {**META, "prepend_scheme": "first"})),
    "ByteLevel alone": bpe(),
    "punctuation first": definition(None, steps({"type": "Punctuation", "behavior": "Isolated"}, WORDS)),
    "normalizer of an odd type": definition({**sequence({"type": "NFC"}), "type": [0]}),
    "unknown kind of pre-tokenizer": definition(None, steps(WORDS, {"type": "UnicodeScripts"})),
    "empty sequence": definition(None, steps()),
    "Prepend": definition({"type": "Prepend", "prepend": "▁"}),
    "ByteLevel normalizer": definition({"type": "ByteLevel"}),
    "Strip before the last": definition(sequence({"type": "Strip", "strip_left": True, "strip_right": True}, {"type": "NFC"})),
    "Precompiled after the first": definition(sequence({"type": "NFC"}, CHARSMAP)),
    "Precompiled that keeps line ends": definition(charsmap({"\n": "x"})),
    "Precompiled that removes line ends": definition(charsmap({"\n": ""})),
    "Precompiled that changes spaces": definition(charsmap({" ": "_"})),
    "Precompiled that removes line ends of two characters": definition(charsmap({"\r\n": "", "\n": " "})),
    "Replace of spaces": definition(replace({"String": " "}, "▁")),
    "Replace across a space": definition(replace({"String": "a b"}, "ab")),
    "Replace of nothing": definition(replace({"String": ""}, "a")),
    "Replace of an unknown pattern": definition(replace({"Regex": r"a\s"}, " ")),
    "Replace of spaces by another": definition(replace({"Regex": r"\s+"}, "▁")),
    "dropout": definition(model=lambda: bpe_of_letters(dropout=0.5)),
    "template that repeats": definition(post_processor={**TEMPLATE, "single": [SEQUENCE_A, SEQUENCE_A]}),
    "added token with a space": definition(added_tokens=[added_token("new york", BYTE_TOKENS)]),
    "added token with a tab": definition(added_tokens=[added_token("a\tb", BYTE_TOKENS)]),
    "added token with a space when normalized": definition({"type": "NFKC"}, added_tokens=[added_token("a\u00a0b", BYTE_TOKENS, normalized=True)]),
    "added token that is nothing when normalized": definition(sequence({"type": "NFD"}, {"type": "StripAccents"}), added_tokens=[added_token("\u0301", BYTE_TOKENS, normalized=True)]),
}  # fmt: skip


@pytest.mark.parametrize("name", REJECTED)
def test_what_is_not_certain_goes_whole(name: str) -> None:
    content = REJECTED[name]
    tokenizer = Tokenizer.from_str(json.dumps(content))  # the library takes all of them
    assert chunk_rule(content, tokenizer) is None
    assert made(content) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "2.0"},
        {"model": None},
        {"model": {"type": "New"}},
        {"model": {"type": [0]}},
        {"post_processor": {"type": "New"}},
    ],
)
def test_unknown_kinds_go_whole(changes: dict[str, Any]) -> None:
    tokenizer = Tokenizer.from_str(json.dumps(definition()))
    assert chunk_rule(definition(), tokenizer) is not None
    assert chunk_rule({**definition(), **changes}, tokenizer) is None


def test_the_trial_at_load_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    content = {**unigram(), "pre_tokenizer": META}  # looks at how many spaces there are
    rule = chunk_rule(definition(), Tokenizer.from_str(json.dumps(definition())))
    monkeypatch.setattr(chunks, "chunk_rule", lambda *_: rule)
    assert made(definition()) is not None
    assert made(content) is None


def test_a_tokenizer_that_fails_on_the_trial_goes_whole() -> None:
    content = wordlevel()
    del content["model"]["vocab"]["[UNK]"]
    content["added_tokens"] = []
    assert made(content) is None


def test_a_charsmap_is_read_as_it_was_made() -> None:
    normalize = Precompiled(base64.b64decode(JOINS_MARK["precompiled_charsmap"])).normalize_str
    assert normalize("a \u0301b\u00a0c") == "a\u00b4b c"


def failing(character: str) -> dict[str, Any]:
    """Return a damaged charsmap, on which the library fails if the character occurs."""
    entry = charsmap({**SPACES_TO_ONE, character: "x"})
    data = bytearray(base64.b64decode(entry["precompiled_charsmap"]))
    lead = character.encode()[0]
    struct.pack_into("<I", data, 4 + 4 * (256 ^ lead), 0x1FFFFF << 10 | lead)
    return {**entry, "precompiled_charsmap": base64.b64encode(data).decode()}


def test_a_charsmap_that_the_library_fails_on() -> None:
    tokenizer = chunked(definition(failing("\u01c4")))
    assert_same_as_whole(tokenizer, ["plain texts", "and été"])
    for _ in range(2):
        with pytest.raises(TokenizationError, match="cannot tokenize 'a \u01c4 b'"):
            tokenizer.token_ids(["fine", "a \u01c4 b"], None)
        with pytest.raises(TokenizationError, match="cannot tokenize '\u01c4'"):
            tokenizer.token_ids_of_one("\u01c4", None)
    assert_same_as_whole(tokenizer, ["plain texts", "and été"])
    for in_the_trial in ("é", "\u00a0", "日"):
        assert made(definition(failing(in_the_trial))) is None


def test_chunks_that_join_a_space() -> None:
    """Their texts go whole, and the others of the batch do not."""
    for content, texts, dependent in (
        (JOINS_MARK, ["a b", "a \u0301b", "", "\u0301b", "é \u0302 x"], {"\u0301b"}),
        (JOINS_BOTH, ["x\u0600 \u0301b", "\u0301b"], {"x\u0600"}),
        (JOINS_FORMAT, ["a b", "x\u0600 b", "x\u0600", "\u0600x é"], {"x\u0600"}),
    ):
        tokenizer = chunked(definition(content))
        known = set(tokenizer._memo)
        assert_same_as_whole(tokenizer, texts)
        found = {chunk for chunk in set(tokenizer._memo) - known if tokenizer._memo[chunk] == DEPENDENT}
        assert found == dependent
    assert all(character.isprintable() is False and len(character.encode()) == 2 for character in JOINING)


def test_added_tokens_that_strip_go_whole() -> None:
    added = [added_token("<l>", BYTE_TOKENS, lstrip=True), added_token("<n>", BYTE_TOKENS + 1)]
    tokenizer = chunked(definition(replace({"String": "\u00a0"}, "_"), added_tokens=added))
    assert_same_as_whole(tokenizer, ["a\u00a0 <l> b", "a <l>", "a b", "a <n>b"])
    assert {tokenizer._memo[chunk] for chunk in ("<l>", "<n>b")} == {DEPENDENT}
    assert tokenizer._memo["b"] != DEPENDENT


def test_the_white_space_between_chunks() -> None:
    assert set(SPACES) == set(" \t\n\r")
    tokenizer = chunked(definition())
    assert_same_as_whole(
        tokenizer, ["", " ", "\n\t\r\n", "a", " a", "a ", "a  b\r\n\tc", "a\x1cb\x0bc\x85d\u00a0e"]
    )
    assert "a\x1cb\x0bc\x85d\u00a0e" in tokenizer._memo


def test_limits_and_unknown_tokens() -> None:
    content = wordlevel()
    library = LibraryTokenizer(Tokenizer.from_str(json.dumps(content)), 0, TokenizerText(""))
    tokenizer = chunked(content)
    tokenizer.unk_token_id = 0
    texts = SAMPLE_TEXTS + random_texts(200, seed=3)
    for limit in (1, 2, 3, 8, 512, None):
        for _ in range(3):
            tokenizer._to_pass_over = 0
            assert_same_flat(tokenizer.token_ids(texts, limit), library.token_ids(texts, limit))
        for text in texts:
            np.testing.assert_array_equal(
                tokenizer.token_ids_of_one(text, limit), library.token_ids_of_one(text, limit)
            )


def test_a_small_memo_changes_nothing() -> None:
    tokenizer = chunked(unigram(), memo_bytes=2000)
    memos = set()
    texts = SAMPLE_TEXTS + random_texts(500, seed=4)
    for _ in range(2):
        for start in range(0, len(texts), 7):
            assert_same_as_whole(tokenizer, texts[start : start + 7])
            memos.add(id(tokenizer._memo))
            assert len(tokenizer._memo) < 2000
    assert len(memos) > 2


def test_very_long_chunks_go_whole_and_are_not_kept() -> None:
    tokenizer = chunked(definition())
    long = "x" * (LONGEST_CHUNK + 1)
    huge = "ab" * (1 << 19) + "a"  # more pieces than a code can tell
    assert_same_as_whole(tokenizer, [f"a {long} b", "a b", huge, f"{long[1:]} a"])
    assert not {long, long[1:], huge} & set(tokenizer._memo)


def count_texts(tokenizer: LibraryTokenizer, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of texts of each call to the library."""
    counts: list[int] = []
    ask = tokenizer.lists_of_ids

    def counting(texts: Sequence[str]) -> list[list[int]]:
        counts.append(len(texts))
        return ask(texts)

    monkeypatch.setattr(tokenizer, "lists_of_ids", counting)
    return counts


def test_known_chunks_are_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = chunked(unigram())
    counts = count_texts(tokenizer, monkeypatch)
    texts = ["a cat sat on a mat", "hello world"] * 20
    expected = tokenizer.token_ids(texts, None)
    assert sum(counts) == 1  # seven chunks in one group
    assert_same_flat(tokenizer.token_ids(texts[::-1], None), tokenizer.token_ids(texts[::-1], None))
    assert_same_flat(tokenizer.token_ids(texts, None), expected)
    np.testing.assert_array_equal(
        tokenizer.token_ids_of_one("sat a mat", None), tokenizer.whole_ids(["sat a mat"])[0]
    )
    assert sum(counts) == 2


def test_a_separator_in_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chunks of its group are asked for one by one."""
    tokenizer = chunked(unigram())
    assert tokenizer._separator is not None
    separator = tokenizer._separator[0].strip()
    assert_same_as_whole(tokenizer, [f"the{separator} cat {separator}{separator} sat", separator, "on mat"])
    monkeypatch.setattr(chunks, "SEPARATORS", ("unheard-of",))
    without = chunked(unigram())
    assert without._separator is None
    assert_same_as_whole(without, SAMPLE_TEXTS)


def test_batches_of_ever_new_chunks_go_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = chunked(unigram())
    numbers = iter(range(10**9))
    batches = [[" ".join(f"n{next(numbers)}" for _ in range(13)) for _ in range(50)] for _ in range(100)]
    counts = count_texts(tokenizer, monkeypatch)
    for batch in batches:
        assert_same_flat(tokenizer.token_ids(batch, None), LibraryTokenizer.token_ids(tokenizer, batch, None))
    # Each text twice, for us and for the comparison; and few chunks more.
    assert sum(counts) - 2 * 50 * len(batches) < 100
    assert len(tokenizer._memo) < CREDIT + 100 * 13 * 50 // 16 // 8
    # What comes again is learned all the same, after a while.
    prose = ["the cat sat on the mat"] * 50
    for _ in range(20):
        tokenizer.token_ids(prose, None)
    counts.clear()
    for _ in range(20):
        tokenizer.token_ids(prose, None)
    assert counts == []


def test_one_text_at_a_time_is_learned_after_ever_new_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = chunked(unigram())
    for number in range(2000):
        tokenizer.token_ids_of_one(" ".join(f"n{number}.{part}" for part in range(13)), None)
    assert tokenizer._credit < 50
    words = ["the", "cat", "sat", "on", "mat", "hello", "world", "kettle", "rain"]
    generator = random.Random(0)
    for _ in range(400):
        tokenizer.token_ids_of_one(" ".join(generator.choices(words, k=9)), None)
    counts = count_texts(tokenizer, monkeypatch)
    for _ in range(100):
        tokenizer.token_ids_of_one(" ".join(generator.choices(words, k=9)), None)
    assert len(counts) < 10


def test_an_error_names_the_text() -> None:
    """The trial passes, but a later text holds what the model cannot tokenize."""
    content = unigram(unk_id=None)
    probes = " ".join(TRIAL_TEXTS + chunks.SEPARATORS)
    known = {piece for piece, _ in content["model"]["vocab"]}
    needed = sorted(set(NFKC().normalize_str(probes)) - known)
    content["model"]["vocab"] += [[character, -9.0] for character in needed]
    tokenizer = chunked(content)
    assert len(tokenizer.token_ids(["the cat"], None)[0]) == 2
    with pytest.raises(TokenizationError, match="the ጀ"):
        tokenizer.token_ids(["the cat", "the ጀ"], None)
    with pytest.raises(TokenizationError, match="the ጀ"):
        tokenizer.token_ids_of_one("the ጀ", None)
    assert_same_as_whole(tokenizer, ["the cat", "the mat"])


def test_a_memo_that_many_threads_fill_at_once() -> None:
    generator = random.Random(5)
    texts = [[" ".join("".join(generator.choices("abcdehx", k=3)) for _ in range(12)) for _ in range(100)] for _ in range(8)]  # fmt: skip
    expected = [chunked(unigram()).whole_ids(part) for part in texts]
    for memo_bytes in (20_000, 1 << 20):
        shared = chunked(unigram(), memo_bytes=memo_bytes)
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            with ThreadPoolExecutor(8) as pool:
                results = list(pool.map(shared.token_ids, texts * 10, [None] * 80))
        finally:
            sys.setswitchinterval(before)
        for result, right in zip(results, expected * 10, strict=True):
            assert_same_flat(result, right)


def test_copied_and_pickled_after_use() -> None:
    tokenizer = chunked(
        {**definition(CHARSMAP), "added_tokens": [added_token("<l>", BYTE_TOKENS, lstrip=True)]}
    )
    texts = [*SAMPLE_TEXTS, "a <l> \u0301b"]
    expected = divided(tokenizer, texts)
    for again in (pickle.loads(pickle.dumps(tokenizer)), copy.deepcopy(tokenizer)):
        assert again._memo is not tokenizer._memo
        assert_same_flat(divided(again, texts), expected)


def test_which_tiny_models_have_a_memo(tiny: Callable[[str], Path]) -> None:
    for name in TINY_MODELS:
        tokenizer = StaticModel.from_pretrained(tiny(name))._tokenizer
        divides = name.startswith(("wordlevel", "unigram", "bpe-words"))
        assert isinstance(tokenizer, ChunkTokenizer) == divides, name


def test_the_vectors_are_those_without_a_memo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = SAMPLE_TEXTS + random_texts(300, seed=6)
    folder = TinyModel(definition(NORMALIZERS["of model2vec"], steps(WORDS, META), unigram)).build(tmp_path)
    model = StaticModel.from_pretrained(folder)
    assert isinstance(model._tokenizer, ChunkTokenizer)
    monkeypatch.setattr("m2v_lite.tokenization.chunks.chunk_tokenizer", lambda *_: None)
    plain = StaticModel.from_pretrained(folder)
    assert type(plain._tokenizer) is LibraryTokenizer
    for limit in (3, 512, None):
        for _ in range(2):
            ours = model.encode(texts, max_length=limit, batch_size=50)
            np.testing.assert_array_equal(ours, plain.encode(texts, max_length=limit))
        one_by_one = np.stack([model.encode(text, max_length=limit) for text in texts])
        np.testing.assert_array_equal(one_by_one, ours)
