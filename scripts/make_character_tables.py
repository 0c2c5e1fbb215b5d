"""Write the character tables: what BertNormalizer, BertPreTokenizer and Precompiled do with each character.

    python scripts/make_character_tables.py [OUT]

The script asks the `tokenizers` library about every code point, because the library's Unicode version differs
from that of any Python. It takes half a minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFD, BertNormalizer, Precompiled
from tokenizers.pre_tokenizers import BertPreTokenizer

from m2v_lite.files.atomic_write import atomic_write
from m2v_lite.tokenization.characters import TABLES, hangul_letters

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from charsmap_of_keys import charsmap_of_keys

CHARACTERS = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF]


def normalizer(**options: bool) -> Callable[[str], str]:
    off = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    normalize: Callable[[str], str] = BertNormalizer(**{**off, **options}).normalize_str
    return normalize


def ranges(characters: Iterable[str]) -> list[object]:
    """Return the first characters, and the last characters, of the runs in sorted characters."""
    return runs_of(dict.fromkeys(characters, 0))[:2]


def runs_of(values: Mapping[str, int]) -> list[object]:
    """Return the first characters, the last characters and the values of runs of equal value."""
    runs: list[list[int]] = []
    for character, value in values.items():
        if runs and runs[-1][1:] == [ord(character) - 1, value]:
            runs[-1][1] += 1
        else:
            runs.append([ord(character), ord(character), value])
    firsts, lasts, numbers = zip(*runs, strict=True)
    return ["".join(map(chr, firsts)), "".join(map(chr, lasts)), list(numbers)]


def replacements(becomes: Mapping[str, str]) -> list[object]:
    """Return the characters that become one other character, these others, and those that become several."""
    changed = {key: value for key, value in becomes.items() if key != value}
    single = {key: value for key, value in changed.items() if len(value) == 1}
    several = {key: value for key, value in changed.items() if len(value) > 1}
    return ["".join(single), "".join(single.values()), several]


def combining_classes() -> dict[str, int]:
    """Return the class of each character that canonical ordering moves.

    Ordering moves a character before another exactly if its class is lower and not 0. So comparing it with
    one character of each class finds its class.
    """
    order = NFD().normalize_str
    known = {240: "\u0345"}  # the highest class: all other classes go before it
    for mark in CHARACTERS:
        if unicodedata.combining(mark) and order("\u0345" + mark) == mark + "\u0345":
            known.setdefault(unicodedata.combining(mark), mark)
    classes: dict[str, int] = {}
    for character in CHARACTERS:
        decomposed = order(character)
        if decomposed != character:  # ordering moves it if it moves its first part
            if decomposed[0] in classes:
                classes[character] = classes[decomposed[0]]
            continue
        same = [
            number
            for number, mark in known.items()
            if order(mark + character) == mark + character and order(character + mark) == character + mark
        ]
        if len(same) < len(known):
            (classes[character],) = same
    return classes


def word_characters() -> list[str]:
    """Return the characters that an added token with `single_word` may not touch."""
    tokenizer = Tokenizer(WordLevel({"x": 0}, unk_token="x"))
    tokenizer.add_tokens([AddedToken("|", single_word=True, normalized=False)])
    return [c for c in CHARACTERS if c != "|" and len(tokenizer.encode(c + "|").ids) == 1]


def clusters() -> dict[str, object]:
    """Return the classes of characters that decide where grapheme clusters end.

    Precompiled looks up a cluster of less than six bytes as a whole: if a key begins it, all of it becomes
    the key's value. A longer cluster becomes what its characters become. So keys of one character tell what
    is joined. (https://www.unicode.org/reports/tr29/, rules 4, 5, 9, 9a, 9b and 9c)
    """

    def replace(key: str) -> Callable[[str], str]:
        normalize: Callable[[str], str] = Precompiled(charsmap_of_keys({key: "+"})).normalize_str
        return normalize

    letter, mark, conjunct = replace("a"), replace("\u0301"), replace("\u0958")
    joined = "+\u0301"  # the cluster is long, so only its character was replaced
    prepended = [c for c in CHARACTERS if letter(c + "a\u0301").endswith(joined)]
    others = sorted({*CHARACTERS} - {*prepended})

    def that_join(before: str, after: str) -> list[object]:
        texts = ((c, before + c + after + "\u0958\u0301") for c in others)
        return ranges(c for c, text in texts if conjunct(text).endswith(joined))

    return {
        "attached": ranges(c for c in CHARACTERS if letter("a" + c) == "+"),
        "control": ranges(c for c in CHARACTERS if mark(c + "\u0301\u0301") == c + "+"),
        "prepended": ranges(prepended),
        "consonants": that_join("", "\u094d"),
        "linkers": that_join("\u0915", ""),
        "linked": that_join("\u0915\u094d", ""),
    }


def tables() -> dict[str, object]:
    clean, chinese = normalizer(clean_text=True), normalizer(handle_chinese_chars=True)
    strip, lower = normalizer(strip_accents=True), normalizer(lowercase=True)
    split = BertPreTokenizer().pre_tokenize_str
    parts = {c: len(split(f"a{c}a")) for c in CHARACTERS}
    stripped = {c: strip(c) for c in CHARACTERS}
    marks = {c for c in CHARACTERS if stripped[c] == ""}
    classes = combining_classes()
    kept = {c for c in classes if c not in marks}
    for c in CHARACTERS:
        if 0xAC00 <= ord(c) <= 0xD7A3:
            assert stripped.pop(c) == hangul_letters(c)
    return {
        "removed": ranges(c for c in CHARACTERS if clean(c) == ""),
        "cleaned_space": ranges(c for c in CHARACTERS if clean(c) == " "),
        "space": ranges(c for c in CHARACTERS if parts[c] == 2),
        "punctuation": ranges(c for c in CHARACTERS if parts[c] == 3),
        "chinese": ranges(c for c in CHARACTERS if chinese(c) == f" {c} "),
        "marks": ranges(sorted(marks)),
        # Canonical ordering moves these or a part of them, and stripping accents keeps what it moves.
        "moved": ranges(c for c in CHARACTERS if c in kept or kept & {*stripped.get(c, "")}),
        "stripped": replacements({c: s for c, s in stripped.items() if s}),
        "lower": replacements({c: lower(c) for c in CHARACTERS}),
        "combining": runs_of(classes),
        "word": ranges(word_characters()),
        "clusters": clusters(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=TABLES)
    with atomic_write(parser.parse_args().out) as file:
        file.write(json.dumps(tables(), separators=(",", ":"), ensure_ascii=False).encode())
