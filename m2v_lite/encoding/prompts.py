"""Queries and documents, under the names of sentence-transformers: texts with a prompt before each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from m2v_lite.arguments import described, switch
from m2v_lite.errors import InputTypeError, InputValueError

if TYPE_CHECKING:
    from typing import Protocol

    from numpy.typing import NDArray

    class Encodes(Protocol):
        """What has settings and encodes texts."""

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
        """Encode texts that say what is looked for, as `encode` does; sentence-transformers has this name.

        A static model makes no difference between queries and documents, unless its config has prompts for
        them: a text that is put before each, as `prompts` of sentence-transformers.

        Args:
            sentences: a text, or several, as for `encode`.
            prompt_name: which of the config's prompts to use; by default "query", if there is one.
            prompt: a prompt to use instead.
            normalize_embeddings: True scales vectors to length 1, as `normalize=True` does.
            **options: the other arguments of `encode`.

        Raises:
            InputValueError: the config has no prompt of this name; or as `encode` does.
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
        """Encode texts that are to be found; see `encode_query`.

        The prompt is by default the config's "document", "passage" or "corpus", the first that there is.

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
    """Return the text that goes before each text to be encoded, "" for none.

    Args:
        config: of which `prompts`, as sentence-transformers writes it, has texts by their names.
        name: the name of one of them, or None for the first that is there of `usual`.
        prompt: the prompt itself, or None for one of the config's.

    Raises:
        InputTypeError: the prompt is not a text.
        InputValueError: the config has none of this name.

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
