"""scikit-learn with `M2VLiteVectorizer`: pipelines, searches, processes, and scikit-learn's own checks."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from pages_and_processes import check_missing, run_page, run_python
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from m2v_lite import StaticModel
from m2v_lite.errors import InputTypeError, InputValueError, ModelNotFoundError
from m2v_lite.integrations.sklearn import M2VLiteVectorizer

MUSIC = [
    "The cello has four strings.",
    "The choir sings.",
    "The pianist plays a sonata.",
    "A violin, out of tune",
]
GARDEN = ["Plant garlic in autumn.", "Tomatoes want sun.", "Beans grow in warm soil.", "Harvest the leeks."]
TEXTS = [text for pair in zip(MUSIC, GARDEN, strict=True) for text in pair] * 3
LABELS = ["music", "garden"] * 12


@pytest.fixture(scope="module")
def model() -> StaticModel:
    return StaticModel.from_pretrained()


@pytest.fixture(scope="module")
def expected(model: StaticModel) -> Any:
    return model.encode(TEXTS)


# --- vectors


@pytest.mark.parametrize(
    "form",
    [
        list, tuple, iter, np.array, lambda texts: np.array(texts, dtype=object), pd.Series,
        lambda texts: pd.Series(texts, dtype="category"), lambda texts: pd.Series(texts, range(24, 0, -1)),
        lambda texts: pd.DataFrame({"text": texts}), lambda texts: np.array(texts).reshape(-1, 1),
    ],
    ids=str,
)  # fmt: skip
def test_the_vectors(form: Callable[[list[str]], Any], expected: Any) -> None:
    vectors = M2VLiteVectorizer().fit_transform(form(TEXTS))
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, expected)


def test_it_works_without_fit(expected: Any) -> None:
    np.testing.assert_array_equal(M2VLiteVectorizer().transform(TEXTS), expected)
    assert len(M2VLiteVectorizer().get_feature_names_out()) == 256


def test_no_texts() -> None:
    assert M2VLiteVectorizer().fit([]).transform([]).shape == (0, 256)


def test_the_parameters(model: StaticModel) -> None:
    def vectors(**parameters: Any) -> Any:
        return M2VLiteVectorizer(**parameters).fit_transform(TEXTS)

    np.testing.assert_array_equal(vectors(truncate_dim=32), model.encode(TEXTS, truncate_dim=32))
    np.testing.assert_array_equal(vectors(normalize=False), model.encode(TEXTS, normalize=False))
    options = {"dimensionality": 64, "max_length": 3}
    cut = StaticModel.from_pretrained(**options)  # type: ignore[arg-type]
    np.testing.assert_array_equal(vectors(model_options=options), cut.encode(TEXTS))
    assert vectors(model_options={"quantize_to": "float16"}).dtype == np.float32
    np.testing.assert_array_equal(vectors(model=cut), cut.encode(TEXTS))


def test_missing_texts() -> None:
    column = pd.Series(["one", None, float("nan"), pd.NA, "two"], dtype=object)
    with pytest.raises(InputTypeError, match="text 1 is None"):
        M2VLiteVectorizer().fit_transform(column)
    vectors = M2VLiteVectorizer(null="empty").fit_transform(column)
    assert vectors.any(axis=1).tolist() == [True, False, False, False, True]
    frame = pd.DataFrame({"text": pd.Series(["one", pd.NA], dtype="string")})
    assert M2VLiteVectorizer(null="empty").transform(frame).any(axis=1).tolist() == [True, False]


# --- parameters as scikit-learn wants them


def test_parameters_stay_as_given(model: StaticModel) -> None:
    options = {"max_length": 3}
    vectorizer = M2VLiteVectorizer(Path("nothing"), normalize=True, truncate_dim=7, model_options=options)
    assert vectorizer.get_params() == {
        "model": Path("nothing"),
        "normalize": True,
        "truncate_dim": 7,
        "null": "error",
        "model_options": options,
    }
    assert vectorizer.get_params()["model_options"] is options
    assert clone(vectorizer).get_params() == vectorizer.get_params()
    assert clone(M2VLiteVectorizer(model)).fit_transform(["one"]).shape == (1, 256)


def test_set_params_after_fit(model: StaticModel, tmp_path: Path) -> None:
    model.save_packed(tmp_path / "small.safetensors")
    vectorizer = M2VLiteVectorizer().fit(TEXTS)
    vectorizer.set_params(model_options={"dimensionality": 16})
    assert vectorizer.transform(TEXTS).shape == (24, 16)
    vectorizer.set_params(model_options=None, model=tmp_path / "small.safetensors", truncate_dim=8)
    assert vectorizer.transform(TEXTS).shape == (24, 8)
    vectorizer.set_params(model=tmp_path / "nothing")
    with pytest.raises(ModelNotFoundError):
        vectorizer.transform(TEXTS)


def test_nothing_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    vectorizer = M2VLiteVectorizer(tmp_path / "nothing", truncate_dim=-3, null="what")
    assert "nothing" in repr(vectorizer)
    pickle.dumps(clone(vectorizer))
    with pytest.raises(ModelNotFoundError):
        vectorizer.fit(TEXTS)


def test_a_model_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    load = StaticModel.from_pretrained

    def counted(*given: Any) -> StaticModel:
        calls.append(given)
        return load(*given)

    monkeypatch.setattr(StaticModel, "from_pretrained", counted)
    vectorizer = M2VLiteVectorizer()
    vectorizer.fit_transform(TEXTS)
    vectorizer.transform(TEXTS)
    vectorizer.get_feature_names_out()
    assert len(calls) == 1


# --- pipelines and searches


def test_a_pipeline() -> None:
    pipeline = make_pipeline(M2VLiteVectorizer(), LogisticRegression(C=100))
    pipeline.fit(TEXTS, LABELS)
    assert pipeline.predict(["a concert for the organ", "weeds among the carrots"]).tolist() == [
        "music",
        "garden",
    ]
    assert pipeline[:-1].get_feature_names_out()[255] == "m2vlitevectorizer255"


def test_a_grid_search_in_two_processes(model: StaticModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "folder")
    pipeline = Pipeline([("vectors", M2VLiteVectorizer()), ("classes", LogisticRegression())])
    grid = {
        "vectors__model": [None, str(tmp_path / "folder")],
        "vectors__normalize": [True, False],
        "vectors__truncate_dim": [2, None],
    }
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2, error_score="raise")
    search.fit(TEXTS, LABELS)
    assert len(search.cv_results_["params"]) == 8
    scores = search.cv_results_["mean_test_score"]
    assert scores[:4].tolist() == scores[4:].tolist()  # of the same model, twice
    assert search.best_estimator_.predict(["a string quartet"]).tolist() == ["music"]


def test_cross_validation_in_two_processes() -> None:
    pipeline = make_pipeline(M2VLiteVectorizer(), LogisticRegression())
    scores = cross_val_score(pipeline, np.array(TEXTS, dtype=object), LABELS, cv=3, n_jobs=2)
    assert scores.tolist() == [1, 1, 1]


@pytest.mark.parametrize("columns", ["text", ["text"], 0, [0]])
def test_a_column_of_a_table(columns: Any, expected: Any) -> None:
    table = pd.DataFrame({"text": TEXTS, "year": range(24)}, index=range(100, 124))
    transformer = ColumnTransformer(
        [("vectors", M2VLiteVectorizer(), columns), ("rest", "passthrough", ["year"])]
    )
    vectors = transformer.fit_transform(table)
    assert vectors.shape == (24, 257)
    np.testing.assert_array_equal(vectors[:, :-1].astype(np.float32), expected)
    assert transformer.get_feature_names_out()[0] == "vectors__m2vlitevectorizer0"
    transformer.set_output(transform="pandas")
    framed = transformer.fit_transform(table)
    assert framed.index.tolist() == table.index.tolist()
    assert framed.columns[-2:].tolist() == ["vectors__m2vlitevectorizer255", "rest__year"]


def test_output_for_pandas(expected: Any) -> None:
    vectorizer = M2VLiteVectorizer().set_output(transform="pandas")
    frame = vectorizer.fit_transform(pd.Series(TEXTS, index=range(100, 124)))
    np.testing.assert_array_equal(frame.to_numpy(), expected)
    assert frame.columns.tolist() == [f"m2vlitevectorizer{number}" for number in range(256)]
    assert frame.index.tolist() == list(range(100, 124))
    assert (frame.dtypes == np.float32).all()


def test_a_union() -> None:
    parts = [("short", M2VLiteVectorizer(truncate_dim=8)), ("whole", M2VLiteVectorizer())]
    assert FeatureUnion(parts, n_jobs=2).fit_transform(TEXTS).shape == (24, 264)


def test_a_cache_of_a_pipeline(tmp_path: Path) -> None:
    memory = joblib.Memory(str(tmp_path / "cache"), verbose=0)
    for vectorizer in (M2VLiteVectorizer(), M2VLiteVectorizer().fit(TEXTS)):
        make_pipeline(vectorizer, LogisticRegression(), memory=memory).fit(TEXTS, LABELS)
    assert len(list((tmp_path / "cache").rglob("output.pkl"))) == 1


# --- pickles


def test_a_pickle_holds_no_numbers(model: StaticModel, expected: Any) -> None:
    for given in (None, model):
        vectorizer = M2VLiteVectorizer(given).fit(TEXTS)
        stored = pickle.dumps(vectorizer)
        assert len(stored) < 5000
        assert "_loaded" in vars(vectorizer)
        again = pickle.loads(stored)
        assert "_loaded" not in vars(again)
        np.testing.assert_array_equal(again.transform(TEXTS), expected)
        np.testing.assert_array_equal(copy.deepcopy(vectorizer).transform(TEXTS), expected)


PREDICT = """
import sys, joblib
print(joblib.load(sys.argv[1]).predict(["a string quartet", "a bed of carrots"]).tolist())
"""


def test_a_saved_pipeline_opens_in_another_process(tmp_path: Path) -> None:
    pipeline = make_pipeline(M2VLiteVectorizer(), LogisticRegression(C=100)).fit(TEXTS, LABELS)
    path = tmp_path / "pipeline.joblib"
    joblib.dump(pipeline, path)
    assert path.stat().st_size < 20_000
    assert run_python(PREDICT, path, folder=tmp_path) == "['music', 'garden']\n"


def test_a_model_made_of_arrays_is_not_pickled(model: StaticModel) -> None:
    made = StaticModel(np.array(model.embedding), model.tokenizer, normalize=True)
    assigned = StaticModel.from_pretrained()
    assigned.embedding = np.zeros_like(model.embedding)
    for given in (made, assigned):
        vectorizer = M2VLiteVectorizer(given)
        assert vectorizer.fit_transform(TEXTS).shape == (24, 256)
        with pytest.raises(InputValueError, match="save the model with save_pretrained"):
            pickle.dumps(vectorizer)


def test_threads_share_one_vectorizer(expected: Any) -> None:
    vectorizer = M2VLiteVectorizer()
    with ThreadPoolExecutor(8) as threads:
        for vectors in threads.map(lambda _: vectorizer.transform(TEXTS), range(32)):
            np.testing.assert_array_equal(vectors, expected)


# --- errors


@pytest.mark.parametrize("method", ["fit", "transform", "fit_transform"])
def test_a_single_text_is_an_error(method: str) -> None:
    with pytest.raises(
        InputTypeError, match="expected a list of texts, got str 'one text'; pass it in a list"
    ):
        getattr(M2VLiteVectorizer(), method)("one text")


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        (["one", 7], InputTypeError, "text 1 is int 7"),
        ([["one"], ["two"]], InputTypeError, "text 0 is list"),
        ([b"one"], InputTypeError, "text 0 is bytes"),
        (np.zeros(3), InputTypeError, "text 0 is float"),
        (np.array("one"), InputTypeError, "expected a list of texts"),
        (np.zeros((3, 2)), InputValueError, "a ndarray of 2 columns"),
        (pd.DataFrame({"a": ["one"], "b": ["two"]}), InputValueError, "a DataFrame of 2 columns"),
        (None, InputTypeError, "expected a text or a list of texts, got None"),
        (["\ud800"], InputValueError, "text 0: holds the lone surrogate"),
    ],
)
def test_what_is_no_list_of_texts(texts: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        M2VLiteVectorizer().transform(texts)


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"model": 7}, InputTypeError),
        ({"model": "no/such-folder/here"}, ModelNotFoundError),
        ({"truncate_dim": 257}, InputValueError),
        ({"truncate_dim": "all"}, InputTypeError),
        ({"normalize": "l2"}, InputTypeError),
        ({"null": "skip"}, InputValueError),
        ({"model_options": {"dimensions": 3}}, TypeError),
    ],
)
def test_impossible_parameters_are_found_by_fit(parameters: dict[str, Any], error: type[Exception]) -> None:
    vectorizer = M2VLiteVectorizer(**parameters)
    with pytest.raises(error):
        vectorizer.fit(TEXTS)


def test_without_scikit_learn(tmp_path: Path) -> None:
    check_missing("sklearn", "sklearn", "sklearn", tmp_path)


# --- scikit-learn's checks


def test_the_tags() -> None:
    tags = M2VLiteVectorizer().__sklearn_tags__()
    assert (tags.input_tags.string, tags.input_tags.two_d_array) == (True, False)
    assert (tags.requires_fit, tags.no_validation) == (False, True)
    assert tags.transformer_tags.preserves_dtype == []


def test_the_checks_that_need_no_numbers() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Can't test estimator")
        results = check_estimator(M2VLiteVectorizer())
    assert {result["status"] for result in results} == {"passed"}


class OfRows(M2VLiteVectorizer):
    """Takes the rows of numbers that scikit-learn's checks give, as texts."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return super().fit(_rows(X))

    def transform(self, X: Any) -> Any:
        return super().transform(_rows(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.no_validation = False  # so that no check is left out
        return tags


def _rows(X: Any) -> Any:
    if hasattr(X, "toarray"):  # sparse
        return X
    return [str(row) for row in np.asarray(X).tolist()]


NO_FEATURES = "a text has no features to count"
NUMBERS = "the test class writes any row of numbers as a text"
FAILED = {
    "check_n_features_in_after_fitting": NO_FEATURES,
    "check_n_features_in": NO_FEATURES,
    "check_complex_data": NUMBERS,
    "check_estimators_nan_inf": NUMBERS,
    "check_fit1d": NUMBERS,
    "check_fit2d_predict1d": NUMBERS,
    "check_estimators_empty_data_messages": "no texts give no vectors",
}


@pytest.mark.filterwarnings("ignore:Estimator's parameters changed after set_params raised:UserWarning")
@parametrize_with_checks(  # type: ignore[untyped-decorator]
    [OfRows(), OfRows(truncate_dim=8, normalize=False)], expected_failed_checks=lambda _: FAILED
)
def test_the_checks_of_estimators(estimator: OfRows, check: Callable[[OfRows], None]) -> None:
    check(estimator)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_page("scikit-learn", tmp_path, monkeypatch)
    assert names["answers"].tolist() == ["garden", "music"]
    page = (Path(__file__).parent.parent / "docs" / "libraries" / "scikit-learn.md").read_text(
        encoding="utf-8"
    )
    assert {check for check in FAILED if f"`{check}`" not in page} == set()
