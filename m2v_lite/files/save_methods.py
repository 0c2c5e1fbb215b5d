"""The methods of a model that write it. The modules that do the work are imported when one is called."""

from __future__ import annotations

from typing import Any

from m2v_lite.arguments import PathLike, checked_path


class SaveMethods:
    """Gives a model the methods that write it as a folder or as one file."""

    def save_pretrained(
        self: Any, path: PathLike, model_name: str | None = None, subfolder: str | None = None
    ) -> None:
        """Write the model as a folder that model2vec, sentence-transformers and m2v_lite load.

        The folder gets a model.safetensors, a tokenizer.json, a config.json and a README.md, as model2vec
        writes them, and a modules.json for sentence-transformers. Each file appears whole or not at all. A
        process that has an old table of this name mapped keeps it. A bfloat16 table stays bfloat16, which
        model2vec cannot read; to convert it, load the model with `quantize_to="float32"`.

        Args:
            path: the folder, made if needed.
            model_name: the name in the model card; by default the folder's name.
            subfolder: a folder inside `path` to write to instead.

        Raises:
            InputTypeError: `path` is not a str or a pathlib.Path.
            InvalidModelError: the tokenizer's file has changed since the model was loaded.
            OutputError: there is a file of that name.
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
        """Write the model as one file, which loads quickest because almost nothing in it needs parsing.

        The file appears whole or not at all. A process that has an old file of this name mapped keeps it. Its
        format is safetensors (https://github.com/huggingface/safetensors): the table, and the tokenizer in
        tables of its own.

        Args:
            path: the file; let its name end in ".safetensors".
            source: where the model comes from, to note in the file: a name, and perhaps a revision.

        Raises:
            InputTypeError: `path` is not a str or a pathlib.Path.
            InvalidModelError: the tokenizer's file has changed since the model was loaded, or is damaged.
            OutputError: there is a folder of that name, or the folder of the file is missing.
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
