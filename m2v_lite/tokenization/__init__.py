"""Texts -> token ids, flat: `ids` (tokens,) intp of all texts of a batch, and `bounds` (texts + 1,) intp.

It takes the text of a `tokenizer.json`, or the arrays of a packed model, and gives a tokenizer of the right
kind. Text i owns `ids[bounds[i]:bounds[i + 1]]`, cut to the token limit and without unknown tokens. The
modules, in the order in which a text passes them:

- `kinds`: chooses the kind of tokenizer for a definition. Add a kind here.
- `tokenizer_json`: the bytes of a `tokenizer.json` -> its content, with the vocabulary in arrays.
- `definition`: reads the text of a `tokenizer.json`, and reads it again on demand.
- `decimals`: decimal numbers -> floats, as `tokenizers` reads them.
- `steps`: the steps of a normalizer or pre-tokenizer there.
- `protocols`: what a tokenizer, its source and its vocabulary must offer.
- `characters`: the classes of characters, from tables made with `tokenizers`.
- `character_translation`: a table for `str.translate` that grows with the characters that come.
- `character_entries`: texts -> their characters in one array, normalized, with a class for each.
- `added_tokens`: finds tokens such as `[MASK]` in a text.
- `added_entries`: decides whether the added tokens of a `tokenizer.json` are found as the library finds them.
- `wordpiece`: tokenizes for models of the BERT family, without the `tokenizers` library.
- `unigram`: the same for models of the XLM-R family.
- `in_arrays`: what both have in common.
- `batch_routes`: a batch of texts -> ids: most texts at once, the rest one by one.
- `word_memo`: remembers the ids of words from single texts.
- `left_to_library`: why a tokenizer is left to the library.
- `tokenizers_library`: tokenizes for all other models, with the `tokenizers` library.
- `chunk_independence`: decides whether the chunks between white space can be tokenized alone.
- `chunks`: if so, asks the library for each chunk only once.
- `vocabulary`: a vocabulary in arrays.
- `memo_limits`: the memo of words or chunks that a tokenizer has seen, and how much it may remember.
- `piece_store`: stores the ids of remembered words that have several pieces.
- `utf8`: where characters begin in UTF-8.
- `flat_ids`: operations on flat ids: join, shorten, drop, merge.
- `distinct`: one index for each distinct key.
- `runs`: the indexes of runs, one after the other.
"""
