"""Predicts labels of texts with models that have a trained head on top of their vectors.

`StaticModelPipeline` is model2vec's class of the same name, for inference. A text passes through the modules
in this order:

- `pipeline`: loads a model with its head, and predicts labels from texts.
- `checked_head`: builds a head from its settings and tensors, and checks that the layers fit.
- `save_methods`: the methods of a pipeline that save it.
- `mlp`: computes probabilities from vectors.
- `evaluation`: compares predicted labels with true labels in a report.
"""

from m2v_lite.inference.evaluation import evaluate_single_or_multi_label
from m2v_lite.inference.mlp import Activation, Layer, MLPHead
from m2v_lite.inference.pipeline import StaticModelPipeline

__all__ = ["Activation", "Layer", "MLPHead", "StaticModelPipeline", "evaluate_single_or_multi_label"]
