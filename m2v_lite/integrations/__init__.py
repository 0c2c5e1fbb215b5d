"""Adapters: the models of this library in the shape that another library takes, one file each.

It takes texts and gives vectors in the form that the other library wants, and imports that library only when
it is used. The modules:

- `milvus`: the embedding function of Milvus' Python client.
"""
