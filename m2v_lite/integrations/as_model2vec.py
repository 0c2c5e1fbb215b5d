"""m2v_lite under the names of model2vec, for programs that import model2vec and cannot be changed."""

from __future__ import annotations

import importlib.abc
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from m2v_lite.errors import M2VLiteError, MissingPackageError

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

NAME = "model2vec"
# The version whose vectors m2v_lite gives.
VERSION = (0, 10, 0)


class _NotHere(importlib.abc.MetaPathFinder):
    """Raises an error for the modules of model2vec that m2v_lite lacks: those that distil and train."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != NAME:
            return None
        raise MissingPackageError(
            f"{fullname}: m2v_lite, which stands in for model2vec here, has no such module; install "
            "model2vec (pip install 'model2vec[distill,train]') and use it in another program, without "
            "install_as_model2vec()"
        )


def install_as_model2vec() -> None:
    """Make `import model2vec` import m2v_lite in this process.

    Call it before anything imports model2vec. Afterwards, a program can import `model2vec`,
    `model2vec.model`, `model2vec.inference`, `model2vec.inference.model`, `model2vec.inference.mlp`,
    `model2vec.inference.evaluation`, `model2vec.types` and `model2vec.version`. Modules that are not for
    inference, such as `model2vec.distill`, raise an ImportError.

    Raises:
        M2VLiteError: model2vec itself is already imported.

    Examples:
        >>> import m2v_lite
        >>> m2v_lite.install_as_model2vec()
        >>> from model2vec import StaticModel
        >>> StaticModel is m2v_lite.StaticModel
        True
    """
    present = sys.modules.get(NAME)
    if any(isinstance(finder, _NotHere) for finder in sys.meta_path):
        return
    if present is not None:
        raise M2VLiteError(
            f"model2vec itself is already imported, from {getattr(present, '__file__', None)}; call "
            "install_as_model2vec() before anything imports it"
        )
    for name, contents in _modules().items():
        module = ModuleType(f"{NAME}{name}", f"m2v_lite in the place of {NAME}{name}.")
        module.__dict__.update(contents)
        module.__path__ = []  # it may have submodules
        sys.modules[module.__name__] = module
        parent, _, child = module.__name__.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
    sys.meta_path.insert(0, _NotHere())


def _modules() -> dict[str, dict[str, Any]]:
    """Return the contents of each module, a parent before its children."""
    from m2v_lite.arguments import UNSET, Unset
    from m2v_lite.inference.evaluation import evaluate_single_or_multi_label
    from m2v_lite.inference.mlp import Activation, Layer, MLPHead
    from m2v_lite.inference.pipeline import StaticModelPipeline
    from m2v_lite.model import StaticModel

    version = {"__version__": ".".join(map(str, VERSION)), "__version_triple__": VERSION}
    pipeline = {"StaticModelPipeline": StaticModelPipeline}
    evaluation = {"evaluate_single_or_multi_label": evaluate_single_or_multi_label}
    return {
        "": {"StaticModel": StaticModel, "__version__": version["__version__"], "__all__": ["StaticModel"]},
        ".version": version,
        ".types": {"_UNSET": UNSET, "_UnsetType": Unset},
        ".model": {"StaticModel": StaticModel},
        ".inference": {**pipeline, **evaluation, "__all__": [*pipeline, *evaluation]},
        ".inference.model": pipeline,
        ".inference.mlp": {"Activation": Activation, "Layer": Layer, "MLPHead": MLPHead},
        ".inference.evaluation": evaluation,
    }
