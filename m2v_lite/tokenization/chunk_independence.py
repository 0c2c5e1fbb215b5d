"""Checks whether the chunks between white space can be tokenized separately, from a `tokenizer.json`.

They can if no step of the library looks across white space:

- each normalizer returns the same for a text as for its chunks, with white space between them (the last
  normalizer can also strip the text, because the white space that it strips separates pieces anyway);
- the first pre-tokenizer splits at white space and drops it, and the others split each part by itself;
- the model handles each part by itself, and nothing in it is random;
- no added token contains white space, so every added token is inside one chunk.

White space here is a space, a tab, a line feed or a carriage return. Other white space can stay inside a
chunk, where the library handles it. Any unknown kind or option means no.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from m2v_lite.tokenization.added_tokens import AddedToken, AddedTokens
from m2v_lite.tokenization.steps import kind_of, steps_of
from m2v_lite.tokenization.tokenizers_library import raise_unless_failure

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from tokenizers.normalizers import Normalizer

Entry = dict[str, Any]

SPACES = " \t\n\r"

# These take each character by itself, or with the marks that follow it. They join nothing to a space.
LOCAL_NORMALIZERS = {"BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "Nmt", "StripAccents"}
# Regular expressions that match only white space.
RUNS_OF_SPACES = {" +", " {2,}", r"\s+"}
SPACE_SPLITTERS = {"BertPreTokenizer", "Whitespace", "WhitespaceSplit"}
PART_SPLITTERS = {"ByteLevel", "CharDelimiterSplit", "Digits", "Punctuation", "Split"}
MODELS = {"BPE", "Unigram", "WordLevel", "WordPiece"}
# These add special tokens, which are never asked for, or change offsets, which are never read.
IDLE_PROCESSORS = {"BertProcessing", "ByteLevel", "RobertaProcessing"}

# Format characters that join the character after them. SentencePiece looks up at most five bytes at once, so
# only format characters of two bytes matter.
JOINING = ("\u0600", "\u0601", "\u0602", "\u0603", "\u0604", "\u0605", "\u06dd", "\u070f")

# For these texts, whole and by chunks, the ids must agree.
TRIAL_TEXTS = (
    "The quick brown fox, it's said, jumps over 13 lazy dogs; don't ask me why!?",
    "a  b   c \t tab\nline\r\nend  ",
    " leading, trailing ",
    "été \u0301alone e\u0301 \u0344 a\u0327\u0301b \u0600 x \u0600",
    "no\u00a0break thin\u2009space zero\u200bwidth next\u0085line \u00a0 \u3000wide",
    "ﬁ ① Ⅷ ㎏ ½ ¨ \u00b4 \ufdfa ⅓ﬀ",
    "Съешь ещё этих ΣΑΣ ΑΣ. مرحبا بالعالم नमस्ते दुनिया สวัสดี ชาวโลก 한국어 텍스트",
    "日本 日本語の テスト。 昨天晚上 下了雨",
    "👩‍👩‍👧 👍🏽 ❤️ 🇩🇪🇫🇷 \u200d \ufe0f",
    "▁ ▁a a▁b Ġ Ġa ## ##a </w> <0x0A> _x_",
    "\x00 a\x1cb \x7f \ufffd \ufeff \u0378 \U0010ffff",
    "aaaa " * 20 + "b " * 20 + "unbelievablylongwordwithoutanyspaces",
)


@dataclass(frozen=True)
class ChunkRule:
    """Tells which chunks can be tokenized alone.

    Attributes:
        stripping: the added tokens, if any of them includes the white space beside it.
        charsmap: SentencePiece's normalizer, if the tokenizer has it. It may join a space and a mark.
    """

    stripping: AddedTokens
    charsmap: Normalizer | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the normalizer, which cannot be pickled itself, as the text of its table."""
        state = None if self.charsmap is None else json.loads(self.charsmap.__getstate__())
        return _restored, (self.stripping, state)

    def dependent(self, chunks: Sequence[str]) -> set[str]:
        """Return the chunks whose ids may depend on the text beside them."""
        joined = " ".join(chunks)
        found: set[str] = set()
        if self.stripping.occur_in(joined):
            found.update(filter(self.stripping.occur_in, chunks))
        if self.charsmap is not None and not joined.isascii():
            found.update(chunk for chunk in chunks if self._joins_a_space(chunk, self.charsmap))
        return found

    @staticmethod
    def _joins_a_space(chunk: str, normalizer: Normalizer) -> bool:
        """Return whether the normalizer joins a chunk and a space beside it, or fails."""
        if chunk[:1].isascii() and chunk[-1:].isascii():
            return False
        if chunk.endswith(JOINING):
            return True
        return _normalized(normalizer, f" {chunk} ") != f" {_normalized(normalizer, chunk)} "


