"""The pipeline component of spaCy: the vectors of documents, spans and tokens."""

# No `from __future__ import annotations`: spaCy 3.7 cannot read such annotations of a factory.
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.errors import InputValueError
from m2v_lite.integrations.optional import missing
from m2v_lite.integrations.stored import stored_options
from m2v_lite.model import StaticModel

try:
    from spacy.language import Language
    from spacy.lexeme import Lexeme
    from spacy.pipeline import Pipe
    from spacy.tokens import Doc
    from spacy.util import minibatch
except ImportError as error:
    raise missing("spaCy", "spacy") from error

Vector = NDArray[np.float32]


class M2VLite(Pipe):
    """A spaCy component that provides `vector` and `similarity` for documents, spans and tokens.

    Import this module, then add the component by name: `nlp.add_pipe("m2v_lite")`. `nlp.to_disk` stores the
    config, which has the model's path or name but not the model itself. Many threads can use one component.

    Args:
        model: a loaded model.
        name: the name of the component in its pipeline.

    Attributes:
        model: the loaded model.
        name: the name of the component in its pipeline.

    Examples:
        >>> import spacy
        >>> nlp = spacy.blank("en")
        >>> component = nlp.add_pipe("m2v_lite", config={"options": {"dimensionality": 64}})
        >>> tea, train, query = nlp.pipe(["The kettle is on.", "The train was late.", "boiling water"])
        >>> tea.vector.shape, bool(tea.similarity(query) > train.similarity(query))
        ((64,), True)
    """

    def __init__(self, model: StaticModel, name: str = "m2v_lite") -> None:
        self.model = model
        self.name = name

    def __call__(self, doc: Doc) -> Doc:
        """Set the vector of a document.

        Args:
            doc: the document. It is changed in place.

        Returns:
            The document.

        Raises:
            InputValueError: the text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize the text.

        Examples:
            >>> import spacy
            >>> nlp = spacy.blank("en")
            >>> component = nlp.add_pipe("m2v_lite")
            >>> doc = component(nlp.make_doc("The kettle is on."))
            >>> doc.vector.shape
            (256,)
        """
        self._hook([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Set the vectors of documents, one batch at a time.

        Args:
            stream: the documents. They are changed in place.
            batch_size: how many documents to encode at once.

        Yields:
            Each document, in order. If a batch fails, spaCy's error handler decides what to do; by default,
            it raises the error.

        Examples:
            >>> import spacy
            >>> nlp = spacy.blank("en")
            >>> component = nlp.add_pipe("m2v_lite")
            >>> docs = map(nlp.make_doc, ["The kettle is on.", "The train was late."])
            >>> [doc.vector.shape for doc in component.pipe(docs)]
            [(256,), (256,)]
        """
        for docs in minibatch(stream, batch_size):
            try:
                self._hook(docs)
            except Exception as error:
                self.get_error_handler()(self.name, self, docs, error)
            else:
                yield from docs

    def _hook(self, docs: list[Doc]) -> None:
        texts = [doc.text for doc in docs]
        vectors = self.model.encode(texts).astype(np.float32, copy=False)
        for doc, text, vector in zip(docs, texts, vectors, strict=True):
            hooks = {"vector": self.vector_of, "has_vector": has_vector, "similarity": self.similarity_of}
            # No `vector_norm`, which spaCy computes from `vector`: for a span, spaCy would call another hook.
            doc.user_span_hooks.update(hooks)
            doc.user_token_hooks.update(hooks)
            doc.user_hooks.update(hooks, vector=KnownVector(self, text, vector))

    def vector_of(self, part: Any) -> Vector:
        """Return the vector of the text of a document, span, token or lexeme.

        Args:
            part: a document, span, token or lexeme.

        Returns:
            (dim,) float32.

        Raises:
            InputValueError: the text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize the text.

        Examples:
            >>> import spacy
            >>> nlp = spacy.blank("en")
            >>> component = nlp.add_pipe("m2v_lite")
            >>> component.vector_of(nlp.make_doc("The kettle is on.")[1:2]).shape
            (256,)
        """
        return self.model.encode(part.text).astype(np.float32, copy=False)

    def similarity_of(self, one: Any, other: Any) -> float:
        """Return the cosine similarity of two documents, spans, tokens or lexemes.

        Args:
            one: a document, span or token of this pipeline.
            other: another document, span or token, or a lexeme.

        Returns:
            A number from -1 to 1; 0 if one of the vectors is all zeros.

        Raises:
            InputValueError: the vectors have different numbers of columns, as from different models.

        Examples:
            >>> import spacy
            >>> nlp = spacy.blank("en")
            >>> component = nlp.add_pipe("m2v_lite")
            >>> kettle, water = nlp.pipe(["The kettle is on.", "boiling water"])
            >>> round(component.similarity_of(kettle, water), 2)
            0.45
        """
        # The words of a vocabulary have no hooks.
        theirs = self.vector_of(other) if isinstance(other, Lexeme) else other.vector
        ours = one.vector
        if ours.shape != theirs.shape:
            raise InputValueError(
                f"{self.name}: cannot compare vectors of {len(ours)} and {len(theirs)} columns; make both "
                "documents with the same pipeline"
            )
        ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
        lengths = np.linalg.norm(ours) * np.linalg.norm(theirs)
        return float(ours @ theirs / lengths) if lengths > 0 else 0.0


class KnownVector:
    """The hook for the vector of one document that is already encoded.

    spaCy copies the hooks of a document to others, such as those of `Span.as_doc`, which have other texts.
    """

    def __init__(self, component: M2VLite, text: str, vector: Vector) -> None:
        self.component, self.text, self.vector = component, text, vector

    def __call__(self, doc: Doc) -> Vector:
        return self.vector if doc.text == self.text else self.component.vector_of(doc)


def has_vector(part: Any) -> bool:
    """Return whether the model knows any token in the text of a document, span or token."""
    return bool(part.vector.any())


@Language.factory("m2v_lite", default_config={"model_name": None, "options": {}})
def make_m2v_lite(nlp: Language, name: str, model_name: str | None, options: dict[str, Any]) -> M2VLite:
    """Create the component from a pipeline's config.

    Args:
        nlp: the pipeline.
        name: the name of the component.
        model_name: a model folder, a packed model, or a model name on the hub, as for
            `StaticModel.from_pretrained`. None means the bundled model, which works offline.
        options: the other arguments of `StaticModel.from_pretrained`, except `token`.

    Raises:
        InputTypeError: the pipeline's config cannot store an option.
        InputValueError: a `token` is given; anyone could read it in the config.
        M2VLiteError: the model cannot be loaded;
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.
    """
    return M2VLite(StaticModel.from_pretrained(model_name, **stored_options(options)), name)
