"""Adapters: each file gives the models of this library the interface that another library expects.

An adapter takes texts and returns vectors in the form that the other library expects. It imports that library
only when it is used. The modules:

- `as_model2vec`: this library under the names of model2vec.
- `bad_rows`: rows of a batch whose text is missing or not valid.
- `frames`: batches of pyarrow, pandas, polars and plain Python.
- `embedder`: a column of vectors for such batches, in any process of an engine such as Spark or Ray.
- `milvus`: the embedding function of Milvus' Python client.
- `optional`: what the classes for other libraries share.
- `lists`: lists of texts to vectors, for libraries that always pass a list.
- `stored`: what a database or a config file stores about a model.
- `langchain`: embeddings for LangChain.
- `llama_index`: an embedding model for LlamaIndex.
- `haystack`: embedders of texts and of documents for Haystack.
- `chroma`: an embedding function for the database Chroma.
- `lancedb`: an embedding function for the database LanceDB.
- `sklearn`: a transformer for scikit-learn.
- `spacy`: a pipeline component that sets the vectors of documents.
- `llm`: a plugin of the command line tool llm.
- `daft`: a provider for Daft's function embed_text.
- `chonkie`: embeddings for chonkie's chunkers.
- `keybert`: a backend for KeyBERT.
- `bertopic`: a backend for BERTopic.
- `txtai`: a vectors method for txtai.
"""
