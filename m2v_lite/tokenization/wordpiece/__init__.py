"""Texts -> token ids for BertNormalizer, BertPreTokenizer and WordPiece, without the `tokenizers` library.

It takes the content of a `tokenizer.json` and a vocabulary, and gives flat ids as `m2v_lite.tokenization`
describes them. The modules, in the order in which a text passes them:

- `supported`: decides whether this path gives exactly the ids that `tokenizers` gives.
- `tokenizer`: the tokenizer, which sends single texts one way and batches another.
- `one_text`: a single text -> ids, added tokens included.
- `normalizer`: a text -> its words.
- `pieces`: a word -> the ids of its pieces.
- `batch`: a batch of texts -> ids, by one of three routes.
- `batch_words`: finds the words of a batch.
- `character_classes`: characters -> classes and folded characters, in arrays.
- `word_ids`: the words of a batch -> ids, all words at once.
- `token_tables`: finds the tokens that begin words.
- `token_tree`: makes these tables of a vocabulary.
- `mapped_tables`: these tables <-> the arrays of a packed model.
- `perfect_hash`: 64-bit keys -> indexes, one look-up a key.
"""
