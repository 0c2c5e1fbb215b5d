"""The methods of a pipeline that save the model together with its head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import PathLike, checked_path
from m2v_lite.files.heads import SETTINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from m2v_lite.model import StaticModel


class SavesWithHead:
    """A base class with the methods that save a pipeline as a folder or as one file."""

    def save_pretrained(self: Any, path: PathLike) -> None:
        """Save the model and its head to a folder that model2vec and m2v_lite can load.

        Each file appears only when it is complete. The folder has the files of `StaticModel.save_pretrained`
        and a safetensors file with the head. The settings of the head are in the config.

        Args:
            path: the folder. It is created if necessary.

        Raises:
            InputTypeError: `path` is not a str or a pathlib.Path.
            InvalidModelError: the tokenizer file has changed since the model was loaded.
            OSError: the folder cannot be written.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> from m2v_lite.inference import Activation, Layer, MLPHead, StaticModelPipeline
            >>> model = StaticModel.from_pretrained()
            >>> layer = Layer(8 * model.encode(["bread and soup", "a late train"]), np.zeros(2, np.float32))
            >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["food", "traffic"]))
            >>> pipeline = StaticModelPipeline(model, head)
            >>> import os, tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     pipeline.save_pretrained(folder)
            ...     [name for name in sorted(os.listdir(folder)) if "safetensors" in name]
            ['head.safetensors', 'model.safetensors']
        """
        from m2v_lite.files.saving import save_model

        save_model(self._with_settings(), checked_path("path", path), head=self._tensors())

    def save_packed(self: Any, path: PathLike, source: str | None = None) -> None:
        """Save the model and its head to one file, which loads fastest; see `StaticModel.save_packed`.

        Args:
            path: the file. Its name should end in ".safetensors".
            source: the origin of the model, to record in the file: a name, optionally with a revision.

        Raises:
            InputTypeError: `path` is not a str or a pathlib.Path.
            InvalidModelError: the tokenizer file has changed since the model was loaded, or it is damaged.
            OSError: the file cannot be written.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> from m2v_lite.inference import Activation, Layer, MLPHead, StaticModelPipeline
            >>> model = StaticModel.from_pretrained()
            >>> layer = Layer(8 * model.encode(["bread and soup", "a late train"]), np.zeros(2, np.float32))
            >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["food", "traffic"]))
            >>> pipeline = StaticModelPipeline(model, head)
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     pipeline.save_packed(folder + "/topics.safetensors")
            ...     StaticModelPipeline.from_pretrained(folder + "/topics.safetensors").classes_.tolist()
            ['food', 'traffic']
        """
        from m2v_lite.files.packing import pack

        pack(self._with_settings(), checked_path("path", path), source, self._tensors())

    def _with_settings(self: Any) -> StaticModel:
        """Return the model, with the head's settings in the config."""
        import copy

        model: StaticModel = copy.copy(self.model)
        model.config[SETTINGS] = {
            "n_layers": len(self.head.layers),
            "activation": self.head.activation.value,
            "classes": None if self.classes_ is None else np.asarray(self.classes_).tolist(),
        }
        return model

    def _tensors(self: Any) -> dict[str, NDArray[Any]]:
        return {
            f"head.{number}.{name}": np.asarray(array)
            for number, layer in enumerate(self.head.layers)
            for name, array in zip(("weight", "bias"), layer, strict=True)
        }
