"""This project."""

from m2v_lite.search import Index


def build(folder, model, texts, mode):
    with Index(f"{folder}/index.db", model) as index:
        index.add(texts, ids=range(len(texts)))


def load(folder, model, mode):
    return Index(f"{folder}/index.db", model, create=False)


def search(index, query, limit, mode):
    return [(hit.id, hit.text) for hit in index.search(query, limit, mode=mode)]
