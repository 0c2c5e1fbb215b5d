"""The reference: https://github.com/MinishLab/model2vec."""

from model2vec import StaticModel

PACKAGES = ["model2vec", "tokenizers", "numpy"]


def load(folder):
    return StaticModel.from_pretrained(folder)


def encode(model, texts):
    return model.encode(texts)
