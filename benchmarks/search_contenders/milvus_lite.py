"""Milvus Lite, with the exact index FLAT. m2v_lite makes the vectors."""

from pymilvus import DataType, MilvusClient

from m2v_lite import StaticModel

TOGETHER = 1000  # rows of a request


def build(folder, model, texts, mode):
    vectors = StaticModel.from_pretrained(model).encode(texts)
    client = MilvusClient(f"{folder}/milvus.db")
    schema = client.create_schema()
    schema.add_field("id", DataType.INT64, is_primary=True)
    schema.add_field("text", DataType.VARCHAR, max_length=10_000)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
    indexes = client.prepare_index_params()
    indexes.add_index("vector", index_type="FLAT", metric_type="COSINE")
    client.create_collection("texts", schema=schema, index_params=indexes)
    for start in range(0, len(texts), TOGETHER):
        numbers = range(start, min(start + TOGETHER, len(texts)))
        client.insert("texts", [{"id": at, "text": texts[at], "vector": vectors[at]} for at in numbers])
    client.flush("texts")
    client.close()


def load(folder, model, mode):
    client = MilvusClient(f"{folder}/milvus.db")
    client.load_collection("texts")
    return StaticModel.from_pretrained(model), client


def search(loaded, query, limit, mode):
    model, client = loaded
    (hits,) = client.search("texts", [model.encode(query)], limit=limit, output_fields=["text"])
    return [(hit["id"], hit["entity"]["text"]) for hit in hits]
