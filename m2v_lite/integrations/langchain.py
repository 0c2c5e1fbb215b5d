"""`M2VLiteEmbeddings`: the models of this library as embeddings for LangChain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from m2v_lite.arguments import PathLike, checked_path, described
from m2v_lite.encoding.texts import as_texts
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.integrations.optional import missing, model_of
from m2v_lite.model import StaticModel

try:
    from langchain_core.embeddings import Embeddings
    from pydantic import SecretStr
except ImportError as error:
    raise missing("LangChain", "langchain") from error


class M2VLiteEmbeddings(Embeddings):
    """Embeddings for LangChain's vector stores and retrievers, without PyTorch.

    If the model's config has `prompts`, the ones for queries and documents are put before the texts, as in
    `StaticModel.encode_query` and `encode_document`. The models of model2vec have none.

    Many threads can use one object at once. A pickle stores the model's name and the options, but neither its
    weights nor a token. To load a private model from a pickle, set `HF_TOKEN`.

    Args:
        model: a model folder, a packed model or a model name on the hub, as for
            `StaticModel.from_pretrained`; or a `StaticModel`. None means the bundled model, which works
            offline.
        token: an access token for the hub, as a str or a `SecretStr`; see `StaticModel.from_pretrained`.
        **options: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained]: `normalize`, `subfolder`,
            `quantize_to`, `dimensionality`, `max_length`, `force_download`, `revision`, `cache_dir`,
            `local_files_only`, `memo_bytes` and `preload`.

    Attributes:
        model: the path or the name of the model, a `StaticModel`, or None for the bundled one.
        options: the other options, in a dict.

    Raises:
        InputTypeError: `model` or an option has the wrong type.
        InputValueError: `model` is a `StaticModel`, and loading options are given too; or an option has an
            invalid value.
        M2VLiteError: the model cannot be loaded;
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

    Examples:
        >>> from langchain_core.vectorstores import InMemoryVectorStore
        >>> texts = ["The kettle is on.", "The train was late."]
        >>> store = InMemoryVectorStore.from_texts(texts, M2VLiteEmbeddings())
        >>> [found.page_content for found in store.similarity_search("boiling water", k=1)]
        ['The kettle is on.']
    """

    def __init__(
        self,
        model: StaticModel | PathLike | None = None,
        *,
        token: SecretStr | str | bool | None = None,
        **options: Any,
    ) -> None:
        self.model, self.options = model, options
        if isinstance(token, SecretStr):
            token = token.get_secret_value()
        if model is not None and not isinstance(model, StaticModel):
            checked_path("model", model)
        self._model = model_of(model, token=token, **options)

    def embed_documents(self, texts: Iterable[str]) -> list[list[float]]:
        """Embed the documents to search.

        Args:
            texts: a list or other iterable of texts.

        Returns:
            The vector of each text, as a list of `dim` floats. If there are no texts, the list is empty.

        Raises:
            InputTypeError: `texts` is a single text, or contains something that is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> [len(vector) for vector in M2VLiteEmbeddings().embed_documents(["One text.", "Another."])]
            [256, 256]
        """
        listed, is_one = as_texts(texts)
        if is_one:
            raise InputTypeError(
                f"expected a list of texts, got the text {texts!r:.60}; pass it in a list, or to embed_query"
            )
        vectors: list[list[float]] = self._model.encode_document(listed).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """Embed a search query.

        Args:
            text: the query.

        Returns:
            The vector of the query, as a list of `dim` floats.

        Raises:
            InputTypeError: `text` is not a str.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> len(M2VLiteEmbeddings(dimensionality=64).embed_query("boiling water"))
            64
        """
        if not isinstance(text, str):
            raise InputTypeError(
                f"expected a text, got {described(text)}; pass a str, or several texts to embed_documents"
            )
        vector: list[float] = self._model.encode_query(text).tolist()
        return vector

    def __getstate__(self) -> dict[str, Any]:
        if isinstance(self.model, StaticModel) and self.model.files is None:
            raise InputValueError(
                "the embeddings use a StaticModel made of arrays, which cannot be pickled here; save it with "
                "save_pretrained and give its folder as model"
            )
        return {"model": self.model, "options": self.options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["model"], **state["options"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._model!r}>"
