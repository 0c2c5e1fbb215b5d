"""Texts -> token ids, flat: `ids` (tokens,) intp of all texts of a batch, and `bounds` (texts + 1,) intp.

It takes the text of a `tokenizer.json`, or the arrays of a packed model, and gives a tokenizer of the kind
that suits. Text i owns `ids[bounds[i]:bounds[i + 1]]`, cut to the token limit and without unknown tokens. The
modules, in the order in which a text passes them:

- `kinds`: chooses the kind of tokenizer for a definition. Add a kind here.
- `definition`: the text of a `tokenizer.json`, read again when it is wanted.
- `protocols`: what a tokenizer, its source and its vocabulary must offer.
- `characters`: classes of characters, from tables made with `tokenizers`.
- `added_tokens`: finds tokens such as `[MASK]` in a text.
- `wordpiece`: the kind for models of the BERT family, in arrays and without the `tokenizers` library.
- `library`: every other kind, by the `tokenizers` library.
- `independence`: whether a definition lets the chunks between white space be tokenized alone.
- `chunks`: if so, asks the library for each chunk once.
- `vocabulary`: token -> id, in a dictionary or in mapped arrays.
- `memory`: how much a tokenizer remembers of the words and chunks it has seen.
- `piece_store`: the ids of remembered words that have several.
- `flat_ids`: operations on flat ids: join, shorten, drop, merge.
"""
