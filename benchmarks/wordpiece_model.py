"""Make a model with a large made-up WordPiece vocabulary, as large as that of multilingual BERT.

    python benchmarks/wordpiece_model.py TOKENIZER OUT --tokens 119547

TOKENIZER is the tokenizer.json of a multilingual Unigram model. Its pieces become tokens: those that begin a
word as they are, the others with ##. All single characters come first, both ways. The table is random.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from multilingual_model import write_model

BAR = "\u2581"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def wordpiece_of(pieces: list[str], number: int) -> dict[str, Any]:
    """Return the definition of a WordPiece tokenizer, cased, with this number of tokens.

    Raises:
        SystemExit: there are too few pieces.
    """
    words = [piece.removeprefix(BAR) for piece in pieces if BAR not in piece[1:] and piece.strip(BAR)]
    characters = dict.fromkeys(word for word in words if len(word) == 1)
    marked = (
        piece.removeprefix(BAR) if piece.startswith(BAR) else f"##{piece}"
        for piece in pieces
        if BAR not in piece[1:] and piece.strip(BAR) and "<" not in piece
    )
    tokens = list(dict.fromkeys([*SPECIAL, *characters, *(f"##{one}" for one in characters), *marked]))[
        :number
    ]
    if len(tokens) < number:
        raise SystemExit(f"there are only {len(tokens):,} tokens")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": False,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {token: number for number, token in enumerate(tokens)},
        },
    }


def make_wordpiece_model(tokenizer: Path, folder: Path, tokens: int) -> Path:
    """Write the folder of a model, and return the folder."""
    pieces = [piece for piece, _ in json.loads(tokenizer.read_bytes())["model"]["vocab"]]
    return write_model(folder, wordpiece_of(pieces, tokens))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tokenizer", type=Path, help="the tokenizer.json of a multilingual Unigram model")
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("--tokens", type=int, default=119_547, metavar="N")
    options = parser.parse_args()
    print(f"wrote {make_wordpiece_model(options.tokenizer, options.out, options.tokens)}")


if __name__ == "__main__":
    main()
