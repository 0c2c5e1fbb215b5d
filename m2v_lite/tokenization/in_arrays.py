"""The common parts of the array tokenizers: settings, figures, and the place of the definition."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from m2v_lite.errors import InvalidModelError
from m2v_lite.tokenization.vocabulary import in_order

if TYPE_CHECKING:
    from m2v_lite.tokenization.flat_ids import FlatIds
    from m2v_lite.tokenization.protocols import TokenizerSource


class ArrayTokenizer(ABC):
    """The base of tokenizers in arrays; see `protocols.TextTokenizer` for its attributes.

    Args:
        settings: what the tokenizer is made of, without its vocabulary.
        figures: `median_token_length`, `vocabulary_size` and `highest_id` of all tokens.
        unknown: the id of the unknown token.
        source: reads the text of the whole definition again.

    Attributes:
        mapped_from: the file in which the arrays lie, or None if they were made in memory.
    """

    def __init__(
        self, settings: Mapping[str, Any], figures: Mapping[str, int], unknown: int, source: TokenizerSource
    ) -> None:
        self.settings, self.figures = settings, figures
        self.unk_token_id: int | None = unknown
        self.median_token_length = figures["median_token_length"]
        self.vocabulary_size = figures["vocabulary_size"]
        self.highest_id = figures["highest_id"]
        self._source = source
        self.mapped_from: str | None = None

    @property
    def route(self) -> str:
        return f"in numpy, {f'mapped from {self.mapped_from}' if self.mapped_from else 'prepared at loading'}"

    @abstractmethod
    def all_ids(self, texts: Sequence[str]) -> FlatIds:
        """Return all ids of texts; see `protocols.TextTokenizer`."""

    def token_ids(self, texts: Sequence[str], max_length: int | None) -> FlatIds:
        from m2v_lite.tokenization.flat_ids import known_ids  # one text does without

        return known_ids(*self.all_ids(texts), max_length, self.unk_token_id)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the tokenizer of batches: the first batch makes it again."""
        return {name: value for name, value in self.__dict__.items() if name != "_batches"}

    def definition(self) -> str:
        return self._source.read()

    @property
    def tokens(self) -> tuple[str, ...]:
        text = self.definition()
        try:
            return in_order(self._ids_of_tokens(json.loads(text)["model"]["vocab"]))
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            raise InvalidModelError(
                f"{self.mapped_from}: its tokenizer.json holds no vocabulary ({error!r:.100}); fetch or pack "
                "the model again"
            ) from error

    @abstractmethod
    def _ids_of_tokens(self, vocabulary: Any) -> dict[str, int]:
        """Return the id of each token, given the vocabulary of the tokenizer.json."""
