"""llm: a collection of embeddings in SQLite, compared one by one in Python. m2v_lite makes the vectors."""

import llm
from sqlite_utils import Database

from m2v_lite import StaticModel


class Model(llm.EmbeddingModel):
    """What a plugin of llm would register."""

    model_id = "m2v_lite"

    def __init__(self, model):
        self.model = StaticModel.from_pretrained(model)

    def embed_batch(self, items):
        yield from self.model.encode(list(items)).tolist()


def load(folder, model, mode):
    return llm.Collection("texts", Database(f"{folder}/embeddings.db"), model=Model(model))


def build(folder, model, texts, mode):
    entries = ((str(number), text) for number, text in enumerate(texts))
    load(folder, model, mode).embed_multi(entries, store=True)


def search(collection, query, limit, mode):
    return [(int(entry.id), entry.content) for entry in collection.similar(query, limit)]
