"""Tokenizes texts for BertNormalizer, BertPreTokenizer and WordPiece, without `tokenizers`.

It takes the content of a `tokenizer.json` and a vocabulary, and returns flat ids as described in
`m2v_lite.tokenization`. A text passes through the modules in this order:

- `supported`: checks whether this path returns exactly the ids that `tokenizers` returns.
- `tokenizer`: the tokenizer, with one way for single texts and another for batches.
- `one_text`: tokenizes a single text, with its added tokens.
- `normalizer`: splits a text into words.
- `pieces`: splits a word into the ids of its pieces.
- `batch`: tokenizes a batch of texts by one of three routes.
- `batch_words`: finds the words of a batch.
- `character_classes`: the classes and folded forms of characters, in arrays.
- `character_ids`: turns the words of a batch into ids character by character, where that is possible.
- `character_tokens`: finds the tokens of one character, and where a longer token may begin.
- `word_ids`: turns the other words of a batch into ids, all words at once.
- `token_tables`: finds the tokens that begin words.
- `token_tree`: builds these tables from a vocabulary.
- `mapped_tables`: converts these tables to the arrays of a packed model, and back.
- `perfect_hash`: finds the index of a 64-bit key with one look-up.
"""
