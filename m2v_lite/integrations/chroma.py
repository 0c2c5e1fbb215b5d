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
    """An embedding function for Chroma collections.

    A collection on disk stores the model's path or name and the options. A process that opens the collection
    again only needs to import this module; it does not need to pass the function. Many threads can use one
    function at once.

    Args:
        model_name: a model folder, a packed model, or a model name on the hub, as for
            `StaticModel.from_pretrained`. None means the bundled model, which works offline.
        **options: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained], except `token`:
            `normalize`, `subfolder`, `quantize_to`, `dimensionality`, `max_length`, `force_download`,
            `revision`, `cache_dir`, `local_files_only`, `memo_bytes` and `preload`. Each value must be a str,
            a number, True, False or None.

    Attributes:
        model_name: the path or the name of the model; a relative path is made absolute.
        options: the options, as the collection stores them.
        model: the loaded `StaticModel`.

    Raises:
        InputTypeError: `model_name` is not a path or name, or the collection cannot store the value of an
            option.
        InputValueError: a `token` is given; anyone could read it in the collection.
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
            input: a list of at least one text. Chroma requires this argument name.

        Returns:
            A list with one vector per text, (dim,) float32 whatever the table's dtype.

        Raises:
            InputTypeError: `input` is a single text, or contains something that is not a text.
            InputValueError: a text is not valid Unicode.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            ValueError: the list is empty. Chroma itself raises this.

        Examples:
            >>> [vector.shape for vector in M2VLiteEmbeddingFunction()(["The kettle is on."])]
            [(256,)]
        """
        return list(vectors_of(self.model, input))

    @staticmethod
    def name() -> str:
        """Return the name that Chroma uses for this class.

        Returns:
            The name. Collections store it.

        Examples:
            >>> M2VLiteEmbeddingFunction.name()
            'm2v_lite'
        """
        return "m2v_lite"

    def default_space(self) -> Space:
        """Return how collections compare vectors by default.

        Returns:
            The name of a Chroma space.

        Examples:
            >>> M2VLiteEmbeddingFunction().default_space()
            'cosine'
        """
        return "cosine"

    def supported_spaces(self) -> list[Space]:
        """Return all the ways that collections can compare vectors.

        Returns:
            The names of Chroma spaces.

        Examples:
            >>> M2VLiteEmbeddingFunction().supported_spaces()
            ['cosine', 'l2', 'ip']
        """
        return ["cosine", "l2", "ip"]

    def get_config(self) -> dict[str, Any]:
        """Return the config that collections store.

        Returns:
            A dict with `model_name` and `options`, in types that JSON supports.

        Examples:
            >>> M2VLiteEmbeddingFunction(dimensionality=64).get_config()
            {'model_name': None, 'options': {'dimensionality': 64}}
        """
        return {"model_name": self.model_name, "options": dict(self.options)}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> M2VLiteEmbeddingFunction:
        """Return a function made from the result of `get_config`.

        Args:
            config: what `get_config` returned.

        Returns:
            A function that makes the same vectors.

        Raises:
            InputTypeError: `config` is not a config of this class.
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
        """Check that a config belongs to this class.

        Args:
            config: the config that a collection has stored.

        Raises:
            InputTypeError: it is not a dict with `model_name`, a str or None, and `options`, a dict.

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
        """Check that a new config keeps the vectors comparable. The model's path can change.

        Args:
            old_config: the config that the collection has stored.
            new_config: the config that it should store instead.

        Raises:
            InputTypeError: a config does not belong to this class.
            InputValueError: the new value of an option would change the vectors.

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
