"""Adapters: each file gives the models of this library the interface that another library expects.

An adapter takes texts and gives vectors in the form that the other library expects. It imports that library
only when it is used. The modules:

- `as_model2vec`: this library under the names of model2vec.
- `milvus`: the embedding function of Milvus' Python client.
"""
