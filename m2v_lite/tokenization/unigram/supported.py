"""Makes a tokenizer of the Unigram path from a `tokenizer.json`, if that path supports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from m2v_lite.tokenization.added_entries import UNUSUAL_TOKENS, WRONG_IDS, can_be_found, have_right_ids
from m2v_lite.tokenization.left_to_library import LeftToLibrary, require, shown
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES
from m2v_lite.tokenization.steps import kind_of, steps_of
from m2v_lite.tokenization.unigram.charsmap import NOWHERE, Charsmap, arrays_of_charsmap
from m2v_lite.tokenization.unigram.double_array import NO_PIECE, DoubleArray
from m2v_lite.tokenization.unigram.double_array_builder import double_array_of
from m2v_lite.tokenization.unigram.normalizer import Normalizer
from m2v_lite.tokenization.unigram.tokenizer import UnigramTokenizer
from m2v_lite.tokenization.unigram.unigram_entries import plane_of
from m2v_lite.tokenization.unigram.word_rule import BAR, WordRule
from m2v_lite.tokenization.vocabulary import ScoredVocabulary, Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.protocols import TokenizerSource

# White space that must stay white.
SPACES = (" ", "\t", "\n", "\r", "\r\n")
# Regular expressions that match only white space.
ALL_SPACES, RUNS_OF_SPACES = r"\s+", {" +", " {2,}", r"\s+"}
# Hangul letters and syllables, which form clusters without marks; and the two other characters below
# U+0800 that form clusters in ways of their own.
HANGUL = ((0x1100, 0x1200), (0xA960, 0xA97D), (0xAC00, 0xD7A4), (0xD7B0, 0xD7FC))
PICTURES = (0xA9, 0xAE)
BYTES = 256


class _Normalizers(NamedTuple):
    """What the normalizers of a `tokenizer.json` are.

    Attributes:
        charsmap: the base64 text of the charsmap.
        spaced: the characters that get spaces around them.
        collapses: whether in the end all runs of white space become one space.
        strips: whether in the end spaces at both ends go.
    """

    charsmap: str
    spaced: str
    collapses: bool
    strips: bool


def unigram_tokenizer(
    definition: Any,
    source: TokenizerSource,
    memo_bytes: int = DEFAULT_MEMO_BYTES,
    before_building: Callable[[], None] | None = None,
) -> UnigramTokenizer:
    """Return the tokenizer for a `tokenizer.json`.

    Anything odd in the content is left to the library, which tokenizes or refuses.

    Args:
        definition: the content of the file, from `tokenizer_json.parse`.
        source: reads the text of the file again.
        memo_bytes: as for `UnigramTokenizer`.
        before_building: as for `own_tokenizer`.

    Raises:
        LeftToLibrary: it might not give the ids that `tokenizers` gives.
    """
    try:
        return _tokenizer(definition, source, memo_bytes, before_building or (lambda: None))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LeftToLibrary("an entry of its tokenizer.json is missing or unusual") from error


def _tokenizer(
    definition: Any, source: TokenizerSource, memo_bytes: int, before_building: Callable[[], None]
) -> UnigramTokenizer:
    _check_settings(definition)
    model, added = definition["model"], definition["added_tokens"]
    vocabulary, scores = model["vocab"].vocabulary, model["vocab"].scores
    normalizers = _normalizers(definition.get("normalizer"))
    rule = _word_rule(definition.get("pre_tokenizer"), normalizers)
    # Where texts are divided at white space, none of it counts, whether it is stripped or not.
    strips = normalizers.collapses and normalizers.strips and not _divides(definition["pre_tokenizer"])
    units, values = arrays_of_charsmap(normalizers.charsmap)
    normalizer = Normalizer(Charsmap(units, values), normalizers.spaced, strips)
    require(_can_be_mapped(normalizer), "its charsmap changes white space or forms clusters in unknown ways")
    require(_can_be_found(added, normalizer), UNUSUAL_TOKENS)
    before_building()
    pieces = double_array_of(vocabulary)
    ids = {entry["content"]: pieces.find(entry["content"]) for entry in added}
    require(have_right_ids(added, ids, len(scores)), WRONG_IDS)
    bytes_of = (
        [pieces.find(f"<0x{byte:02X}>") for byte in range(BYTES)] if model.get("byte_fallback") else None
    )
    require(bytes_of is None or None not in bytes_of, "its byte_fallback lacks the piece of a byte")
    if rule.is_joined:
        crossing = _crossing_pieces(vocabulary, pieces, model["unk_id"])
        if crossing is None:
            raise LeftToLibrary("its pieces do not tell where words end")
        rule = rule._replace(lefts=crossing[0], rights=crossing[1])
    settings = {
        "unknown": model["unk_id"],
        "lowest_score": float(scores.min()),
        "bytes": bytes_of,
        "spaced": normalizers.spaced,
        "strips": strips,
        "rule": rule._asdict(),
        "added_tokens": added,
    }
    arrays: dict[str, NDArray[Any]] = {
        "links": pieces.links,
        "ids": pieces.ids,
        "codes": pieces.codes,
        "scores": scores,
        "charsmap": units,
        "values": values,
        "characters": plane_of(normalizer),
    }
    new = [entry for entry in added if ids[entry["content"]] is None]
    return UnigramTokenizer(settings, arrays, _figures(vocabulary, pieces, new), source, memo_bytes)


def _figures(vocabulary: Vocabulary, pieces: DoubleArray, new: list[Mapping[str, Any]]) -> dict[str, int]:
    """Return the figures of a vocabulary and new tokens."""
    # A piece that occurs several times counts once; an empty one has no place in the double array.
    lengths = vocabulary.characters()
    own = np.append(lengths.take(pieces.ids[pieces.ids != NO_PIECE]), lengths[lengths == 0][:1])
    lengths = np.append(own, [len(token["content"]) for token in new]).astype(np.intp)
    return {
        "median_token_length": int(np.median(lengths)),
        "vocabulary_size": len(lengths),
        "highest_id": max([len(vocabulary.ids) - 1, *(token["id"] for token in new)]),
    }


def _check_settings(definition: dict[str, Any]) -> None:
    model = definition["model"]
    unknown, scored = model.get("unk_id"), model.get("vocab")
    require(definition.get("version") == "1.0", "the version of its tokenizer.json is not 1.0")
    require(isinstance(scored, ScoredVocabulary), "its pieces and scores are unusual")
    require(type(unknown) is int and 0 <= unknown < len(scored.scores), "it has no unknown piece")
    require(type(model.get("byte_fallback", False)) is bool, "its byte_fallback is not true or false")


def _can_be_found(added: Any, normalizer: Normalizer) -> bool:
    """Return whether added tokens are plain enough to be found as `tokenizers` finds them."""
    if not can_be_found(added, normalizer.normalize):
        return False
    normalized = [normalizer.normalize(entry["content"]) for entry in added if entry["normalized"]]
    return normalizer.strips or not any(" " in content for content in normalized)


def _normalizers(entry: Any) -> _Normalizers:
    """Return what the normalizers are, if they are a charsmap and steps that move only spaces."""
    steps = list(steps_of(entry, "normalizers"))
    charsmap = steps[0].get("precompiled_charsmap") if steps and kind_of(steps[0]) == "Precompiled" else None
    if not isinstance(charsmap, str):
        raise LeftToLibrary(f"its first normalizer is {shown(steps[0] if steps else None)}, not Precompiled")
    spaced, collapses, strips = "", False, False
    for step in steps[1:]:
        match step:
            case {"type": "Replace", "pattern": {"String": str(mark)}, "content": str(content)} if (
                len(mark) == 1 and not mark.isspace() and mark not in BAR + spaced and content == f" {mark} "
            ):
                spaced += mark
                collapses = strips = False
            case {"type": "Replace", "pattern": {"Regex": str(pattern)}, "content": " "} if (
                pattern in RUNS_OF_SPACES
            ):
                collapses = pattern == ALL_SPACES or collapses
            case {"type": "Strip", "strip_left": True, "strip_right": True}:
                strips = True
            case _:
                raise LeftToLibrary(f"its normalizer {shown(step)} does more than add or remove spaces")
    return _Normalizers(charsmap, spaced, collapses, strips)


def _word_rule(pre_tokenizer: Any, normalizers: _Normalizers) -> WordRule:
    """Return how words are put together."""
    steps = list(steps_of(pre_tokenizer, "pretokenizers"))
    divides = _divides(pre_tokenizer)
    if divides:
        steps = steps[1:]
    require(
        len(steps) == 1 and kind_of(steps[0]) == "Metaspace" and steps[0].get("replacement") == BAR,
        f"its pre-tokenizer is {shown(pre_tokenizer)}, not Metaspace with the bar {BAR}, alone or after "
        "WhitespaceSplit",
    )
    scheme, splits = steps[0].get("prepend_scheme", "always"), steps[0].get("split", True)
    require(scheme in ("always", "first", "never"), f"its Metaspace has prepend_scheme {shown(scheme)}")
    require(type(splits) is bool, "its Metaspace has a split that is not true or false")
    first, only_at_start = scheme != "never", scheme == "first"
    if divides:
        return WordRule(first, scheme == "always", False, only_at_start=only_at_start)
    require(
        normalizers.collapses and normalizers.strips,
        "it neither splits at white space nor collapses it to one space, by Replace and Strip",
    )
    return WordRule(first, True, not splits, only_at_start=only_at_start)


def _divides(pre_tokenizer: Any) -> bool:
    """Return whether a pre-tokenizer first divides texts at white space."""
    return next(steps_of(pre_tokenizer, "pretokenizers"), None) == {"type": "WhitespaceSplit"}


def _can_be_mapped(normalizer: Normalizer) -> bool:
    """Return whether white space stays white, no bar comes out, and all clusters are known here."""
    charsmap = normalizer.charsmap
    spaces_stay = all(
        (replaced := normalizer.normalize(f"a{space}a"))[1:-1].strip(" ") == "" and len(replaced) > 2
        for space in SPACES
    )
    values = charsmap.texts.tobytes().decode()
    # The library looks this line end up as a whole, before its characters.
    line_end = charsmap.value_of(b"\r\n")
    spaces_stay = spaces_stay and (line_end is None or (line_end != "" and not line_end.strip(" ")))
    if not spaces_stay or normalizer.normalize(f"a{BAR}a") != "a a" or BAR in values:
        return False
    # A mark behind one of these may form a short cluster here, but belongs to a long one.
    base = np.concatenate([*(np.arange(*some) for some in HANGUL), np.array(PICTURES)])
    nodes, found = charsmap.walk(base, charsmap.root(len(base)))
    if (found != NOWHERE).any():
        return False
    # The marks of two bytes: U+0080 to U+07FF.
    marks = np.arange(0x80, 0x800)
    nodes = nodes[nodes != NOWHERE]
    _, found = charsmap.walk(np.tile(marks, len(nodes)), np.repeat(nodes, len(marks)))
    return bool((found == NOWHERE).all())


def _crossing_pieces(vocabulary: Vocabulary, pieces: DoubleArray, unknown: int) -> tuple[str, str] | None:
    """Return the characters on both sides of bars inside pieces; None if words cannot be told apart.

    They cannot if a bar is not a piece, or an unknown one, because a run of unknown pieces may then go on
    from one word to the next.
    """
    units, starts, lengths = vocabulary.units, vocabulary.starts, vocabulary.lengths
    bar, lefts, rights = BAR.encode(), set(), set()
    places = np.flatnonzero(units == bar[0])
    for number, byte in enumerate(bar[1:], 1):
        places = places[units.take(places + number, mode="clip") == byte]
    tokens = np.searchsorted(starts, places, side="right") - 1
    starts_later = places > starts.take(tokens)
    inside = starts_later & (places < starts.take(tokens) + lengths.take(tokens))
    start, length = int(starts[unknown]), int(lengths[unknown])
    if pieces.find(BAR) in (None, unknown) or bar in units[start : start + length].tobytes():
        return None
    for token in np.unique(tokens[inside]).tolist():
        start = int(starts[token])
        piece = units[start : start + int(lengths[token])].tobytes().decode()
        if BAR * 2 in piece:
            continue  # no text has two bars side by side
        if piece.endswith(BAR):
            return None
        words = piece.split(BAR)
        lefts |= {word[-1] for word in words[:-1] if word}
        rights |= {following[0] for word, following in pairwise(words) if word}
    return "".join(sorted(lefts)), "".join(sorted(rights))
