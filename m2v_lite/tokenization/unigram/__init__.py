"""Tokenizes texts for SentencePiece charsmap, Metaspace and Unigram, without the `tokenizers` library.

It takes the content of a `tokenizer.json` or mapped arrays, and returns flat ids as described in
`m2v_lite.tokenization`. A text passes through the modules in this order:

- `supported`: checks whether this path returns exactly the ids that `tokenizers` returns.
- `mapped`: checks the arrays of a packed model.
- `tokenizer`: the tokenizer, with one way for single texts and another for batches.
- `one_text`: tokenizes a single text, with its added tokens.
- `normalizer`: normalizes a text.
- `charsmap`: the replacements of the normalizer.
- `word_rule`: how the words of a text are joined.
- `batch`: tokenizes a batch of texts.
- `unigram_entries`: the classes and normalized forms of characters, in arrays.
- `batch_words`: finds the words of a batch.
- `word_ids`: turns the words of a batch into ids, all words at once.
- `viterbi`: splits words into their best pieces.
- `double_array`: finds the pieces that begin at a character.
- `double_array_builder`: builds that double array from a vocabulary.
"""
