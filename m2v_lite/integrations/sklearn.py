"""Texts -> an array of vectors, as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from m2v_lite.arguments import PathLike, described
from m2v_lite.errors import InputTypeError, InputValueError
from m2v_lite.integrations.optional import missing, model_of
from m2v_lite.model import StaticModel

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
except ImportError as error:
    raise missing("scikit-learn", "sklearn") from error

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self


class M2VLiteVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A scikit-learn transformer that turns texts into vectors, for pipelines and grid searches.

    It learns nothing: `fit` only loads the model, and `transform` works without `fit`. A pickle stores the
    parameters but not the model's weights, so each process maps the model's file itself.

    Args:
        model: a model folder, a packed model, or a model name on the hub, as for
            `StaticModel.from_pretrained`; or a `StaticModel`. None means the bundled model, which works
            offline.
        normalize: whether to scale vectors to length 1. Default: the model's setting.
        truncate_dim: use only this many leading columns; by default all.
        null: what to do about a missing text (None, NaN, pandas.NA): "error" raises an error, "empty" treats
            it as an empty text.
        model_options: the other arguments of
            [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained], in a dict: `token`,
            `normalize`, `subfolder`, `quantize_to`, `dimensionality`, `max_length`, `force_download`,
            `revision`, `cache_dir`, `local_files_only`, `memo_bytes` and `preload`. A `token` in it would be
            stored in pickles; it is better to set `HF_TOKEN`.

    Attributes:
        model: the path or the name of the model, a `StaticModel`, or None for the bundled one.
        normalize: whether vectors are scaled to length 1; None for the model's setting.
        truncate_dim: how many leading columns are used; None for all.
        null: what happens to a missing text.
        model_options: the arguments used to load the model, or None.

    Examples:
        >>> vectorizer = M2VLiteVectorizer(truncate_dim=64)
        >>> vectors = vectorizer.fit_transform(["The kettle is on.", "The train was late."])
        >>> vectors.shape, vectors.dtype
        ((2, 64), dtype('float32'))
        >>> vectorizer.get_feature_names_out()[:2].tolist()
        ['m2vlitevectorizer0', 'm2vlitevectorizer1']
    """

    # The loaded model, with the parameters that it was loaded by.
    _loaded: tuple[Any, Any, StaticModel] | None = None

    def __init__(
        self,
        model: StaticModel | PathLike | None = None,
        *,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
        null: str = "error",
        model_options: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.normalize = normalize
        self.truncate_dim = truncate_dim
        self.null = null
        self.model_options = model_options

    def fit(self, X: Iterable[str], y: Any = None) -> Self:
        """Load the model, and check the parameters.

        Args:
            X: the texts. They are not read.
            y: ignored.

        Returns:
            This object.

        Raises:
            InputTypeError: `X` is a single text, or a parameter has the wrong type.
            InputValueError: `X` has several columns, or a parameter has an invalid value.
            M2VLiteError: the model cannot be loaded;
                [`StaticModel.from_pretrained`][m2v_lite.StaticModel.from_pretrained] lists the errors.

        Examples:
            >>> M2VLiteVectorizer(truncate_dim=64).fit(["The kettle is on."]).get_feature_names_out().shape
            (64,)
        """
        _column(X)
        self._encode([])
        return self

    def transform(self, X: Iterable[str]) -> NDArray[np.float32]:
        """Encode texts.

        Args:
            X: a list, numpy array, pandas Series or other iterable of texts; or a table with a single column.

        Returns:
            (texts, columns) float32, whatever the table's dtype.

        Raises:
            InputTypeError: `X` is a single text, contains something that is not a text, or a parameter has
                the wrong type.
            InputValueError: `X` has several columns, a text is not valid Unicode, or a parameter has an
                invalid value.
            TokenizationError: the model's tokenizer cannot tokenize a text.
            M2VLiteError: the model cannot be loaded.

        Examples:
            >>> M2VLiteVectorizer(normalize=True).transform(["The kettle is on.", "boiling water"]).shape
            (2, 256)
        """
        return self._encode(_column(X))

    @property
    def _n_features_out(self) -> int:
        return int(self._encode([]).shape[1])

    def _encode(self, texts: Iterable[str]) -> NDArray[np.float32]:
        model = self._current_model()
        vectors = model.encode(
            texts, normalize=self.normalize, truncate_dim=self.truncate_dim, null=self.null
        )
        return vectors.astype(np.float32, copy=False)

    def _current_model(self) -> StaticModel:
        """Return the model for the current parameters. `set_params` may have changed them."""
        options = dict(self.model_options or {})
        loaded = self._loaded
        if loaded is None or loaded[0] != self.model or loaded[1] != options:
            self._loaded = loaded = (self.model, options, model_of(self.model, **options))
        return loaded[2]

    def __getstate__(self) -> dict[str, Any]:
        if isinstance(self.model, StaticModel) and (self.model.files is None or self.model._assigned):
            raise InputValueError(
                "the vectorizer's model has arrays that are in no file, and a pickle of the vectorizer does "
                "not hold them; save the model with save_pretrained, and give its folder as model="
            )
        state: dict[str, Any] = {**super().__getstate__()}
        state.pop("_loaded", None)
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = False
        tags.no_validation = True
        return tags


def _column(X: Any) -> Any:
    """Return the texts of a table with one column, and other iterables of texts unchanged."""
    if isinstance(X, str) or getattr(X, "shape", None) == ():
        raise InputTypeError(f"expected a list of texts, got {described(X)}; pass it in a list")
    if hasattr(X, "toarray"):
        raise InputTypeError(f"expected texts, got a sparse {type(X).__name__}; give the texts themselves")
    if len(getattr(X, "shape", ())) != 2:
        return X
    if X.shape[1] != 1:
        raise InputValueError(
            f"expected texts, got a {type(X).__name__} of {X.shape[1]} columns; give one of them, or use a "
            "vectorizer for each in a ColumnTransformer"
        )
    return np.asarray(X, dtype=object).reshape(-1)
