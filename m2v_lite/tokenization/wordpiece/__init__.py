"""Texts -> token ids for BertNormalizer, BertPreTokenizer and WordPiece, without the `tokenizers` library.

It takes the content of a `tokenizer.json` and a vocabulary, and gives flat ids as `m2v_lite.tokenization`
describes them. The modules, in the order in which a text passes them:

- `supported`: decides whether this path gives exactly the ids that `tokenizers` gives.
- `tokenizer`: the tokenizer, which sends single texts one way and batches another.
- `one_text`: a single text -> ids, added tokens included.
- `normalizer`: a text -> its words.
- `word_memo`: remembers the ids of words from single texts.
- `pieces`: a word -> the ids of its pieces.
- `batch`: a batch of texts -> ids, by one of three routes.
- `word_spans`: finds where the words of a batch lie.
- `hashing`: short words -> codes, all words of a batch at once.
- `lookup`: remembers the ids of words from batches.
- `longest_match`: many words -> pieces, in arrays.
"""
