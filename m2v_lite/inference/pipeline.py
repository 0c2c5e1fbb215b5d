"""A model with a head: texts -> vectors -> labels and probabilities."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import UNSET, PathLike, Unset, checked_path, described, limit_or
from m2v_lite.encoding.batches import BATCH_TEXTS
from m2v_lite.encoding.texts import as_texts
from m2v_lite.errors import InputTypeError, InputValueError, InvalidModelError, ModelNotFoundError
from m2v_lite.files.heads import HEAD, LEGACY_HEAD, SETTINGS, head_file, legacy_head
from m2v_lite.inference.checked_head import head_of
from m2v_lite.inference.evaluation import evaluate_single_or_multi_label
from m2v_lite.inference.mlp import Activation, MLPHead
from m2v_lite.loading import load_parts
from m2v_lite.model import StaticModel
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self


class StaticModelPipeline:
    """A static model and a head that model2vec 0.10 has trained: texts -> labels, or other numbers.

    `from_pretrained` makes one. A program that uses `model2vec.inference.StaticModelPipeline` only has to
    change the import. The head is a few layers on top of the vectors; its arrays stay in their file.

    Args:
        model: the model.
        head: the head.

    Attributes:
        model: the model.
        head: the head.
        classes_: (classes,) the labels; None if the head gives other numbers.

    Examples:
        This head was not trained: its one layer compares a text with two others.

        >>> from m2v_lite.inference import Layer
        >>> model = StaticModel.from_pretrained()
        >>> topics = model.encode(["Bread and soup.", "The train was late."])
        >>> layer = Layer(weight=8 * topics, bias=np.zeros(2, np.float32))
        >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["food", "traffic"]))
        >>> pipeline = StaticModelPipeline(model, head)
        >>> pipeline.predict(["The bus is late again.", "Cook the beans."]).tolist()
        ['traffic', 'food']
        >>> pipeline.predict_proba(["The bus is late again."]).round(1).tolist()
        [[0.0, 1.0]]
        >>> pipeline.evaluate(["The bus is late again."], ["traffic"])["accuracy"]
        1.0
    """

    def __init__(self, model: StaticModel, head: MLPHead) -> None:
        self.model = model
        self.head = head
        self.classes_ = head.classes_

    @classmethod
    def from_pretrained(
        cls,
        path: PathLike,
        token: str | bool | None = None,
        *,
        subfolder: str | None = None,
        revision: str | None = None,
        cache_dir: PathLike | None = None,
        force_download: bool = False,
        local_files_only: bool = False,
        memo_bytes: int = DEFAULT_MEMO_BYTES,
    ) -> Self:
        """Load a model with its head.

        Args:
            path: a folder, a packed model, or a name on the hub.

        The other arguments are those of `StaticModel.from_pretrained`.

        Raises:
            ModelNotFoundError: there is no model at `path`, or it has no head.
            InvalidModelError: a file is broken or not supported, or the head does not fit the model.
            DownloadError: as `StaticModel.from_pretrained` does.
            MissingPackageError: as `StaticModel.from_pretrained` does.
            InputTypeError: as `StaticModel.from_pretrained` does.
            InputValueError: as `StaticModel.from_pretrained` does.
        """
        parts = load_parts(
            path,
            token=token,
            normalize=None,
            subfolder=subfolder,
            quantize_to=None,
            dimensionality=None,
            max_length=UNSET,
            force_download=force_download,
            revision=revision,
            cache_dir=cache_dir,
            local_files_only=local_files_only,
            memo_bytes=memo_bytes,
            vocabulary_quantization=None,
            needs="head",
        )
        model = StaticModel._of_parts(parts)
        assert model.files is not None  # every loaded model has files
        folder = model.files.folder
        if os.path.isfile(os.path.join(folder, LEGACY_HEAD)) and head_file(model.files) is None:
            raise legacy_head(folder, folder)
        head = head_of(model)
        if head is None:
            raise ModelNotFoundError(
                f"{folder}: this model has no head that classifies ({HEAD} and {SETTINGS} in the "
                f"config); load it with StaticModel, or train a head with model2vec. A head in {LEGACY_HEAD} "
                "must be converted by model2vec's convert_legacy_pipeline first"
            )
        return cls(model, head)

    def predict(
        self,
        X: str | Iterable[str],  # as in model2vec
        show_progress_bar: bool = False,
        max_length: int | Unset | None = UNSET,
        batch_size: int = BATCH_TEXTS,
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
        threshold: float = 0.5,
    ) -> NDArray[Any]:
        """Return the label of each text.

        Args:
            X: a text or several texts. One text gives what a list of one gives.
            threshold: how probable a label must be if a text may have several.

        The other arguments are those of `StaticModel.encode`.

        Returns:
            (texts,) labels. If a text may have several (sigmoid), an array of them for each text, in an
            array of objects, as model2vec returns it. Without labels (identity), (texts, outputs) numbers.

        Raises:
            InputTypeError: as `StaticModel.encode` does.
            InputValueError: as `StaticModel.encode` does.
            TokenizationError: as `StaticModel.encode` does.
            InvalidModelError: the head has no classes.
        """
        limit = _threshold(threshold)
        vectors = self._vectors(
            X, show_progress_bar, max_length, batch_size, use_multiprocessing, multiprocessing_threshold
        )
        if self.head.activation is Activation.IDENTITY:
            return self.head.predict_regression(vectors)
        if self.classes_ is None:
            raise InvalidModelError(
                f"the head has no classes; add them to {SETTINGS} in the config, and load it again"
            )
        classes = self.classes_
        if self.head.activation is Activation.SIGMOID:
            probabilities = self.head.predict_proba(vectors)
            return np.asarray([classes[row > limit] for row in probabilities], dtype=object)
        labels: NDArray[Any] = classes[self.head.predict_index(vectors)]
        return labels

    def predict_proba(
        self,
        X: str | Iterable[str],
        show_progress_bar: bool = False,
        max_length: int | Unset | None = UNSET,
        batch_size: int = BATCH_TEXTS,
        use_multiprocessing: bool = True,
        multiprocessing_threshold: int = 10_000,
    ) -> NDArray[Any]:
        """Return the probability of each class for each text, (texts, classes), in the order of `classes_`.

        The arguments are those of `predict`.

        Raises:
            InputValueError: the head gives numbers that are no probabilities; or as `predict` does.
            InputTypeError: as `predict` does.
            TokenizationError: as `predict` does.
        """
        self._check_classifies("predict_proba")
        return self.head.predict_proba(
            self._vectors(
                X, show_progress_bar, max_length, batch_size, use_multiprocessing, multiprocessing_threshold
            )
        )

    def evaluate(
        self,
        X: Sequence[str],
        y: Sequence[Any],
        batch_size: int = BATCH_TEXTS,
        threshold: float = 0.5,
    ) -> dict[str, Any]:
        """Predict the labels of texts, and compare them with the true labels.

        Args:
            X: the texts.
            y: the true label of each text, or a list of its labels.
            batch_size: how many texts are encoded at once.
            threshold: how probable a label must be if a text may have several.

        Returns:
            A classification report; see `evaluate_single_or_multi_label`.

        Raises:
            InputValueError: there are more or fewer labels than texts, or none; or as `predict_proba` does.
        """
        self._check_classifies("evaluate")
        texts, _ = as_texts(X)
        if len(texts) != len(y) or not len(y):
            raise InputValueError(f"X has {len(texts)} texts and y {len(y)} labels; give one or more pairs")
        return evaluate_single_or_multi_label(
            self.predict(texts, batch_size=batch_size, threshold=threshold), y
        )

    def save_pretrained(self, path: PathLike) -> None:
        """Write the model and its head as a folder that model2vec and m2v_lite load.

        Each file appears whole or not at all.

        Raises:
            InvalidModelError: the tokenizer's file has changed since the model was loaded.
            OSError: the folder cannot be written.
        """
        from m2v_lite.files.saving import save_model

        save_model(self._with_settings(), checked_path("path", path), head=self._tensors())

    def save_packed(self, path: PathLike, source: str | None = None) -> None:
        """Write the model and its head as one file; see `StaticModel.save_packed`."""
        from m2v_lite.files.packing import pack

        pack(self._with_settings(), checked_path("path", path), source, self._tensors())

    def _with_settings(self) -> StaticModel:
        """Return the model, with the head's settings in the config."""
        import copy

        model = copy.copy(self.model)
        model.config[SETTINGS] = {
            "n_layers": len(self.head.layers),
            "activation": self.head.activation.value,
            "classes": None if self.classes_ is None else np.asarray(self.classes_).tolist(),
        }
        return model

    def _tensors(self) -> dict[str, NDArray[Any]]:
        return {
            f"head.{number}.{name}": np.asarray(array)
            for number, layer in enumerate(self.head.layers)
            for name, array in zip(("weight", "bias"), layer, strict=True)
        }

    def _vectors(
        self,
        given: str | Iterable[str],
        show_progress_bar: bool,
        max_length: int | Unset | None,
        batch_size: int,
        use_multiprocessing: bool,
        multiprocessing_threshold: int,
    ) -> NDArray[Any]:
        """Return the vectors of texts, (texts, dim), as if NaN in the table were 0."""
        texts, _ = as_texts(given)
        model = self.model
        with np.errstate(invalid="ignore", over="ignore"):
            vectors = model.encode(
                texts,
                show_progress_bar=show_progress_bar,
                max_length=max_length,
                batch_size=batch_size,
                use_multiprocessing=use_multiprocessing,
                multiprocessing_threshold=multiprocessing_threshold,
            )
            # Looking for NaN in the vectors rather than in the table leaves the table on the disk.
            odd = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
            if len(odd):
                limit = limit_or(model.max_length, max_length)
                again = np.empty((len(odd), model.dim), vectors.dtype)
                some = [texts[place] for place in odd.tolist()]
                for batch in model._encoder.tokenized(some, limit, batch_size):
                    model._encoder.pool_finite(batch, again, model.normalize)
                vectors[odd] = again
        return vectors

    def _check_classifies(self, method: str) -> None:
        if self.head.activation is Activation.IDENTITY:
            raise InputValueError(
                f"{method} is for heads that classify, but the activation of this one is identity; use "
                "predict"
            )

    def __repr__(self) -> str:
        classes = "no classes" if self.classes_ is None else f"{len(self.classes_)} classes"
        return f"<{type(self).__name__} of {classes}, {len(self.head.layers)} layers, on {self.model!r}>"


def _threshold(threshold: Any) -> float:
    if isinstance(threshold, (bool, np.bool_)) or not isinstance(threshold, (int, float, np.number)):
        raise InputTypeError(f"threshold is {described(threshold)}; give a number from 0 to 1")
    if not 0 <= threshold <= 1:
        raise InputValueError(f"threshold is {threshold}; give a number from 0 to 1")
    return float(threshold)
