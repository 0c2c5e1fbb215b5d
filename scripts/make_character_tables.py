"""Write the character tables: what BertNormalizer and BertPreTokenizer do with each character.

    python scripts/make_character_tables.py [OUT]

The script asks the `tokenizers` library about every code point, because the library's Unicode version differs
from that of any Python. It takes half a minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from tokenizers import AddedToken, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFD, BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from m2v_lite.files.atomic_write import atomic_write
from m2v_lite.tokenization.characters import TABLES, hangul_letters

CHARACTERS = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF]


def normalizer(**options: bool) -> Callable[[str], str]:
    off = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    normalize: Callable[[str], str] = BertNormalizer(**{**off, **options}).normalize_str
    return normalize


def ranges(characters: Iterable[str]) -> list[list[int]]:
    """Return [first, last] of each run in sorted characters."""
    runs: list[list[int]] = []
    for code in map(ord, characters):
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return runs


def mapping(pairs: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Return the pairs whose parts differ, as one text of keys and a list of values."""
    changed = {key: value for key, value in pairs if key != value}
    return {"keys": "".join(changed), "values": list(changed.values())}


def combining_classes() -> list[list[int]]:
    """Return [first, last, class] for the characters that canonical ordering moves.

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
    runs: list[list[int]] = []
    for code, number in ((ord(character), number) for character, number in classes.items()):
        if runs and runs[-1][1:] == [code - 1, number]:
            runs[-1][1] = code
        else:
            runs.append([code, code, number])
    return runs


def word_characters() -> list[str]:
    """Return the characters that an added token with `single_word` may not touch."""
    tokenizer = Tokenizer(WordLevel({"x": 0}, unk_token="x"))
    tokenizer.add_tokens([AddedToken("|", single_word=True, normalized=False)])
    return [c for c in CHARACTERS if c != "|" and len(tokenizer.encode(c + "|").ids) == 1]


def tables() -> dict[str, object]:
    clean, chinese = normalizer(clean_text=True), normalizer(handle_chinese_chars=True)
    strip, lower = normalizer(strip_accents=True), normalizer(lowercase=True)
    split = BertPreTokenizer().pre_tokenize_str
    parts = {c: len(split(f"a{c}a")) for c in CHARACTERS}
    stripped = {c: strip(c) for c in CHARACTERS}
    marks = [c for c in CHARACTERS if stripped[c] == ""]
    for c in CHARACTERS:
        if 0xAC00 <= ord(c) <= 0xD7A3:
            assert stripped.pop(c) == hangul_letters(c)
    return {
        "removed": ranges(c for c in CHARACTERS if clean(c) == ""),
        "cleaned_space": ranges(c for c in CHARACTERS if clean(c) == " "),
        "space": ranges(c for c in CHARACTERS if parts[c] == 2),
        "punctuation": ranges(c for c in CHARACTERS if parts[c] == 3),
        "chinese": ranges(c for c in CHARACTERS if chinese(c) == f" {c} "),
        "marks": ranges(marks),
        "stripped": mapping((c, s) for c, s in stripped.items() if s),
        "lower": mapping((c, lower(c)) for c in CHARACTERS),
        "combining": combining_classes(),
        "word": ranges(word_characters()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=TABLES)
    with atomic_write(parser.parse_args().out) as file:
        file.write(json.dumps(tables(), separators=(",", ":")).encode())
