"""Contains the table of known folder layouts, and finds the files of a model folder.

The first layout whose files all exist is used, as in model2vec
(https://github.com/MinishLab/model2vec, `persistence/datamodels.py`). A path can also point to the
`0_StaticEmbedding` folder itself, as in model2vec-rs.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Collection

from m2v_lite.disk import NotRegularError, kind_of, open_regular
from m2v_lite.errors import InvalidModelError, ModelNotFoundError


class Layout:
    """Where a kind of model folder keeps its files, relative to the folder, and the name of its table.

    A plain class, because defining a NamedTuple would slow start-up.
    """

    def __init__(self, name: str, config: str, table: str, tokenizer: str, tensor: str) -> None:
        self.name = name
        self.config, self.table, self.tokenizer = config, table, tokenizer
        self.tensor = tensor

    def files(self) -> tuple[str, str, str]:
        return self.config, self.table, self.tokenizer


LAYOUTS = (
    Layout("model2vec", "config.json", "model.safetensors", "tokenizer.json", "embeddings"),
    Layout(
        "sentence-transformers",
        "config_sentence_transformers.json",
        "model.safetensors",
        "tokenizer.json",
        "embedding.weight",
    ),
    Layout(
        "sentence-transformers, nested",
        "config_sentence_transformers.json",
        "0_StaticEmbedding/model.safetensors",
        "0_StaticEmbedding/tokenizer.json",
        "embedding.weight",
    ),
)

# Only a folder of this name may have the layout below: elsewhere, the parent's config may be another model's.
NESTED_FOLDER = "0_StaticEmbedding"
INSIDE_NESTED = Layout(
    "sentence-transformers, inside 0_StaticEmbedding",
    "../config_sentence_transformers.json",
    "model.safetensors",
    "tokenizer.json",
    "embedding.weight",
)

MODEL_CARD = "README.md"
MODULES = "modules.json"  # of sentence-transformers
LFS_POINTER = b"version https://git-lfs"


# A folder that lacks nothing but its config, such as one made of wordllama's two files.
NO_CONFIG = Layout("model2vec, without its config", "", "model.safetensors", "tokenizer.json", "embeddings")


class ModelFiles:
    """The files of one model on disk. `config` is "" if the folder has none.

    A plain class, because defining a NamedTuple would slow start-up.
    """

    def __init__(
        self, layout: str, folder: str, config: str, table: str, tensor: str, tokenizer: str
    ) -> None:
        self.layout, self.folder = layout, folder
        self.config, self.table, self.tensor, self.tokenizer = config, table, tensor, tokenizer

    @property
    def model_card(self) -> str:
        return os.path.join(self.folder, MODEL_CARD)


def find_model_files(folder: str, needs_config: bool = True) -> ModelFiles:
    """Find the files of the model in `folder`.

    Args:
        folder: the folder.
        needs_config: whether a folder without a config is not complete. In the hub's cache, the config may
            still be on its way.

    Raises:
        ModelNotFoundError: `folder` is not a readable folder, or lacks files of every layout.
        InvalidModelError: a file is a git-lfs pointer, or cannot be read.
    """
    if not os.path.exists(folder):
        raise ModelNotFoundError(f"{folder}: no such folder; check the path")
    if not os.path.isdir(folder):
        raise ModelNotFoundError(
            f"{folder}: this is {kind_of(folder) or 'a file'}; give the folder that holds the table, the "
            "tokenizer and the config of the model"
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ModelNotFoundError(f"{folder}: this folder cannot be read; check its permissions")
    for layout in _candidates(_name(folder)):
        if not _missing(folder, layout):
            return _files_of(folder, layout)
    if not needs_config and _lacks_only_config(folder):
        return _files_of(folder, NO_CONFIG)
    raise ModelNotFoundError(_missing_files_message(folder))


def _files_of(folder: str, layout: Layout) -> ModelFiles:
    config, table, tokenizer = (os.path.join(folder, name) if name else "" for name in layout.files())
    check_fetched(*filter(None, (config, table, tokenizer)))
    return ModelFiles(layout.name, folder, config, table, layout.tensor, tokenizer)


def _lacks_only_config(folder: str) -> bool:
    """Return whether a folder has no config, not even a link that leads nowhere, but all other files."""
    config = LAYOUTS[0].config
    return _missing(folder, LAYOUTS[0]) == [config] and not os.path.lexists(os.path.join(folder, config))


def layout_in(subfolder: str, files: Collection[str]) -> Layout | None:
    """Return the first layout whose files are all in a folder of a repository, or None.

    Args:
        subfolder: the folder, with forward slashes; "" for the repository itself.
        files: the paths of all files of the repository.

    Examples:
        >>> layout_in("a", ["a/config.json", "a/model.safetensors", "a/tokenizer.json"]).name
        'model2vec'
        >>> layout_in("", ["README.md"]) is None
        True
    """
    for layout in _candidates(posixpath.basename(subfolder.rstrip("/"))):
        if all(joined(subfolder, name) in files for name in layout.files()):
            return layout
    return None


def joined(folder: str, name: str) -> str:
    """Return the path of a file in a folder of a repository.

    Examples:
        >>> joined("a/0_StaticEmbedding", "../config.json"), joined("", "config.json")
        ('a/config.json', 'config.json')
    """
    return posixpath.normpath(posixpath.join(folder, name))


def check_fetched(*files: str) -> None:
    """Check that no file is a pointer, which git leaves in place of the file if git-lfs is not set up.

    Raises:
        InvalidModelError: one is, or cannot be read.
    """
    for path in files:
        try:
            with open_regular(path) as file:
                start = file.read(len(LFS_POINTER))
        except NotRegularError:
            raise
        except OSError as error:
            raise InvalidModelError(f"{path}: cannot be read ({error}); check its permissions") from error
        if start == LFS_POINTER:
            raise InvalidModelError(
                f"{path}: this is a git-lfs pointer, not the file itself; run: git lfs pull"
            )


def _candidates(name: str) -> tuple[Layout, ...]:
    """Return the layouts that a folder of this name may have."""
    if name == NESTED_FOLDER:
        return (*LAYOUTS, INSIDE_NESTED)
    return LAYOUTS


def _name(folder: str) -> str:
    return os.path.basename(os.path.realpath(folder))


def _missing(folder: str, layout: Layout) -> list[str]:
    return [name for name in layout.files() if not os.path.isfile(os.path.join(folder, name))]


def _described(folder: str, name: str) -> str:
    """Return the name of a missing file, with what is in its place."""
    kind = kind_of(os.path.join(folder, name))
    return f"{name} (this is {kind}, not a file)" if kind else name


def _missing_files_message(folder: str) -> str:
    layouts = _candidates(_name(folder))
    nearest = min(layouts, key=lambda layout: len(_missing(folder, layout)))
    tried = "; ".join(f"{layout.name}: {' + '.join(layout.files())}" for layout in layouts)
    lacking = ", ".join(_described(folder, name) for name in _missing(folder, nearest))
    return (
        f"{folder}: not a complete model folder; missing for the nearest layout "
        f"({nearest.name}): {lacking}. Layouts tried: {tried}. Copy the missing files here, or "
        "give the folder that holds the model"
    )
