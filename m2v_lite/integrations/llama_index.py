"""`M2VLiteEmbedding`: the models of this library as an embedding model for LlamaIndex."""

from __future__ import annotations

import asyncio
from typing import Any

from m2v_lite.arguments import PathLike, checked_path, described
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.integrations.optional import missing, model_of
from m2v_lite.model import StaticModel

try:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.bridge.pydantic import ConfigDict, Field, PrivateAttr, SecretStr
except ImportError as error:
    raise missing("LlamaIndex", "llama-index") from error


class M2VLiteEmbedding(BaseEmbedding):
    """An embedding model for LlamaIndex, without PyTorch.

    If the model's config has `prompts`, the ones for queries and documents are put before the texts, as in
    `StaticModel.encode_query` and `encode_document`. The models of model2vec have none.

    `to_dict`, `to_json` and pickles store the model's name and the options, but neither its weights nor a
    token. To load a private model from them, set `HF_TOKEN`, or pass `token` to `from_dict` again.

    Args:
        model_name: a model folder, a packed model or a model name on the hub, as for
            `StaticModel.from_pretrained`. None means the bundled model, which works offline.
        **kwargs: the other arguments of LlamaIndex' `BaseEmbedding`: `callback_manager`, `num_workers`, ...
        token: an access token for the hub, as a str or a `SecretStr`. By default `HF_TOKEN`, or the token
            saved by `hf auth login`.
        model_kwargs: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained], in a dict: `normalize`,
            `subfolder`, `quantize_to`, `dimensionality`, `max_length`, `force_download`, `revision`,
            `cache_dir`, `local_files_only`, `memo_bytes` and `preload`.
        embed_batch_size: how many texts to embed at once, from 1 to 2048; by default 512.

    Attributes:
        model_name: the path or the name of the model; None for the bundled one.
        model_kwargs: the arguments used to load the model.
        token: the token as a `SecretStr`, or None.
        embed_batch_size: how many texts to embed at once.

    Raises:
        InputTypeError: `model_name` has the wrong type.
        InputValueError: `model_kwargs` contains a token.
        M2VLiteError: the model cannot be loaded;
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.
        pydantic.ValidationError: another argument is unknown or invalid.

    Examples:
        >>> embedding = M2VLiteEmbedding(model_kwargs={"dimensionality": 64})
        >>> len(embedding.get_query_embedding("boiling water"))
        64
        >>> M2VLiteEmbedding.from_dict(embedding.to_dict()).model_kwargs
        {'dimensionality': 64}
    """

    # Without it, pydantic would ignore misspelt arguments.
    model_config = ConfigDict(extra="forbid")

    model_name: str | None = Field(default=None, description="A folder, a packed model or a name on the hub.")
    token: SecretStr | None = Field(default=None, exclude=True, description="The hub's access token.")
    model_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="Other options of StaticModel.from_pretrained."
    )

    # LlamaIndex' 10 is for services on the network; here, larger batches take a third of the time.
    embed_batch_size: int = Field(default=512, gt=0, le=2048, description="How many texts to embed at once.")

    _model: StaticModel = PrivateAttr()

    def __init__(self, model_name: PathLike | None = None, **kwargs: Any) -> None:
        if model_name is not None:
            model_name = checked_path("model_name", model_name)
        super().__init__(model_name=model_name, **kwargs)
        if "token" in self.model_kwargs:
            raise InputValueError("model_kwargs holds a token, which would be saved; give it as token=")
        token = None if self.token is None else self.token.get_secret_value()
        self._model = model_of(self.model_name, token=token, **self.model_kwargs)

    @classmethod
    def class_name(cls) -> str:
        """Return the name of the class in what LlamaIndex saves.

        Returns:
            The name.

        Examples:
            >>> M2VLiteEmbedding.class_name()
            'M2VLiteEmbedding'
        """
        return "M2VLiteEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        vector: list[float] = self._model.encode_query(_text(query)).tolist()
        return vector

    async def _aget_query_embedding(self, query: str) -> list[float]:
        # It takes some microseconds, less than another thread would.
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        vector: list[float] = self._model.encode_document(_text(text)).tolist()
        return vector

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._model.encode_document(texts).tolist()
        return vectors

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)

    def __getstate__(self) -> dict[Any, Any]:
        state: dict[Any, Any] = super().__getstate__()
        fields = {name: value for name, value in state["__dict__"].items() if name != "token"}
        return {**state, "__dict__": fields, "__pydantic_private__": None}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        # The base class would hide an error here, and leave an object without its model.
        self.__init__(**state["__dict__"])  # type: ignore[misc]


def _text(text: Any) -> str:
    if not isinstance(text, str):
        raise InputTypeError(f"expected a text, got {described(text)}; pass a str")
    return text
