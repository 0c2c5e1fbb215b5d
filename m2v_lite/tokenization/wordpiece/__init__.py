"""Texts -> token ids for BertNormalizer, BertPreTokenizer and WordPiece, without the `tokenizers` library.

It takes the content of a `tokenizer.json` and a vocabulary and gives flat ids, as `m2v_lite.tokenization` has
them. The modules, in the order in which a text passes them:

- `supported`: whether this kind gives exactly what `tokenizers` gives for a definition.
- `tokenizer`: the tokenizer: single texts take one way, batches another.
- `one_text`: a single text -> ids, added tokens included.
- `normalizer`: a text -> its words.
- `word_memo`: the ids of the words that single texts have brought.
- `pieces`: a word -> the ids of its pieces.
- `batch`: a batch of texts -> ids, by one of three routes.
- `word_spans`: where the words of a batch lie.
- `hashing`: short words -> codes, all words of a batch at once.
- `lookup`: the ids of the words that batches have brought.
- `longest_match`: many words -> pieces, in arrays.
"""
