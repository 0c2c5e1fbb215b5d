"""The WordPiece path: splits texts into words and tokenizes them, without the `tokenizers` library.

It replaces any tokenizer made of BertNormalizer, BertPreTokenizer and WordPiece, whatever their options.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from m2v_lite.tokenization.in_arrays import ArrayTokenizer
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES
from m2v_lite.tokenization.wordpiece.one_text import SingleTextTokenizer

if TYPE_CHECKING:
    from m2v_lite.tokenization.flat_ids import FlatIds, Ids
    from m2v_lite.tokenization.protocols import TokenizerSource
    from m2v_lite.tokenization.wordpiece.batch import WordPieceBatchTokenizer
    from m2v_lite.tokenization.wordpiece.token_tables import TokenTables


class WordPieceTokenizer(ArrayTokenizer):
    """Turns texts into token ids; see `protocols.TextTokenizer` for its attributes and methods.

    Args:
        settings: the content of a `tokenizer.json` that `supported` accepts, without its vocabulary.
        tables: the tokens of the WordPiece model.
        figures: `median_token_length`, `vocabulary_size` and `highest_id` of all tokens.
        source: reads the text of the whole definition again.
        memo_bytes: about how much memory the memo of single texts may take. Batches need no memo.

    Raises:
        ValueError: the unknown token is not in the vocabulary.
    """

    kind = "WordPiece"

    def __init__(
        self,
        settings: Mapping[str, Any],
        tables: TokenTables,
        figures: Mapping[str, int],
        source: TokenizerSource,
        memo_bytes: int = DEFAULT_MEMO_BYTES,
    ) -> None:
        self._single = SingleTextTokenizer(settings, tables, memo_bytes)
        super().__init__(settings, figures, self._single.model.unknown, source)
        self.tables = tables

    def _ids_of_tokens(self, vocabulary: Any) -> dict[str, int]:
        return {**vocabulary, **self._single.added_ids}

    def all_ids(self, texts: Sequence[str]) -> FlatIds:
        return self._batches.all_ids(texts)

    def token_ids_of_one(self, text: str, max_length: int | None) -> Ids:
        return self._single.token_ids(text, max_length, self.unk_token_id is not None)

    @cached_property
    def _batches(self) -> WordPieceBatchTokenizer:
        """The tokenizer of batches, made for the first batch. Two threads may make it at once: no harm."""
        from m2v_lite.tokenization.wordpiece.batch import WordPieceBatchTokenizer

        return WordPieceBatchTokenizer(self._single)