def _restored(stripping: AddedTokens, state: Entry | None) -> ChunkRule:
    return ChunkRule(stripping, None if state is None else _charsmap(state))


def chunk_rule(definition: Entry, tokenizer: Tokenizer) -> ChunkRule | None:
    """Return the rule for tokenizing chunks alone, or None if that is not certain to be right.

    Args:
        definition: the content of a `tokenizer.json`.
        tokenizer: the library's tokenizer of this definition.
    """
    model, added = definition.get("model"), definition.get("added_tokens") or []
    if not (
        definition.get("version") == "1.0"
        and isinstance(model, dict)
        and kind_of(model) in MODELS
        and model.get("dropout") is None
        and _is_idle(definition.get("post_processor"))
        and _divides_at_spaces(definition.get("pre_tokenizer"))
    ):
        return None
    normalizers = list(steps_of(definition.get("normalizer"), "normalizers"))
    charsmap = None
    if normalizers and kind_of(normalizers[0]) == "Precompiled":
        charsmap = _charsmap(normalizers.pop(0))
        if not _keeps_spaces(charsmap):
            return None
    if normalizers and kind_of(normalizers[-1]) == "Strip":
        normalizers.pop()
    if not all(map(_is_local, normalizers)):
        return None
    normalizer = tokenizer.normalizer
    for entry in added:
        content = entry["content"]
        looked_for = content
        # Compare with None: an old Sequence has length 0, and counts as false.
        if entry["normalized"] and normalizer is not None:
            looked_for = _normalized(normalizer, content)
        if not looked_for or any(space in text for text in (content, looked_for) for space in SPACES):
            return None
    # If several tokens share an id, the library takes the flags of one token for all of them.
    strips = any(entry["lstrip"] or entry["rstrip"] for entry in added)
    stripping = [AddedToken(entry["content"], entry["id"]) for entry in added if strips]
    return ChunkRule(AddedTokens(stripping), charsmap)


def _is_local(normalizer: Any) -> bool:
    """Return whether a normalizer gives the same for a text as for its chunks, with spaces between them."""
    if kind_of(normalizer) != "Replace":
        return kind_of(normalizer) in LOCAL_NORMALIZERS
    match normalizer.get("pattern"):
        case {"String": str(pattern)}:
            return pattern != "" and not any(space in pattern for space in SPACES)
        case {"Regex": str(pattern)}:
            return pattern in RUNS_OF_SPACES and normalizer.get("content") == " "
    return False


def _charsmap(entry: Entry) -> Normalizer:
    from tokenizers.normalizers import Precompiled

    return Precompiled(base64.b64decode(entry["precompiled_charsmap"]))


def _keeps_spaces(normalizer: Normalizer) -> bool:
    """Return whether a normalizer leaves white space white, also in a line end of two characters."""
    texts = [_normalized(normalizer, space) for space in (*SPACES, "\r\n")]
    return texts[0] == " " and all(text and not text.strip(SPACES) for text in texts)


def _normalized(normalizer: Normalizer, text: str) -> str | None:
    """Return what the library makes of a text, or None if it fails, as it does on a damaged charsmap."""
    try:
        normalized: str = normalizer.normalize_str(text)
    except BaseException as error:
        raise_unless_failure(error)
        return None
    return normalized


def _divides_at_spaces(pre_tokenizer: Any) -> bool:
    """Return whether the first step divides at white space, and the others divide each part by itself."""
    steps = list(steps_of(pre_tokenizer, "pretokenizers"))
    return bool(steps) and kind_of(steps[0]) in SPACE_SPLITTERS and all(map(_divides_parts, steps))


def _divides_parts(step: Any) -> bool:
    if kind_of(step) == "Metaspace":
        return step.get("prepend_scheme", "always") in ("always", "never")
    return kind_of(step) in SPACE_SPLITTERS | PART_SPLITTERS


def _is_idle(processor: Any) -> bool:
    """Return whether a post-processor changes no ids if special tokens are not asked for."""
    for step in steps_of(processor, "processors"):
        if kind_of(step) == "TemplateProcessing":
            parts = [part for part in step.get("single", []) if "Sequence" in part]
            if len(parts) != 1 or parts[0]["Sequence"].get("id") != "A":
                return False
        elif kind_of(step) not in IDLE_PROCESSORS:
            return False
    return True
