"""A text -> its labels: models with a head that was trained on top of their vectors.

`StaticModelPipeline` is model2vec's class of this name, for inference. The modules, in the order in which a
text passes them:

- `pipeline`: loads a model with its head; texts -> vectors -> labels.
- `checked_head`: the settings and the tensors of a head -> layers that fit the table and one another.
- `save_methods`: the methods of a pipeline that write it.
- `mlp`: vectors -> probabilities, by layers.
- `evaluation`: labels and true labels -> a report.
"""

from m2v_lite.inference.evaluation import evaluate_single_or_multi_label
from m2v_lite.inference.mlp import Activation, Layer, MLPHead
from m2v_lite.inference.pipeline import StaticModelPipeline

__all__ = ["Activation", "Layer", "MLPHead", "StaticModelPipeline", "evaluate_single_or_multi_label"]
