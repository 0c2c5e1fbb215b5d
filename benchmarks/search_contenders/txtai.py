"""txtai, which puts vectors in Faiss, and texts and words in SQLite. model2vec makes the vectors."""

from txtai import Embeddings


def build(folder, model, texts, mode):
    embeddings = Embeddings(path=model, method="model2vec", content=True, hybrid=mode == "hybrid")
    embeddings.index(enumerate(texts))
    embeddings.save(folder)


def load(folder, model, mode):
    embeddings = Embeddings()
    embeddings.load(folder)
    return embeddings


def search(embeddings, query, limit, mode):
    return [(int(hit["id"]), hit["text"]) for hit in embeddings.search(query, limit)]
