"""arara-rag: vectors in a mapped file, texts in SQLite, and BM25, in numpy. Each text is a document."""

from arara_rag import Arara

MODES = {"hybrid": "hybrid", "vector": "dense", "text": "lexical"}


def load(folder, model, mode):
    return Arara(folder, dense_model=model, chunk_mode="document", lang="en", workers=1)


def build(folder, model, texts, mode):
    with load(folder, model, mode) as arara:
        arara.add_documents([(str(number), text) for number, text in enumerate(texts)])
        arara.finalize()


def search(arara, query, limit, mode):
    return [(int(hit.doc_id), hit.text) for hit in arara.search(query, limit, MODES[mode])]
