"""The tables of tokens against dictionaries: whole words, and the longest token that begins a word."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Mapping

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from plain_wordpiece import longest_token, tables_of, words_in_arrays

from m2v_lite.tokenization.vocabulary import Vocabulary, vocabulary_of, windows
from m2v_lite.tokenization.wordpiece.perfect_hash import perfect_hash
from m2v_lite.tokenization.wordpiece.token_tables import CHUNK, Branches, Root
from m2v_lite.tokenization.wordpiece.token_tree import NODE_FACTOR, token_tables

PREFIXES = ["##", "", "@@", "▁", "a", "é", "a prefix of more than eight bytes", "😀😀😀"]
# Characters of one to four bytes.
LETTERS = ["a", "é", "日", "😀"]


def assert_tables(tokens: Mapping[str, int], prefix: str, words: Iterable[str]) -> None:
    """Assert what tables find of words, and of the rest of each word after each of its first characters."""
    words = [word for word in dict.fromkeys(words) if word]
    words = list(dict.fromkeys(word[start:] for word in words for start in range(min(len(word), 20))))
    tables = tables_of(tokens, prefix)
    in_arrays = words_in_arrays([words])
    window = windows(in_arrays.units)
    starts, lengths = in_arrays.starts[:-1], in_arrays.lengths[:-1]

    ids, is_missing, chunks = tables.whole(window, starts, lengths)
    found = [
        None if missing else token_id
        for token_id, missing in zip(ids.tolist(), is_missing.tolist(), strict=True)
    ]
    assert dict(zip(words, found, strict=True)) == {word: tokens.get(word) for word in words}
    first_bytes = [word.encode()[:CHUNK] for word in words]
    assert chunks.tolist() == [int.from_bytes(part, "little") for part in first_bytes]

    def assert_longest(root: Root, before: str) -> None:
        ids, taken = tables.longest(window, starts, lengths, root)
        for word, token_id, length in zip(words, ids.tolist(), taken.tolist(), strict=True):
            right = longest_token(tokens, before, word)
            if right is None:
                assert length == 0, word
            else:
                assert (token_id, length) == (right[0], len(right[1].encode())), word
            one = tables.longest_of_one(f"é{word}".encode(), 2, root)
            assert one == ((token_id, length) if length else (0, 0))

    assert_longest(tables.first, "")
    assert_longest(tables.continuing, prefix)
    for word in words:
        assert tables.find_one(word) == tokens.get(word)


TOKEN = st.one_of(
    st.text("aé日😀", min_size=1, max_size=12),
    st.text("ab", min_size=1, max_size=60),
    st.text("a#@▁ \t\x01é", min_size=1, max_size=30),
)
TOKENS = st.dictionaries(TOKEN, st.integers(0, (1 << 31) - 1), min_size=1, max_size=40)


@settings(deadline=None)
@given(TOKENS, st.sampled_from(PREFIXES), st.lists(TOKEN, max_size=10), st.randoms(use_true_random=False))
def test_any_tokens(tokens: dict[str, int], prefix: str, words: list[str], generator: random.Random) -> None:
    every_other = list(tokens)[::2]
    tokens = {**tokens, **{prefix + token: 7 + place for place, token in enumerate(every_other)}}
    some = [generator.choice(list(tokens)) + generator.choice(list(tokens)) for _ in range(10)]
    assert_tables(tokens, prefix, [*words, *tokens, *some, *(word[:-1] for word in tokens)])


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("prefix", ["##", "", "▁"])
def test_tokens_of_every_length(letter: str, prefix: str) -> None:
    """The edge of a chunk lies between all bytes of a character, and at the end of a token."""
    for step in (1, 2, 3, 7):
        stems = [
            "b" * offset + letter * number for offset in range(8) for number in range(0, 61 - offset, step)
        ]
        tokens = {stem: 10 * place for place, stem in enumerate(stems) if stem}
        tokens |= {prefix + stem: 10 * place + 5 for place, stem in enumerate(stems[::2]) if stem}
        words = ["b" * offset + letter * 61 + end for offset in range(9) for end in ("", "b", "é", "日b")]
        assert_tables(tokens, prefix, [*words, *stems[::5]])


@pytest.mark.parametrize("number", [1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 32, 33, 40])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_one_length_of_tokens(number: int, prefix: str) -> None:
    """All tokens have as many bytes, so that some tables are empty."""
    tokens = {letter * number: place for place, letter in enumerate("abc")}
    words = [letter * length + end for letter in "abd" for length in range(1, 50) for end in ("", "c")]
    assert_tables(tokens, prefix, words)
    continuing = {prefix + token: 5 + token_id for token, token_id in tokens.items()}
    assert_tables(continuing, prefix, words)
    assert_tables({**tokens, **continuing}, prefix, words)


def test_tokens_that_begin_others() -> None:
    letters = "".join(random.Random(0).choices("abcdeé日😀", k=60))
    for lengths in (range(1, 61), range(1, 61, 3), [5, 60], [8, 16, 24], [60], [9, 10]):
        tokens = {letters[:length]: length for length in lengths}
        tokens |= {"##" + token: 100 + token_id for token, token_id in tokens.items()}
        words = [letters[:length] + end for length in range(1, 61) for end in ("", "a", "日", "zzzzzzzzz")]
        assert_tables(tokens, "##", words)


def test_tokens_that_share_chunks() -> None:
    """Each chunk occurs below each node, at all depths, and as the first of a token and of a piece."""
    chunks = ["aaaaaaaa", "bbbbbbbb", "aaaabbbb"]
    every = ["".join(parts) for depth in (1, 2, 3, 4) for parts in itertools.product(chunks, repeat=depth)]
    generator = random.Random(1)
    tokens = {token: place for place, token in enumerate(generator.sample(every, 50))}
    tokens |= {f"##{token}": 1000 + place for place, token in enumerate(generator.sample(every, 50))}
    tokens |= {f"{token}b": 2000 + place for place, token in enumerate(generator.sample(every, 20))}
    words = [word + end for word in every for end in ("", "b", "aaaa", "aaaaaaa")]
    assert_tables(tokens, "##", words)


def test_tokens_of_odd_characters() -> None:
    tokens = [
        "a b", " ", "  ", "a ", " a", "\t", "\n\n", "\x01", "a\x01b", "\x7f\x80", "##\x01", "## ", "##a b", "##😀",
        "\U0010ffff", "\U0010ffff" * 2, "\ufffd", "\ufeff", "a\U0001f600b\U0001f600c\U0001f600", "##\U00020000" * 5,
    ]  # fmt: skip
    words = [one + other for one in tokens for other in [*tokens, "", "a", "b"]]
    assert_tables({token: place for place, token in enumerate(tokens)}, "##", words)


@pytest.mark.parametrize(
    "token", ["\0", "a\0", "ab\0\0", "\0a", "abcdefgh\0", "##\0", "##b\0", "##\0b", "abcdefghijklmnop\0"]
)
def test_tokens_with_nul(token: str) -> None:
    for tokens in ([token], ["a", token], [token, "abc"], ["##b", token, ""]):
        with pytest.raises(ValueError, match="holds a NUL"):
            tables_of({token: place for place, token in enumerate(tokens)})


@pytest.mark.parametrize("token", ["a", "é", "abcdefghi", "abcdefghijklmnopqr", "##b", "##bcdefghijk"])
def test_equal_tokens(token: str) -> None:
    others = ["a", "##a", "abcdefghij", token, ""]
    vocabulary = vocabulary_of({name: place for place, name in enumerate(dict.fromkeys(others))})
    for same in (token, others[0]):
        place = [*dict.fromkeys(others)].index(same)
        start, length = vocabulary.starts[place], vocabulary.lengths[place]
        doubled = Vocabulary(
            vocabulary.units,
            starts=np.append(vocabulary.starts, start),
            lengths=np.append(vocabulary.lengths, length),
            ids=np.append(vocabulary.ids, 9),
        )
        with pytest.raises(ValueError, match="are equal"):
            token_tables(doubled, b"##")


@pytest.mark.parametrize("prefix", ["##", ""])
def test_no_token_is_taken_for_a_continuing_piece(prefix: str) -> None:
    """Each first byte of UTF-8, alone and with what may follow it."""
    firsts = [
        chr(code) for code in (*range(1, 0x80), *range(0x80, 0x800, 0x40), *range(0x800, 0xD800, 0x400))
    ]
    firsts += [chr(code) for code in range(0x10000, 0x110000, 0x10000)]
    words = [
        first + end for first in firsts for end in ("", "a", "\x01", "@", "é", "日", "abcdefg", "a日日日")
    ]
    pieces = {f"##{word}": place for place, word in enumerate(words)}
    assert_tables(pieces, "##", words)
    assert_tables({word: place for place, word in enumerate(words)}, "##", words)
    half = {word: place for place, word in enumerate(words[::2])}
    assert_tables({**half, **dict(list(pieces.items())[1::2])}, "##", words)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_ids_with_gaps(prefix: str) -> None:
    generator = random.Random(2)
    texts = {"".join(generator.choices("abcé", k=generator.randint(1, 30))) for _ in range(300)}
    texts |= {prefix + text[: generator.randint(1, 30)] for text in sorted(texts)}
    tokens = dict(zip(sorted(texts), generator.sample(range(1 << 31), len(texts)), strict=True))
    assert_tables(tokens, prefix, sorted(texts)[::3])


@pytest.mark.parametrize("words", [["a", "ab", "abcdefghijklmnopqrstuvwxyz"], ["é" * 30], ["ab"]])
def test_few_tokens(words: list[str]) -> None:
    """Any of the tables may be empty."""
    for tokens in (
        ["a"],
        ["abcdefghi"],
        ["##b"],
        ["##bcdefghij"],
        ["##"],
        [""],
        ["abcdefghijklmnopq"],
        ["é" * 9],
    ):
        assert_tables(dict.fromkeys(tokens, 3), "##", words)


def test_no_words() -> None:
    tables = tables_of({"a": 0, "##b": 1, "abcdefghijk": 2, "##bcdefghijkl": 3})
    window, none = windows(words_in_arrays([[]]).units), np.zeros(0, np.intp)
    assert list(map(len, tables.whole(window, none, none))) == [0, 0, 0]
    for root in (tables.first, tables.continuing):
        assert list(map(len, tables.longest(window, none, none, root))) == [0, 0]


def chunks_that_clash() -> tuple[str, str]:
    """Return two chunks: with the first below a node and the second below the node before, the sums are equal."""
    generator = random.Random(0)
    while True:
        chunk = "".join(map(chr, generator.choices(range(33, 127), k=CHUNK)))
        total = (int.from_bytes(chunk.encode(), "little") + NODE_FACTOR) % (1 << 64)
        other = total.to_bytes(CHUNK, "little")
        if all(33 <= unit < 127 for unit in other):
            return chunk, other.decode()


def test_branches_whose_sums_are_equal_are_told_apart() -> None:
    keys = [np.frombuffer(chunk.encode(), "<u8").astype(np.uint64) for chunk in chunks_that_clash()]
    nodes = [np.array([node], np.uint64) for node in (6, 5)]
    higher, lower = (key + node * np.uint64(NODE_FACTOR) for key, node in zip(keys, nodes, strict=True))
    assert higher == lower
    for node, key, other_node, other_key in ((6, keys[0], 5, keys[1]), (5, keys[1], 6, keys[0])):
        parents, values = np.array([node], np.int32), np.array([77], np.int32)
        table = Branches(perfect_hash(higher), parents, values, NODE_FACTOR)
        exists, found = table.find(np.array([node, other_node]), np.concatenate([key, other_key]))
        assert exists.tolist() == [True, False]
        assert found[0] == 77
        chunk, other_chunk = int(key[0]), int(other_key[0])
        assert [table.find_one(node, chunk), table.find_one(other_node, other_chunk)] == [77, None]


@pytest.mark.parametrize("places", [(0,), (1,), (0, 1)])
@pytest.mark.parametrize("below", ["", "a", "abcdefgh", "abcdefghi"])
def test_tokens_whose_sums_are_equal(places: tuple[int, ...], below: str) -> None:
    """Two first chunks lead to nodes that follow each other, and a chunk below each has the same sum."""
    lower, higher = chunks_that_clash()[::-1]
    clashing = ["A" * CHUNK + lower + below, "B" * CHUNK + higher + below]
    tokens = {"A" * CHUNK + "x": 1, "B" * CHUNK + "x": 2}
    tokens |= {clashing[place]: 3 + place for place in places}
    strange = ["A" * CHUNK + higher, "B" * CHUNK + lower]
    assert_tables(tokens, "##", [*clashing, *strange, *(word + below for word in strange)])
