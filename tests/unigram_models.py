"""Small Unigram tokenizers of the XLM-R kind, and what the library makes of texts."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from charsmap_of_keys import charsmap_of_keys
from definitions import added_token, tokenizer

from m2v_lite.tokenization.definition import TokenizerText
from m2v_lite.tokenization.kinds import Left, own_tokenizer
from m2v_lite.tokenization.unigram.tokenizer import UnigramTokenizer

SPACES = dict.fromkeys("\t\n\r\u00a0\u3000\u2581", " ")
KEYS = {
    **SPACES,
    **dict.fromkeys(map(chr, (1, 2, 0x7F, 0xAD, 0x200B, 0xFE0F)), ""),
    **{"ﬁ": "fi", "½": "1⁄2", "①": "1", "Ａ": "A", "！": "!", "¨": " \u0308", "\u0344": "\u0308\u0301"},
    # Several words, or words behind spaces, from one character or from two; and two that become nothing.
    **{"\ufdfa": "a b cat d", "㏂": "a m", "´": " \u0301", "\u00b8": " , x ", "…": "...", "。": "cat."},
    **{"o\u0308": "o e", "u\u0308": " u", "i\u0308": "sat", "s\u0323": "", "t\u0323": " ", "z\u0308": "  "},
    **{"e\u0301": "é", "a\u0308": "ä", "и\u0306": "й", "\u0627\u0653": "آ", "e\u0301\u0323": "x"},
}
CHARSMAP = {
    "type": "Precompiled",
    "precompiled_charsmap": base64.b64encode(charsmap_of_keys(KEYS)).decode(),
}
WORDS = ["the", "cat", "sat", "straße", "été", "日本", "мир", "иа", "1⁄2", "fi"]
CHARACTERS = "abcdefghijklmnopqrstuvwxyzéäй日本語мир0123456789.,!-<>[]\u0308\u0301😀"
JOINING = ["▁.▁.", "▁!▁!", "▁cat▁sat", "▁-▁"[:-1] + "▁-"]


def model(**changes: Any) -> dict[str, Any]:
    pieces = ["<pad>", "<unk>", "▁", *(f"▁{word}" for word in WORDS), *CHARACTERS, "ing", "at", "..."]
    scores = [-1.0 - 0.37 * len(piece) ** 0.5 - (index * 7 % 5) / 3 for index, piece in enumerate(pieces)]
    own = {"type": "Unigram", "unk_id": 1, "vocab": [[*pair] for pair in zip(pieces, scores, strict=True)]}
    return {**own, "byte_fallback": False, **changes}


def metaspace(scheme: str = "always", split: bool = True) -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}


def sequence(members: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", members: [*steps]}


def replace(pattern: str, content: str, kind: str = "String") -> dict[str, Any]:
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


STRIP = {"type": "Strip", "strip_left": True, "strip_right": True}
ADDED = [added_token("<pad>", 0, single_word=True, lstrip=True, rstrip=True, normalized=True)]
ADDED += [added_token("<unk>", 1)]


def divided(
    scheme: str = "always", added: Sequence[dict[str, Any]] = ADDED, **changes: Any
) -> dict[str, Any]:
    """A tokenizer that divides at white space."""
    split = sequence("pretokenizers", {"type": "WhitespaceSplit"}, metaspace(scheme))
    return tokenizer(model(**changes), CHARSMAP, split, [*added])


def joined(
    scheme: str = "always", split: bool = False, added: Sequence[dict[str, Any]] = ADDED, **changes: Any
) -> dict[str, Any]:
    """A tokenizer as distillation with model2vec wrote it."""
    marks = [replace(mark, f" {mark} ") for mark in ".,!-<>"]
    normalizer = sequence("normalizers", CHARSMAP, *marks, replace(r"\s+", " ", "Regex"), STRIP)
    changed = model(**changes)
    if "vocab" not in changes:
        changed["vocab"] = [*changed["vocab"], *([piece, -3.3] for piece in JOINING)]
    return tokenizer(changed, normalizer, metaspace(scheme, split), [*added])


def with_bytes(definition: dict[str, Any]) -> dict[str, Any]:
    """A tokenizer with pieces for bytes."""
    pieces = [[f"<0x{byte:02X}>", -9.0] for byte in range(256)]
    own = definition["model"]
    return {**definition, "model": {**own, "vocab": [*own["vocab"], *pieces], "byte_fallback": True}}


def tokenizer_of(definition: dict[str, Any], **options: Any) -> UnigramTokenizer | None:
    text = json.dumps(definition)
    own = own_tokenizer(text.encode(), TokenizerText(text), "text", **options)
    return own if isinstance(own, UnigramTokenizer) else None


def reason_to_leave(definition: dict[str, Any]) -> str:
    """Return why a tokenizer is left to the library; "" if it is not."""
    text = json.dumps(definition)
    own = own_tokenizer(text.encode(), TokenizerText(text), "text")
    return own.reason if isinstance(own, Left) else ""


def expected_ids(definition: dict[str, Any], texts: Sequence[str]) -> list[list[int]]:
    """Return what the library makes of texts, without unknown tokens."""
    from tokenizers import Tokenizer  # the models do without

    library = Tokenizer.from_str(json.dumps(definition))
    unknown = definition["model"]["unk_id"]
    encodings = library.encode_batch([*texts], add_special_tokens=False)
    return [[token_id for token_id in encoding.ids if token_id != unknown] for encoding in encodings]
