"""How many tests the inference side of model2vec 0.10.0 has, and which of them m2v_lite leaves out, and why.

`model2vec_tests.py` requires that these fail as it says here, and that all others pass. docs/contributing.md
shows this list.
"""

from __future__ import annotations

from typing import NamedTuple


class LeftOut(NamedTuple):
    """A test of model2vec that fails with a class of m2v_lite, as it should.

    Attributes:
        file: the file of model2vec's tests.
        test: the function.
        cases: how many tests it is, for it may run with several parameters.
        error: what the failure says.
        reason: why it is left out.
    """

    file: str
    test: str
    cases: int
    error: str
    reason: str


TESTS = {"test_model.py": 75, "test_inference.py": 50, "test_persistence.py": 15}

WITH_STATIC_MODEL = (
    LeftOut(
        "test_model.py",
        "test_load_pretrained_vocabulary_quantized",
        3,
        "InputValueError: vocabulary_quantization",
        "m2v_lite does not quantize vocabularies",
    ),
    LeftOut(
        "test_persistence.py",
        "test_local_loading",
        1,
        "DownloadError: my_org/haha",
        "mocks how model2vec looks into the hub's cache and downloads; m2v_lite does both by itself",
    ),
    LeftOut(
        "test_persistence.py",
        "test_hub_loading_downloads_readme",
        3,
        "DownloadError: my_org/haha",
        "mocks how model2vec downloads",
    ),
    LeftOut(
        "test_persistence.py",
        "test_hub_subfolder_loading",
        1,
        "DownloadError: my_org/haha, folder subfolder",
        "mocks how model2vec looks into the hub's cache and downloads",
    ),
)

WITH_PIPELINE_TOO = (
    LeftOut(
        "test_inference.py",
        "test_load_pipeline_from_hub",
        4,
        "DownloadError: fake/repo-id",
        "mocks how model2vec downloads",
    ),
    LeftOut(
        "test_inference.py",
        "test_load_pipeline_from_hub_with_token",
        4,
        "DownloadError: fake/repo-id",
        "mocks how model2vec downloads",
    ),
    LeftOut(
        "test_inference.py",
        "test_push_to_hub",
        4,
        "no attribute 'push_to_hub'",
        "mocks how model2vec uploads; m2v_lite uploads nothing",
    ),
    LeftOut(
        "test_inference.py",
        "test_from_pretrained_legacy_fallback_local",
        1,
        "DID NOT WARN",
        "converts `pipeline.skops`; m2v_lite says how to do that with model2vec",
    ),
    LeftOut(
        "test_inference.py",
        "test_from_pretrained_legacy_fallback_hub",
        1,
        "DID NOT WARN",
        "converts `pipeline.skops`, and mocks how model2vec downloads",
    ),
)
