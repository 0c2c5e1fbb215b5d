"""Turns texts into flat token ids: `ids` (tokens,) and `bounds` (texts + 1,), both intp, for each batch.

The input is the text of a `tokenizer.json`, or the arrays of a packed model. The output is a tokenizer of the
right kind. Text i owns `ids[bounds[i]:bounds[i + 1]]`, cut to the token limit and without unknown tokens. A
text passes through the modules in this order:

- `kinds`: chooses the kind of tokenizer for a definition. Add a kind here.
- `tokenizer_json`: parses the bytes of a `tokenizer.json`, with the vocabulary in arrays.
- `definition`: reads the text of a `tokenizer.json`, and reads it again on demand.
- `decimals`: converts decimal numbers to floats as `tokenizers` does.
- `steps`: lists the steps of a normalizer or pre-tokenizer in a `tokenizer.json`.
- `protocols`: what a tokenizer, its source and its vocabulary must provide.
- `characters`: the classes of characters, from tables made with `tokenizers`.
- `character_translation`: a table for `str.translate` that grows as new characters occur.
- `character_entries`: converts texts to one array of normalized characters, with a class for each.
- `added_tokens`: finds tokens such as `[MASK]` in a text.
- `added_entries`: checks whether added tokens are found here as the library finds them.
- `wordpiece`: tokenizes for models of the BERT family, without the `tokenizers` library.
- `unigram`: does the same for models of the XLM-R family.
- `in_arrays`: the common parts of `wordpiece` and `unigram`.
- `batch_routes`: tokenizes a batch: most texts at once, the rest one by one.
- `word_memo`: remembers the ids of words from single texts.
- `left_to_library`: why a tokenizer is left to the library.
- `tokenizers_library`: tokenizes for all other models, with the `tokenizers` library.
- `chunk_independence`: checks whether the chunks between white space can be tokenized separately.
- `chunks`: if they can, asks the library for each chunk only once.
- `vocabulary`: a vocabulary in arrays.
- `memo_limits`: the memo of words or chunks that a tokenizer has seen, and the limit of its size.
- `piece_store`: stores the ids of remembered words that have several pieces.
- `code_points`: converts texts to arrays of code points and back, also to UTF-8.
- `flat_ids`: operations on flat ids: join, shorten, drop, merge.
- `distinct`: picks one index for each distinct key.
- `runs`: expands runs to the indexes of their elements.
"""
