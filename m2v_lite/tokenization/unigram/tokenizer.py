"""The Unigram path: splits texts into words and tokenizes them, without the `tokenizers` library.

It replaces tokenizers of the XLM-R family, with all their data in mapped arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.tokenization.in_arrays import ArrayTokenizer
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES
from m2v_lite.tokenization.unigram.charsmap import Charsmap
from m2v_lite.tokenization.unigram.double_array import DoubleArray
from m2v_lite.tokenization.unigram.normalizer import Normalizer
from m2v_lite.tokenization.unigram.one_text import SingleTextTokenizer
from m2v_lite.tokenization.unigram.viterbi import Viterbi
from m2v_lite.tokenization.unigram.word_rule import WordRule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.tokenization.flat_ids import FlatIds, Ids
    from m2v_lite.tokenization.protocols import TokenizerSource
    from m2v_lite.tokenization.unigram.batch import UnigramBatchTokenizer

# What the arrays of a tokenizer are called, and their types.
DTYPES = {
    "links": np.int64,
    "ids": np.int32,
    "codes": np.uint16,
    "scores": np.float64,
    "charsmap": np.uint32,
    "values": np.uint8,
    "characters": np.uint32,
}


class UnigramTokenizer(ArrayTokenizer):
    """Turns texts into token ids; see `protocols.TextTokenizer` for its attributes and methods.

    Args:
        settings: `unknown`, the id of the unknown token; `lowest_score`; `bytes`, the ids of bytes, or None;
            `spaced`, the characters with spaces around them; `strips`, whether runs of spaces become one;
            `rule`, the fields of `WordRule`; `added_tokens`, as in a `tokenizer.json`.
        arrays: by their names in `DTYPES`: the double array, the scores, the charsmap, and the entries of the
            first 65,536 characters.
        figures: `median_token_length`, `vocabulary_size` and `highest_id` of all tokens.
        source: reads the text of the whole definition again.
        memo_bytes: about how much memory the memo of single texts may take. Batches need no memo.
    """

    kind = "Unigram"

    def __init__(
        self,
        settings: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        figures: Mapping[str, int],
        source: TokenizerSource,
        memo_bytes: int = DEFAULT_MEMO_BYTES,
    ) -> None:
        pieces = DoubleArray(arrays["links"], arrays["ids"], arrays["codes"])
        viterbi = Viterbi(
            pieces, arrays["scores"], settings["lowest_score"], settings["unknown"], settings["bytes"]
        )
        charsmap = Charsmap(arrays["charsmap"], arrays["values"])
        normalizer = Normalizer(charsmap, settings["spaced"], settings["strips"])
        rule = WordRule(**settings["rule"])
        self._single = SingleTextTokenizer(normalizer, rule, viterbi, settings["added_tokens"], memo_bytes)
        super().__init__(settings, figures, settings["unknown"], source)
        self.arrays = arrays

    def _ids_of_tokens(self, vocabulary: Any) -> dict[str, int]:
        return {piece: token_id for token_id, (piece, _) in enumerate(vocabulary)} | self._single.added_ids

    def all_ids(self, texts: Sequence[str]) -> FlatIds:
        return self._batches.all_ids(texts)

    def token_ids_of_one(self, text: str, max_length: int | None) -> Ids:
        return self._single.token_ids(text, max_length, self.unk_token_id is not None)

    @cached_property
    def _batches(self) -> UnigramBatchTokenizer:
        from m2v_lite.tokenization.unigram.batch import UnigramBatchTokenizer
        from m2v_lite.tokenization.unigram.unigram_entries import UnigramEntries

        entries = UnigramEntries(self._single.normalizer, self.arrays["characters"])
        return UnigramBatchTokenizer(self._single, entries)
