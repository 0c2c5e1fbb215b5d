"""`StaticModelPipeline`, a model with a head that predicts labels and probabilities from texts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import UNSET, PathLike, Unset, described, limit_or
from m2v_lite.encoding.batches import BATCH_TEXTS
from m2v_lite.encoding.texts import as_texts
from m2v_lite.errors import InputTypeError, InputValueError, InvalidModelError, ModelNotFoundError
from m2v_lite.files.heads import HEAD, LEGACY_HEAD, SETTINGS, head_file, legacy_head
from m2v_lite.inference.checked_head import head_of
from m2v_lite.inference.evaluation import evaluate_single_or_multi_label
from m2v_lite.inference.mlp import Activation, MLPHead
from m2v_lite.inference.save_methods import SavesWithHead
from m2v_lite.loading import load_parts
from m2v_lite.model import StaticModel
from m2v_lite.tokenization.memo_limits import DEFAULT_MEMO_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self


class StaticModelPipeline(SavesWithHead):
    """A static model with a head from model2vec 0.10 that predicts labels or other numbers.

    Use `from_pretrained` to load one. If your program uses `model2vec.inference.StaticModelPipeline`, you
    only need to change the import. The head is a few layers on top of the vectors. Its arrays are
    memory-mapped from the file.

    Args:
        model: the model.
        head: the head.

    Attributes:
        model: the model.
        head: the head.
        classes_: (classes,) the labels; None if the head does not predict labels.

    Examples:
        This head is not trained. Its only layer compares a text with two others.

        >>> from m2v_lite.inference import Layer
        >>> model = StaticModel.from_pretrained()
        >>> topics = model.encode(["Bread and soup.", "The train was late."])
        >>> layer = Layer(weight=8 * topics, bias=np.zeros(2, np.float32))
        >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["food", "traffic"]))
        >>> pipeline = StaticModelPipeline(model, head)
        >>> pipeline.predict(["The bus is late again.", "Cook the beans."]).tolist()
        ['traffic', 'food']
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
            token: an access token for private models on the hub; False for none. The default is `HF_TOKEN` or
                the token saved by `hf auth login`.
            subfolder: the folder of the model inside `path`.
            revision: a branch, tag or commit of the repository. The default is main. A branch in the cache
                stays at the commit of its last download.
            cache_dir: the hub's cache folder, if it is not the one in `HF_HUB_CACHE` or `HF_HOME`.
            force_download: whether to download the model even if it is in the cache.
            local_files_only: whether to raise an error instead of contacting the hub. `HF_HUB_OFFLINE` has
                the same effect.
            memo_bytes: the approximate memory, in bytes, for remembering the token ids of words. The default
                is 8 MB.

        Returns:
            A pipeline with the model and its head.

        Raises:
            ModelNotFoundError: there is no model at `path`, or it has no head.
            InvalidModelError: a file is broken or not supported, or the head does not fit the model.
            DownloadError: the model is not in the cache and cannot be downloaded.
            MissingPackageError: a package that the model needs is not installed.
            InputTypeError: an argument has the wrong type.
            InputValueError: an argument has an impossible value, such as `memo_bytes=0`.

        Examples:
            >>> from m2v_lite.inference import Layer
            >>> model = StaticModel.from_pretrained()
            >>> topics = model.encode(["Bread and soup.", "The train was late."])
            >>> layer = Layer(8 * topics, np.zeros(2, np.float32))
            >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["food", "traffic"]))
            >>> pipeline = StaticModelPipeline(model, head)
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     pipeline.save_pretrained(folder)
            ...     StaticModelPipeline.from_pretrained(folder).predict("Cook the beans.").tolist()
            ['food']
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
                f"{folder}: this model has no classifier head ({HEAD} and {SETTINGS} in the "
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
            X: a text or several texts. A single text returns the same as a list of one text.
            show_progress_bar: whether to show a progress bar. This needs tqdm.
            max_length: the maximum number of tokens per text; None for no limit. The default is the model's
                setting.
            batch_size: the maximum number of texts to tokenize at once. It does not change the result.
            use_multiprocessing: whether a second thread can pool one batch while the next is tokenized, as in
                `StaticModel.encode`.
            multiprocessing_threshold: use the second thread only for more texts than this.
            threshold: return the labels whose probability is above this number, from 0 to 1. It applies only
                if a text can have several labels (sigmoid).

        Returns:
            (texts,) labels. If a text can have several labels (sigmoid), an array of objects with an array of
            labels for each text, as in model2vec. If there are no labels (identity), (texts, outputs)
            numbers.

        Raises:
            InputTypeError: something in `X` is not a str, or an option has the wrong type.
            InputValueError: a text is not valid Unicode, or an option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            InvalidModelError: the head has no classes.

        Examples:
            >>> from m2v_lite.inference import Layer
            >>> model = StaticModel.from_pretrained()
            >>> topics = model.encode(["Bread and soup.", "The train was late."])
            >>> layer = Layer(8 * topics, np.zeros(2, np.float32))
            >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["food", "traffic"]))
            >>> pipeline = StaticModelPipeline(model, head)
            >>> pipeline.predict(["The bus is late again.", "Cook the beans."]).tolist()
            ['traffic', 'food']
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
        """Return the probability of each class for each text.

        Args:
            X: a text or several texts. A single text returns the same as a list of one text.
            show_progress_bar: whether to show a progress bar. This needs tqdm.
            max_length: the maximum number of tokens per text; None for no limit. The default is the model's
                setting.
            batch_size: the maximum number of texts to tokenize at once. It does not change the result.
            use_multiprocessing: whether a second thread can pool one batch while the next is tokenized, as in
                `StaticModel.encode`.
            multiprocessing_threshold: use the second thread only for more texts than this.

        Returns:
            (texts, classes) floats, in the order of `classes_`. With softmax, each row adds up to 1.

        Raises:
            InputTypeError: something in `X` is not a str, or an option has the wrong type.
            InputValueError: the head does not return probabilities, a text is not valid Unicode, or an option
                is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.

        Examples:
            >>> from m2v_lite.inference import Layer
            >>> model = StaticModel.from_pretrained()
            >>> topics = model.encode(["Bread and soup.", "The train was late."])
            >>> layer = Layer(8 * topics, np.zeros(2, np.float32))
            >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["food", "traffic"]))
            >>> pipeline = StaticModelPipeline(model, head)
            >>> pipeline.predict_proba(["The bus is late again."]).round(1).tolist()
            [[0.0, 1.0]]
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
        """Predict the labels of texts and compare them with the true labels.

        Args:
            X: the texts.
            y: for each text, the true label or a list of the true labels.
            batch_size: the maximum number of texts to tokenize at once. It does not change the result.
            threshold: predict the labels whose probability is above this number, from 0 to 1. It applies only
                if a text can have several labels (sigmoid).

        Returns:
            A classification report; see `evaluate_single_or_multi_label`.

        Raises:
            InputTypeError: something in `X` is not a str, or an option has the wrong type.
            InputValueError: the number of labels is not the number of texts, or is 0; the head does not
                predict labels; a text is not valid Unicode; or an option is out of range.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            InvalidModelError: the head has no classes.

        Examples:
            >>> from m2v_lite.inference import Layer
            >>> model = StaticModel.from_pretrained()
            >>> topics = model.encode(["Bread and soup.", "The train was late."])
            >>> layer = Layer(8 * topics, np.zeros(2, np.float32))
            >>> head = MLPHead([layer], Activation.SOFTMAX, np.array(["food", "traffic"]))
            >>> pipeline = StaticModelPipeline(model, head)
            >>> report = pipeline.evaluate(["The bus is late again.", "Cook the beans."], ["traffic", "food"])
            >>> report["accuracy"], report["food"]["f1-score"]
            (1.0, 1.0)
        """
        self._check_classifies("evaluate")
        texts, _ = as_texts(X)
        if len(texts) != len(y) or not len(y):
            raise InputValueError(
                f"X has {len(texts)} texts, and y has {len(y)} labels; give one label per text, for at "
                "least one text"
            )
        return evaluate_single_or_multi_label(
            self.predict(texts, batch_size=batch_size, threshold=threshold), y
        )

    def _vectors(
        self,
        given: str | Iterable[str],
        show_progress_bar: bool,
        max_length: int | Unset | None,
        batch_size: int,
        use_multiprocessing: bool,
        multiprocessing_threshold: int,
    ) -> NDArray[Any]:
        """Return the vectors of texts, (texts, dim), with each NaN in the table treated as 0."""
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
