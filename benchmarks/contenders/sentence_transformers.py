"""sentence-transformers, which needs torch."""

from sentence_transformers import SentenceTransformer

PACKAGES = ["sentence-transformers", "torch", "transformers", "tokenizers", "numpy"]


def load(folder):
    return SentenceTransformer(folder, device="cpu")


def encode(model, texts):
    return model.encode(texts, batch_size=1024)
