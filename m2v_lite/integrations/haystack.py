"""`M2VLiteTextEmbedder` and `M2VLiteDocumentEmbedder`: the models of this library in Haystack's pipelines."""

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
    """What both embedders share: their model, and how they are saved."""

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
        """Load the model. `run` does so too, if nobody has."""
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
        """Return the component that `to_dict` has described."""
        parameters = dict(data.get("init_parameters", {}))
        deserialize_secrets_inplace(parameters, keys=["token"])
        made: Self = default_from_dict(cls, {**data, "init_parameters": parameters})
        return made


@component
class M2VLiteTextEmbedder(_Embedder):
    """Embeds a text, such as a query, in numpy, without PyTorch.

    Args:
        model: a model folder, a packed model or a name on the hub, as for `StaticModel.from_pretrained`. None
            means the bundled model, which needs no network.
        token: the hub's access token. If none of its variables is set, `hf auth login` counts.
        prefix: what to put before each text.
        suffix: what to put after each text.
        model_kwargs: the other options of `StaticModel.from_pretrained`: `dimensionality`, `normalize`,
            `revision`, ...

    Attributes:
        model: the argument `model`.
        token: the argument `token`.
        prefix: the argument `prefix`.
        suffix: the argument `suffix`.
        model_kwargs: the argument `model_kwargs`.

    Raises:
        InputTypeError: `model` or `token` is of a wrong type.
        InputValueError: `model_kwargs` holds a token.

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
        """Return a description of the component, for YAML: the model's name, and no numbers."""
        return self._saved()

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        """Embed a text.

        Returns:
            `embedding`, the vector as a list of floats.

        Raises:
            InputTypeError: `text` is not a str.
            M2VLiteError: the model cannot be loaded, or as `StaticModel.encode` does.
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
    """Embeds documents, and perhaps some of their metadata, in numpy, without PyTorch.

    Args:
        model: a model folder, a packed model or a name on the hub, as for `StaticModel.from_pretrained`. None
            means the bundled model, which needs no network.
        token: the hub's access token. If none of its variables is set, `hf auth login` counts.
        prefix: what to put before each text.
        suffix: what to put after each text.
        model_kwargs: the other options of `StaticModel.from_pretrained`.
        progress_bar: whether to show one.
        meta_fields_to_embed: the names of metadata that come before the text, if a document has them.
        embedding_separator: what to put between them.

    Attributes:
        model: the argument `model`.
        token: the argument `token`.
        prefix: the argument `prefix`.
        suffix: the argument `suffix`.
        model_kwargs: the argument `model_kwargs`.
        progress_bar: the argument `progress_bar`.
        meta_fields_to_embed: the argument `meta_fields_to_embed`.
        embedding_separator: the argument `embedding_separator`.

    Raises:
        InputTypeError: `model`, `token` or `meta_fields_to_embed` is of a wrong type.
        InputValueError: `model_kwargs` holds a token.

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
        """Return a description of the component, for YAML: the model's name, and no numbers."""
        return self._saved(
            progress_bar=self.progress_bar,
            meta_fields_to_embed=self.meta_fields_to_embed,
            embedding_separator=self.embedding_separator,
        )

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """Embed documents.

        Returns:
            `documents`: copies of them with their `embedding`. The given documents stay as they are.

        Raises:
            InputTypeError: `documents` is not a list of Documents.
            M2VLiteError: the model cannot be loaded, or as `StaticModel.encode` does.
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
        """Return what stands for a document."""
        meta = [document.meta.get(name) for name in self.meta_fields_to_embed]
        parts = [*(str(value) for value in meta if value is not None), document.content or ""]
        return self.prefix + self.embedding_separator.join(parts) + self.suffix
