"""The methods of a model that save it. Each imports the module that does its work when called."""

from __future__ import annotations

from typing import Any

from m2v_lite.arguments import PathLike, checked_path


class SaveMethods:
    """A mixin with the methods that save a model as a folder or as one file."""

    def save_pretrained(
        self: Any, path: PathLike, model_name: str | None = None, subfolder: str | None = None
    ) -> None:
        """Save the model as a folder that model2vec, sentence-transformers and m2v_lite can load.

        The folder gets a model.safetensors, a tokenizer.json, a config.json and a README.md, as model2vec
        writes them, and a modules.json for sentence-transformers. Each file is written completely or not at
        all. A process that has mapped an older table with the same name can keep using it. A bfloat16 table
        stays bfloat16, which model2vec cannot read; to convert it, load the model with
        `quantize_to="float32"`.

        Args:
            path: the folder; it is created if needed.
            model_name: the name in the model card; by default the folder's name.
            subfolder: write to this folder inside `path` instead.

        Raises:
            InputTypeError: `path` is not a str or a pathlib.Path.
            InvalidModelError: the tokenizer's file has changed since the model was loaded.
            OutputError: a file with this name exists.
            OSError: the folder cannot be written.

        Examples:
            >>> import os, tempfile
            >>> from m2v_lite import StaticModel
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     StaticModel.from_pretrained().save_pretrained(folder)
            ...     sorted(os.listdir(folder))
            ['README.md', 'config.json', 'model.safetensors', 'modules.json', 'tokenizer.json']
        """
        from m2v_lite.files.saving import save_model

        save_model(self, checked_path("path", path), subfolder, model_name)

    def save_packed(self: Any, path: PathLike, source: str | None = None) -> None:
        """Save the model as one file, which loads fastest because almost nothing in it needs parsing.

        The file is written completely or not at all. A process that has mapped an older file with the same
        name can keep using it. The format is safetensors (https://github.com/huggingface/safetensors). The
        file holds the embedding table, and the tokenizer in tables of its own.

        Args:
            path: the file; its name should end in ".safetensors".
            source: where the model comes from, such as a name and a revision. This is stored in the file.

        Raises:
            InputTypeError: `path` is not a str or a pathlib.Path.
            InvalidModelError: the tokenizer's file has changed since the model was loaded, or is damaged.
            OutputError: a folder with this name exists, or the parent folder is missing.
            OSError: the file cannot be written.

        Examples:
            >>> import tempfile
            >>> from m2v_lite import StaticModel
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     StaticModel.from_pretrained().save_packed(folder + "/model.safetensors")
            ...     StaticModel.from_pretrained(folder + "/model.safetensors").dim
            256
        """
        from m2v_lite.files.packing import pack

        pack(self, checked_path("path", path), source)
