"""`M2VLiteTextEmbedder` and `M2VLiteDocumentEmbedder`: the models of this library as Haystack components."""

# Annotations are not postponed here: before 2.25, Haystack does not understand them then.
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import PathLike, checked_path, described
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.integrations.optional import missing, model_of
from m2v_lite.model import StaticModel

try:
    from haystack import Document, component, default_from_dict, default_to_dict
    from haystack.utils import Secret, deserialize_secrets_inplace
except ImportError as error:
    raise missing("Haystack", "haystack") from error

if TYPE_CHECKING:
    from typing_extensions import Self

# The names that Haystack's own embedders read.
TOKEN = Secret.from_env_var(["HF_API_TOKEN", "HF_TOKEN"], strict=False)


class _Embedder:
    """The base of both embedders: their model, and how they are saved."""

    def __init__(
        self,
        model: PathLike | None,
        token: Secret | None,
        prefix: str,
        suffix: str,
        model_kwargs: dict[str, Any] | None,
    ) -> None:
        self.model = None if model is None else checked_path("model", model)
        if token is not None and not isinstance(token, Secret):
            raise InputTypeError(
                f"token is a {type(token).__name__}; give a Secret, such as Secret.from_env_var('HF_TOKEN')"
            )
        self.token, self.prefix, self.suffix = token, prefix, suffix
        self.model_kwargs = dict(model_kwargs or {})
        if "token" in self.model_kwargs:
            raise InputValueError("model_kwargs holds a token, which would be saved; give it as token=")
        self._model: StaticModel | None = None

    def warm_up(self) -> None:
        """Load the model now. Otherwise, the first `run` loads it.

        Raises:
            InputTypeError: an argument in `model_kwargs` is unknown or has the wrong type.
            M2VLiteError: the model cannot be loaded;
                [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

        Examples:
            >>> embedder = M2VLiteTextEmbedder()
            >>> embedder.warm_up()
        """
        self._loaded()

    def _loaded(self) -> StaticModel:
        if self._model is None:
            token = None if self.token is None else self.token.resolve_value()
            self._model = model_of(self.model, token=token, **self.model_kwargs)
        return self._model

    def _saved(self, **others: Any) -> dict[str, Any]:
        token = None if self.token is None else self.token.to_dict()
        saved: dict[str, Any] = default_to_dict(
            self,
            model=self.model,
            token=token,
            prefix=self.prefix,
            suffix=self.suffix,
            model_kwargs=dict(self.model_kwargs),
            **others,
        )
        return saved

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Self":
        """Return a component made from the result of `to_dict`.

        Args:
            data: what `to_dict` returned.

        Returns:
            A component with the same parameters.

        Raises:
            InputTypeError: a parameter has the wrong type.

        Examples:
            >>> saved = M2VLiteTextEmbedder(prefix="query: ").to_dict()
            >>> M2VLiteTextEmbedder.from_dict(saved).prefix
            'query: '
        """
        parameters = dict(data.get("init_parameters", {}))
        deserialize_secrets_inplace(parameters, keys=["token"])
        made: Self = default_from_dict(cls, {**data, "init_parameters": parameters})
        return made


@component
class M2VLiteTextEmbedder(_Embedder):
    """A Haystack component that embeds a text, such as a query, without PyTorch.

    Args:
        model: a model folder, a packed model or a model name on the hub, as for
            `StaticModel.from_pretrained`. None means the bundled model, which works offline.
        token: an access token for the hub, as a `Secret`. If none of its environment variables is set, the
            token saved by `hf auth login` is used.
        prefix: what to put before each text.
        suffix: what to put after each text.
        model_kwargs: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained], in a dict: `normalize`,
            `subfolder`, `quantize_to`, `dimensionality`, `max_length`, `force_download`, `revision`,
            `cache_dir`, `local_files_only`, `memo_bytes` and `preload`.

    Attributes:
        model: the path or the name of the model; None for the bundled one.
        token: the access token for the hub, as a `Secret`, or None.
        prefix: what to put before each text.
        suffix: what to put after each text.
        model_kwargs: the arguments used to load the model.

    Raises:
        InputTypeError: `model` or `token` has the wrong type.
        InputValueError: `model_kwargs` contains a token.

    Examples:
        >>> embedder = M2VLiteTextEmbedder()
        >>> len(embedder.run("boiling water")["embedding"])
        256
    """

    def __init__(
        self,
        model: PathLike | None = None,
        token: Secret | None = TOKEN,
        prefix: str = "",
        suffix: str = "",
        model_kwargs: dict[str, Any] | None = None,
    ) -> None:
        # Not by super(): some versions of @component make another class of this one.
        _Embedder.__init__(self, model, token, prefix, suffix, model_kwargs)

    def to_dict(self) -> dict[str, Any]:
        """Return a dict for YAML that describes the component. It has the model's name but not its weights.

        Returns:
            A dict with `type`, the name of the class, and `init_parameters`. For the token, it has only the
            names of environment variables.

        Examples:
            >>> M2VLiteTextEmbedder(prefix="text: ").to_dict()["init_parameters"]["prefix"]
            'text: '
        """
        return self._saved()

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        """Embed a text.

        Args:
            text: the text.

        Returns:
            A dict with `embedding`, the vector as a list of `dim` floats.

        Raises:
            InputTypeError: `text` is not a str.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            M2VLiteError: the model cannot be loaded.

        Examples:
            >>> embedder = M2VLiteTextEmbedder(model_kwargs={"dimensionality": 64})
            >>> len(embedder.run("boiling water")["embedding"])
            64
        """
        if not isinstance(text, str):
            raise InputTypeError(
                f"expected a text, got {described(text)}; pass a str, or a list of Documents to "
                "M2VLiteDocumentEmbedder"
            )
        vector = self._loaded().encode(self.prefix + text + self.suffix)
        return {"embedding": vector.tolist()}


