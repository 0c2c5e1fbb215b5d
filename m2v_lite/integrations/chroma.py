"""The embedding function of Chroma."""

from __future__ import annotations

from typing import Any

from m2v_lite.arguments import PathLike, described
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.integrations.lists import vectors_of
from m2v_lite.integrations.optional import missing
from m2v_lite.integrations.stored import stored_options, stored_source
from m2v_lite.model import StaticModel

try:
    from chromadb.api.types import Documents, EmbeddingFunction, Embeddings, Space
    from chromadb.utils.embedding_functions import register_embedding_function
except ImportError as error:
    raise missing("Chroma", "chroma") from error

# Vectors with another value of one of these cannot be compared with those in the collection.
CHANGE_VECTORS = ("dimensionality", "max_length", "normalize", "quantize_to")


class M2VLiteEmbeddingFunction(EmbeddingFunction[Documents]):
    """Makes the vectors of a Chroma collection.

    A collection on disk stores the place of the model and the options. So a process that opens it again need
    not pass the function, if it has imported this module. Many threads may use one function at once.

    Args:
        model_name: a model folder, a packed model, or a name on the hub, as for
            `StaticModel.from_pretrained`. None means the bundled model, which needs no network.
        **options: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained], but no `token`:
            `normalize`, `subfolder`, `quantize_to`, `dimensionality`, `max_length`, `force_download`,
            `revision`, `cache_dir`, `local_files_only`, `memo_bytes` and `preload`. Each is a text, a number,
            True, False or None.

    Attributes:
        model_name: the place of the model; a relative path has become absolute.
        options: the options, as the collection stores them.
        model: the `StaticModel`, loaded.

    Raises:
        InputTypeError: `model_name` is no path, or the collection could not store the value of an option.
        InputValueError: there is a `token`, which anyone could read in the collection.
        M2VLiteError: the model cannot be loaded;
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

    Examples:
        >>> import chromadb
        >>> client = chromadb.EphemeralClient(chromadb.Settings(anonymized_telemetry=False))
        >>> notes = client.create_collection("notes", embedding_function=M2VLiteEmbeddingFunction())
        >>> notes.add(ids=["tea", "train"], documents=["The kettle is on.", "The train was late."])
        >>> notes.query(query_texts=["boiling water"], n_results=1)["documents"]
        [['The kettle is on.']]
    """

    def __init__(self, model_name: PathLike | None = None, **options: Any) -> None:
        self.model_name = stored_source("model_name", model_name)
        self.options = stored_options(options)
        self.model = StaticModel.from_pretrained(self.model_name, **self.options)

    def __call__(self, input: Documents) -> Embeddings:
        """Encode texts.

        Args:
            input: a list of texts, at least one. Chroma needs this name of the argument.

        Returns:
            A list with one vector per text, (dim,) float32 whatever the table's dtype.

        Raises:
            InputTypeError: `input` is a single text, or holds something that is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            ValueError: the list is empty, says Chroma.

        Examples:
            >>> [vector.shape for vector in M2VLiteEmbeddingFunction()(["The kettle is on."])]
            [(256,)]
        """
        return list(vectors_of(self.model, input))

    @staticmethod
    def name() -> str:
        """Return the name under which Chroma knows this class.

        Returns:
            The name, which a collection stores.

        Examples:
            >>> M2VLiteEmbeddingFunction.name()
            'm2v_lite'
        """
        return "m2v_lite"

    def default_space(self) -> Space:
        """Return how collections compare vectors, unless they say otherwise.

        Returns:
            The name of a space of Chroma.

        Examples:
            >>> M2VLiteEmbeddingFunction().default_space()
            'cosine'
        """
        return "cosine"

    def supported_spaces(self) -> list[Space]:
        """Return all ways in which collections may compare vectors.

        Returns:
            Names of spaces of Chroma.

        Examples:
            >>> M2VLiteEmbeddingFunction().supported_spaces()
            ['cosine', 'l2', 'ip']
        """
        return ["cosine", "l2", "ip"]

    def get_config(self) -> dict[str, Any]:
        """Return what the collection stores.

        Returns:
            A dict of `model_name` and `options`, which JSON can hold.

        Examples:
            >>> M2VLiteEmbeddingFunction(dimensionality=64).get_config()
            {'model_name': None, 'options': {'dimensionality': 64}}
        """
        return {"model_name": self.model_name, "options": dict(self.options)}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> M2VLiteEmbeddingFunction:
        """Return the function that `get_config` has described.

        Args:
            config: what `get_config` returned.

        Returns:
            A function that makes the same vectors.

        Raises:
            InputTypeError: `config` is something else.
            M2VLiteError: the model cannot be loaded, for example because its folder is gone.

        Examples:
            >>> config = M2VLiteEmbeddingFunction(dimensionality=64).get_config()
            >>> M2VLiteEmbeddingFunction.build_from_config(config).model.dim
            64
        """
        M2VLiteEmbeddingFunction.validate_config(config)
        return M2VLiteEmbeddingFunction(config["model_name"], **config["options"])

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        """Check that a config is one of this class.

        Args:
            config: what a collection has stored.

        Raises:
            InputTypeError: it is not a dict of `model_name`, a text or None, and `options`, a dict.

        Examples:
            >>> M2VLiteEmbeddingFunction.validate_config({"model_name": None, "options": {}})
        """
        if not (
            isinstance(config, dict)
            and config.keys() == {"model_name", "options"}
            and isinstance(config["model_name"], (str, type(None)))
            and isinstance(config["options"], dict)
        ):
            shown = f"the config is {described(config)}: {config!r:.60}"
            raise InputTypeError(f"{shown}; give model_name, a text or None, and options, a dict")

    def validate_config_update(self, old_config: dict[str, Any], new_config: dict[str, Any]) -> None:
        """Check that a collection's vectors stay comparable. The model may move to another place.

        Args:
            old_config: what the collection has stored.
            new_config: what it shall store.

        Raises:
            InputTypeError: a config is not one of this class.
            InputValueError: another value of an option would change the vectors.

        Examples:
            >>> old, new = ({"model_name": name, "options": {}} for name in ("models/old", "models/new"))
            >>> M2VLiteEmbeddingFunction().validate_config_update(old, new)
        """
        for config in (old_config, new_config):
            self.validate_config(config)
        old, new = old_config["options"], new_config["options"]
        for name in CHANGE_VECTORS:
            # None means something else than no value for one of them.
            if old.get(name, "unset") != new.get(name, "unset"):
                raise InputValueError(
                    f"the vectors of this collection were made with {name}={old.get(name, 'unset')!r}, not "
                    f"{new.get(name, 'unset')!r}; keep that value, or make another collection"
                )


# As a decorator, older versions of Chroma return nothing.
register_embedding_function(M2VLiteEmbeddingFunction)
