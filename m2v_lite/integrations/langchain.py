"""`M2VLiteEmbeddings`: the models of this library as embeddings of LangChain."""

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
    """Embeds texts for LangChain's vector stores and retrievers, in numpy, without PyTorch.

    If the model's config has `prompts`, those named "query" and "document" stand before the texts, as in
    `StaticModel.encode_query` and `encode_document`. The models of model2vec have none.

    Many threads may use one object at once. A pickle of it holds the name of the model and the options, but
    neither the model's numbers nor a token. Whoever loads the pickle uses `HF_TOKEN`.

    Args:
        model: a model folder, a packed model or a name on the hub, as for `StaticModel.from_pretrained`. None
            means the bundled model, which needs no network. Or a `StaticModel`.
        token: the hub's access token, as a str or a `SecretStr`; see `StaticModel.from_pretrained`.
        **options: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained]: `normalize`, `subfolder`,
            `quantize_to`, `dimensionality`, `max_length`, `force_download`, `revision`, `cache_dir`,
            `local_files_only`, `memo_bytes` and `preload`.

    Attributes:
        model: the path or the name of the model, a `StaticModel`, or None for the bundled one.
        options: the other options, in a dict.

    Raises:
        InputTypeError: `model` or an option is of a wrong type.
        InputValueError: `model` is a `StaticModel`, and there are options for loading one; or an option has
            an impossible value.
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
        """Embed documents: the texts that searches find.

        Args:
            texts: a list or another iterable of texts.

        Returns:
            The vector of each text, a list of `dim` floats. If there are no texts, the list is empty.

        Raises:
            InputTypeError: `texts` is a single text, or holds something that is not a text.
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
        """Embed the text of a search.

        Args:
            text: what to look for, in words.

        Returns:
            The vector of the text, a list of `dim` floats.

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
