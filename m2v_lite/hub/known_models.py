"""The static models that the help recommends. The name of any other repository works as well."""

from __future__ import annotations

from typing import NamedTuple


class KnownModel(NamedTuple):
    """One model on the hub.

    Attributes:
        name: the name that `from_pretrained` takes, or "(bundled)".
        dimensions: the number of columns.
        thousand_tokens: the size of the vocabulary, in thousands of tokens.
        megabytes: the approximate size of the download, in 10^6 bytes.
        language, licence: as in the model card.
        good_for: the purpose that the model serves best.
    """

    name: str
    dimensions: int
    thousand_tokens: float
    megabytes: int
    language: str
    licence: str
    good_for: str


# The figures come from the model cards and file lists on https://huggingface.co/minishlab.
KNOWN_MODELS = (
    KnownModel("(bundled)", 256, 29.5, 8, "English", "MIT", "no network: potion-base-8M in int8"),
    KnownModel("minishlab/potion-base-2M", 64, 29.5, 8, "English", "MIT", "the least memory"),
    KnownModel("minishlab/potion-base-4M", 128, 29.5, 16, "English", "MIT", "little memory"),
    KnownModel("minishlab/potion-base-8M", 256, 29.5, 31, "English", "MIT", "most uses"),
    KnownModel("minishlab/potion-base-32M", 512, 63, 131, "English", "MIT", "the best quality"),
    KnownModel("minishlab/potion-retrieval-32M", 512, 63, 131, "English", "MIT", "search"),
    KnownModel(
        "minishlab/potion-multilingual-128M", 256, 500, 537, "101 languages", "MIT", "other languages"
    ),
)
HEADINGS = ("model", "dimensions", "tokens", "download", "language", "licence", "good for")


def known_rows() -> list[tuple[str, ...]]:
    """Return a row of texts for each known model, in the order of `HEADINGS`.

    Example:
        >>> known_rows()[1][:4]
        ('minishlab/potion-base-2M', '64', '29.5 k', '8 MB')
    """
    return [
        (
            model.name,
            str(model.dimensions),
            f"{model.thousand_tokens:g} k",
            f"{model.megabytes} MB",
            *model[4:],
        )
        for model in KNOWN_MODELS
    ]
