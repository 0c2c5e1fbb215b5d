"""Queries and documents -> vectors, with a prompt before each text; the names are sentence-transformers'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import described, switch
from m2v_lite.errors import InputTypeError, InputValueError

if TYPE_CHECKING:
    from typing import Protocol

    from numpy.typing import NDArray

    class Encodes(Protocol):
        """A model with settings that encodes texts."""

        config: dict[str, Any]

        def encode(self, sentences: str | Iterable[str], **options: Any) -> NDArray[Any]:
            """Encode texts; see `StaticModel.encode`."""
            ...


class QueriesAndDocuments:
    """Gives a class that `Encodes` the methods `encode_query` and `encode_document`."""

    def encode_query(
        self: Encodes,
        sentences: str | Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        *,
        normalize_embeddings: bool = False,
        **options: Any,
    ) -> NDArray[Any]:
        """Encode search queries, as `encode` does.

        A static model treats queries and documents alike, unless its config has `prompts`, as in
        sentence-transformers: texts that go before each query or document.

        Args:
            sentences: a text or several texts, as for `encode`.
            prompt_name: the name of a prompt in the config; by default "query", if the config has it.
            prompt: the prompt itself, instead of a name.
            normalize_embeddings: True scales vectors to length 1, as `normalize=True` does.
            **options: the other arguments of `encode`.

        Raises:
            InputValueError: the config has no prompt of this name, or as `encode` does.
            InputTypeError, TokenizationError, WorkerError: as `encode` does.

        Example:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> bool((model.encode_query("tea") == model.encode("tea")).all())
            True
            >>> bool((model.encode_query("tea", prompt="query: ") == model.encode("query: tea")).all())
            True
        """
        prompt = chosen_prompt(self.config, prompt_name, prompt, ("query",))
        return _encode_prompted(self, sentences, prompt, normalize_embeddings, options)

    def encode_document(
        self: Encodes,
        sentences: str | Iterable[str],
        prompt_name: str | None = None,
        prompt: str | None = None,
        *,
        normalize_embeddings: bool = False,
        **options: Any,
    ) -> NDArray[Any]:
        """Encode documents for a search to find; see `encode_query`.

        The default prompt is the first that the config has of "document", "passage" and "corpus".

        Example:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> model.encode_document(["a pot of tea", "a train"]) @ model.encode_query("tea") > 0.5
            array([ True, False])
        """
        prompt = chosen_prompt(self.config, prompt_name, prompt, ("document", "passage", "corpus"))
        return _encode_prompted(self, sentences, prompt, normalize_embeddings, options)


def chosen_prompt(
    config: Mapping[str, Any], name: str | None, prompt: str | None, usual: Sequence[str]
) -> str:
    """Return the prompt to put before each text; "" means no prompt.

    Args:
        config: the settings. Its `prompts`, as sentence-transformers writes them, map names to texts.
        name: the name of a prompt, or None for the first name of `usual` that the config has.
        prompt: the prompt itself, or None to take it from the config.
        usual: the usual names, best first.

    Raises:
        InputTypeError: the prompt is not a text.
        InputValueError: the config has no prompt of this name.

    Example:
        >>> config = {"prompts": {"query": "look for: ", "passage": ""}}
        >>> chosen_prompt(config, None, None, ["query"]), chosen_prompt({}, None, None, ["query"])
        ('look for: ', '')
    """
    if prompt is None:
        prompts = config.get("prompts")
        if not isinstance(prompts, Mapping):
            prompts = {}
        if name is None:
            name = next((name for name in usual if name in prompts), None)
        elif name not in list(prompts):
            raise InputValueError(
                f"prompt_name is {name!r:.60}, but the prompts in the config are {list(prompts)}; "
                "give one of these names, or the text itself as `prompt`"
            )
        prompt = "" if name is None else prompts[name]
    if not isinstance(prompt, str):
        raise InputTypeError(f"the prompt is {described(prompt)}; give a str")
    return prompt


def _encode_prompted(
    model: Encodes, sentences: str | Iterable[str], prompt: str, unit: bool, options: dict[str, Any]
) -> NDArray[Any]:
    if switch("normalize_embeddings", unit):
        options["normalize"] = True
    if prompt:
        from m2v_lite.texts import as_texts

        texts, single = as_texts(sentences)
        prompted = [prompt + text for text in texts]
        sentences = prompted[0] if single else prompted
    return model.encode(sentences, **options)
