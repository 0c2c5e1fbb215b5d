"""Lists the static models that the help recommends. You can use any other repository as well."""

from __future__ import annotations

from typing import NamedTuple


class KnownModel(NamedTuple):
    """One model on the hub.

    Attributes:
        name: the name that `from_pretrained` takes, or "(bundled)".
        dimensions: the number of columns, or None if no source states it. So it is with all figures.
        thousand_tokens: the size of the vocabulary, in thousands of tokens.
        megabytes: the approximate size of the download, in 10^6 bytes.
        language, licence: as in the model card; "" if it states none.
        good_for: the purpose that the model serves best.
    """

    name: str
    dimensions: int | None
    thousand_tokens: float | None
    megabytes: int | None
    language: str
    licence: str
    good_for: str


# The figures come from the model cards and file lists on https://huggingface.co/minishlab and
# https://huggingface.co/sentence-transformers. The sources of the newer lines, in bytes where not stated:
# - potion-code-16M-v2 at e9d2a44: card (256 dimensions, 63,500 tokens, language "code", MIT); files: table
#   32,490,072 (63,457 rows in float16), tokenizer 1,024,340, card 5,301, config 59.
# - static-retrieval-mrl-en-v1: card (1,024 dimensions, English, Apache-2.0); its tokenizer is that of
#   bert-base-uncased, with 30,522 tokens (https://huggingface.co/Mozilla/static-embeddings counts them, too);
#   files at f60985c: table 125 MB, tokenizer 711 kB; card 670 kB.
# - static-similarity-mrl-multilingual-v1 at bae9c8b: card (table of 105,879 x 1,024, Apache-2.0; it lists 50
#   languages and "multilingual", so the hub counts 51); files: table 433,680,480, tokenizer 2,563,370, card
#   148,257, config 219.
# The memory of potion-multilingual-128M was measured with scripts/make_unigram_tokenizer.py, which makes a
# stand-in with as many pieces (500,353), and one text: 1.5 MB packed, and 1.9 MB as a folder whose vocabulary
# is kept in the assets cache.
KNOWN_MODELS = (
    KnownModel("(bundled)", 256, 29.5, 9, "English", "MIT", "no network: potion-base-8M in int8"),
    KnownModel("minishlab/potion-base-2M", 64, 29.5, 8, "English", "MIT", "the least memory"),
    KnownModel("minishlab/potion-base-4M", 128, 29.5, 16, "English", "MIT", "little memory"),
    KnownModel("minishlab/potion-base-8M", 256, 29.5, 31, "English", "MIT", "most uses"),
    KnownModel("minishlab/potion-base-32M", 512, 63, 131, "English", "MIT", "the best quality"),
    KnownModel("minishlab/potion-retrieval-32M", 512, 63, 131, "English", "MIT", "search"),
    KnownModel("minishlab/potion-code-16M-v2", 256, 63.5, 34, "code", "MIT", "search in program code"),
    KnownModel(
        "minishlab/potion-multilingual-128M",
        256,
        500,
        537,
        "101 languages",
        "MIT",
        "other languages; packed, 2 MB of memory besides numpy",
    ),
    KnownModel(
        "sentence-transformers/static-retrieval-mrl-en-v1",
        1024,
        30.5,
        126,
        "English",
        "Apache-2.0",
        "search; also with fewer dimensions",
    ),
    KnownModel(
        "sentence-transformers/static-similarity-mrl-multilingual-v1",
        1024,
        106,
        436,
        "50 languages",
        "Apache-2.0",
        "other languages; also with fewer dimensions",
    ),
)
HEADINGS = ("model", "dimensions", "tokens", "download", "language", "licence", "good for")


def known_rows() -> list[tuple[str, ...]]:
    """Return a row of texts for each known model, in the order of `HEADINGS`.

    Examples:
        >>> known_rows()[1][:4]
        ('minishlab/potion-base-2M', '64', '29.5 k', '8 MB')
    """
    return [row_of(model) for model in KNOWN_MODELS]


def row_of(model: KnownModel) -> tuple[str, ...]:
    """Return the texts for one model. What is not known is an empty text.

    Examples:
        >>> row_of(KnownModel("owner/name", 64, None, None, "", "MIT", "trying out"))
        ('owner/name', '64', '', '', '', 'MIT', 'trying out')
    """
    return (
        model.name,
        "" if model.dimensions is None else str(model.dimensions),
        "" if model.thousand_tokens is None else f"{model.thousand_tokens:g} k",
        "" if model.megabytes is None else f"{model.megabytes} MB",
        *model[4:],
    )