@component
class M2VLiteDocumentEmbedder(_Embedder):
    """A Haystack component that embeds documents, and optionally their metadata, without PyTorch.

    Args:
        model: a model folder, a packed model or a model name on the hub, as for
            `StaticModel.from_pretrained`. None means the bundled model, which works offline.
        token: an access token for the hub, as a `Secret`. If none of its environment variables is set, the
            token saved by `hf auth login` is used.
        prefix: what to put before each text.
        suffix: what to put after each text.
        progress_bar: whether to show a progress bar (needs tqdm).
        meta_fields_to_embed: the names of metadata fields to put before the text. Fields that a document
            lacks are left out.
        embedding_separator: what to put between these fields and the text.
        model_kwargs: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained], in a dict: `normalize`,
            `subfolder`, `quantize_to`, `dimensionality`, `max_length`, `force_download`, `revision`,
            `cache_dir`, `local_files_only`, `memo_bytes` and `preload`.

    Attributes:
        model: the path or the name of the model; None for the bundled one.
        token: the access token for the hub, as a `Secret`, or None.
        prefix: what to put before each text.
        suffix: what to put after each text.
        model_kwargs: the arguments used to load the model.
        progress_bar: whether to show a progress bar.
        meta_fields_to_embed: the names of metadata fields to put before the text.
        embedding_separator: what to put between these fields and the text.

    Raises:
        InputTypeError: `model`, `token` or `meta_fields_to_embed` has the wrong type.
        InputValueError: `model_kwargs` contains a token.

    Examples:
        >>> embedder = M2VLiteDocumentEmbedder(meta_fields_to_embed=["title"])
        >>> kettle = Document(content="It is on.", meta={"title": "Kettle"})
        >>> (embedded,) = embedder.run([kettle])["documents"]
        >>> len(embedded.embedding), kettle.embedding
        (256, None)
    """

    def __init__(
        self,
        model: PathLike | None = None,
        token: Secret | None = TOKEN,
        prefix: str = "",
        suffix: str = "",
        progress_bar: bool = False,
        meta_fields_to_embed: list[str] | None = None,
        embedding_separator: str = "\n",
        model_kwargs: dict[str, Any] | None = None,
    ) -> None:
        # Not by super(): some versions of @component make another class of this one.
        _Embedder.__init__(self, model, token, prefix, suffix, model_kwargs)
        if isinstance(meta_fields_to_embed, str):
            raise InputTypeError(
                f"meta_fields_to_embed is the text {meta_fields_to_embed!r:.60}; give a list of names"
            )
        self.progress_bar = progress_bar
        self.meta_fields_to_embed = list(meta_fields_to_embed or [])
        self.embedding_separator = embedding_separator

    def to_dict(self) -> dict[str, Any]:
        """Return a dict for YAML that describes the component. It has the model's name but not its weights.

        Returns:
            A dict with `type`, the name of the class, and `init_parameters`. For the token, it has only the
            names of environment variables.

        Examples:
            >>> M2VLiteDocumentEmbedder(prefix="text: ").to_dict()["init_parameters"]["prefix"]
            'text: '
        """
        return self._saved(
            progress_bar=self.progress_bar,
            meta_fields_to_embed=self.meta_fields_to_embed,
            embedding_separator=self.embedding_separator,
        )

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """Embed documents.

        Args:
            documents: a list of Documents. A document without content counts as an empty text.

        Returns:
            A dict with `documents`: copies of the documents with their `embedding`, a list of floats. The
            given documents are not changed.

        Raises:
            InputTypeError: `documents` is not a list of Documents.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            M2VLiteError: the model cannot be loaded.

        Examples:
            >>> done = M2VLiteDocumentEmbedder().run([Document(content="The kettle is on.")])
            >>> [len(document.embedding) for document in done["documents"]]
            [256]
        """
        if not isinstance(documents, list) or not all(isinstance(one, Document) for one in documents):
            raise InputTypeError(
                f"expected a list of Documents, got {described(documents)}; pass texts to M2VLiteTextEmbedder"
            )
        texts = [self._text(document) for document in documents]
        vectors = self._loaded().encode(texts, show_progress_bar=self.progress_bar)
        pairs = zip(documents, vectors.tolist(), strict=True)
        return {"documents": [replace(document, embedding=vector) for document, vector in pairs]}

    def _text(self, document: Document) -> str:
        """Return the text to encode for a document."""
        meta = [document.meta.get(name) for name in self.meta_fields_to_embed]
        parts = [*(str(value) for value in meta if value is not None), document.content or ""]
        return self.prefix + self.embedding_separator.join(parts) + self.suffix
