"""Unigram in arrays: texts -> words -> the best pieces -> token ids, without the `tokenizers` library."""
