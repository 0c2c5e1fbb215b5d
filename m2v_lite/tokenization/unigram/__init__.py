"""Texts -> token ids for a SentencePiece charsmap, Metaspace and Unigram, without the `tokenizers` library.

It takes the content of a `tokenizer.json`, or mapped arrays, and gives flat ids as `m2v_lite.tokenization`
describes them. The modules, in the order in which a text passes them:

- `supported`: decides whether this path gives exactly the ids that `tokenizers` gives.
- `mapped`: checks the arrays of a packed model.
- `tokenizer`: the tokenizer, which sends single texts one way and batches another.
- `one_text`: a single text -> ids, added tokens included.
- `normalizer`: a text -> the normalized text.
- `charsmap`: what the normalizer replaces.
- `word_rule`: how the words of a text are put together.
- `batch`: a batch of texts -> ids.
- `unigram_entries`: characters -> classes and normalized characters, in arrays.
- `batch_words`: finds the words of a batch.
- `word_ids`: the words of a batch -> ids, all words at once.
- `viterbi`: words -> their best pieces.
- `double_array`: finds the pieces that begin at a character.
- `double_array_builder`: makes that double array of a vocabulary.
"""
