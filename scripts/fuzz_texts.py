"""Compare the token ids of random texts with those of `tokenizers`, for random tokenizers of every kind.

    make fuzz                       (FUZZ_OPTIONS="--cases 100" for a number of tokenizers)

Each case is a tokenizer with random options and added tokens, and some hundreds of random texts: known words,
words of one script, marks, controls, clusters, added tokens, and one very long text. They go through it as a
batch, one by one, in another batch and cut short. The tokenizer and the texts of a failure are kept in
`--out`. A case depends only on the seed and its number, and `--state` lets a run go on where it was stopped.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests"), str(HERE.parent)]

from definitions import added_token  # noqa: E402
from fuzz_cases import numbers, options_of  # noqa: E402
from model_damage import any_of  # noqa: E402
from tiny_models import TINY_MODELS, wordpiece  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from unigram_models import divided, joined, with_bytes  # noqa: E402

from m2v_lite.tokenization.definition import TokenizerText  # noqa: E402
from m2v_lite.tokenization.flat_ids import of_each_text  # noqa: E402
from m2v_lite.tokenization.kinds import tokenizer_of_content  # noqa: E402

TEXTS = 300
BY_LIBRARY = ["bpe", "bpe-words", "unigram-nested", "wordlevel-sentence-transformers"]
WORDS = [
    "the", "cat", "sat", "kettle", "raining", "été", "straße", "日本", "мир", "fi", "a", "x", "ing", "##ing",
    "<pad>", "<unk>", "[UNK]", "[MASK]", "[PAD]", "<l>", "<r>", "new", "york", "▁", "▁the", ".", ",", "!",
    "...",
]  # fmt: skip
ODD = [
    "", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u0085", "\u2028", "\x00", "\x01", "\x1c",
    "\ufeff", "\u200b",
    "\u200d", "\ufe0f", "\u0301", "\u0323", "\u0344", "\u0600", "\u064e", "\u094d", "\u1100", "\u1161",
    "\u11a8", "한",
    "ﬁ", "½", "①", "¨", "\u00b4", "\ufdfa", "\uff21", "İ", "ẞ", "Σ", "😀", "👩🏽\u200d🚀", "\U000e0100",
    "\U0010ffff", "\ufffd",
]  # fmt: skip
RANGES = [
    (0x20, 0x7E), (0x00, 0x1F), (0x80, 0x24F), (0x300, 0x36F), (0x370, 0x6FF), (0x900, 0xDFF),
    (0xE00, 0x11FF),
    (0x1E00, 0x22FF), (0x3000, 0x33FF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFFFD),
    (0x10000, 0x1FFFF),
]  # fmt: skip


def random_text(random: np.random.Generator) -> str:
    """Return words and oddities, with spaces or without."""
    parts = []
    for _ in range(int(random.choice([0, 1, 2, 3, 6, 12, 40]))):
        kind = random.random()
        if kind < 0.45:
            part = any_of(random, WORDS)
            part = part.upper() if random.random() < 0.1 else part
        elif kind < 0.75:
            part = any_of(random, ODD)
        else:
            low, high = any_of(random, RANGES)
            part = "".join(map(chr, random.integers(low, high + 1, int(random.integers(1, 7))).tolist()))
        parts.append(part)
        parts.append(any_of(random, ["", "", " ", " ", "  "]))
    return "".join(parts)


def random_tokenizer(random: np.random.Generator) -> tuple[str, dict[str, Any]]:
    """Return a kind, and a tokenizer of it with random options."""
    kind = any_of(random, ["WordPiece", "WordPiece", "divided", "joined", "joined", "library"])
    if kind == "library":
        return kind, TINY_MODELS[any_of(random, BY_LIBRARY)].definition
    if kind == "WordPiece":
        definition = wordpiece()
        flags = {
            name: bool(random.integers(2)) for name in ("clean_text", "handle_chinese_chars", "lowercase")
        }
        strip = any_of(random, [None, True, False])
        definition["normalizer"] = {**definition["normalizer"], **flags, "strip_accents": strip}
        definition["model"]["max_input_chars_per_word"] = any_of(random, [100, 100, 3, 0])
    else:
        scheme = any_of(random, ["always", "never", "first"])
        definition = divided(scheme) if kind == "divided" else joined(scheme, bool(random.integers(2)))
        if random.random() < 0.3:
            definition = with_bytes(definition)
        if random.random() < 0.3:  # ties
            definition["model"]["vocab"] = [[piece, -3.0] for piece, _ in definition["model"]["vocab"]]
    known = definition["added_tokens"]
    vocabulary = definition["model"]["vocab"]
    next_id = len(vocabulary)
    for content in {
        any_of(random, ["<l>", "new york", "ﬁx", "[MASK2]", "e\u0301", "日", "!!"]) for _ in range(3)
    }:
        flags = {name: bool(random.integers(2)) for name in ("single_word", "lstrip", "rstrip", "normalized")}
        if content not in {token["content"] for token in known}:
            known = [*known, added_token(content, next_id, **flags)]
            next_id += 1
    return kind, {**definition, "added_tokens": known}


def differences(definition: dict[str, Any], texts: list[str], random: np.random.Generator) -> list[str]:
    """Return a line for each text whose ids differ from the library's, in any of four ways."""
    content = json.dumps(definition)
    library = Tokenizer.from_str(content)
    library.no_truncation()
    library.no_padding()
    ours = tokenizer_of_content(content.encode(), TokenizerText(content), "fuzz")
    unknown = ours.unk_token_id
    whole = [encoding.ids for encoding in library.encode_batch(texts, add_special_tokens=False)]
    limit = int(random.choice([1, 2, 5, 512]))
    expected = [[token_id for token_id in ids if token_id != unknown] for ids in whole]
    cut = [[token_id for token_id in ids[:limit] if token_id != unknown] for ids in whole]
    order = random.permutation(len(texts)).tolist()
    other = of_each_text(*ours.token_ids([texts[index] for index in order], None))
    back = dict(zip(order, other, strict=True))
    ways = {
        "a batch": (of_each_text(*ours.token_ids(texts, None)), expected),
        "a batch cut short": (of_each_text(*ours.token_ids(texts, limit)), cut),
        "one by one": ([ours.token_ids_of_one(text, None) for text in texts], expected),
        "another batch": ([back[index] for index in range(len(texts))], expected),
    }
    return [
        f"{way}: {text!r:.200} gives {found.tolist()!r:.200}, not {right!r:.200}"
        for way, (founds, rights) in ways.items()
        for text, found, right in zip(texts, founds, rights, strict=True)
        if found.tolist() != right
    ]


def fuzz() -> int:
    """Run the cases, print a table, and return 1 if any ids differ."""
    options = options_of(__doc__).parse_args()
    texts_of: Counter[str] = Counter()
    wrong_of: Counter[str] = Counter()
    for number in numbers(options):
        random = np.random.default_rng([options.seed, number])
        kind, definition = random_tokenizer(random)
        texts = [random_text(random) for _ in range(TEXTS)]
        texts.append(any_of(random, [" ", "", "a"]).join(random_text(random) for _ in range(100)))
        wrong = differences(definition, texts, random)
        texts_of[kind] += len(texts)
        wrong_of[kind] += len(wrong)
        if wrong:
            kept = options.out / f"{options.seed}-{number}.json"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps({"definition": definition, "texts": texts}), encoding="utf-8")
            print(f"case {number}, {kind}: {kept}", *wrong[:5], sep="\n  ", flush=True)
    print("| tokenizers | texts | differ |\n|---|---|---|")
    for kind in sorted(texts_of):
        print(f"| {kind} | {texts_of[kind]:,} | {wrong_of[kind]} |")
    return int(sum(wrong_of.values()) > 0)


if __name__ == "__main__":
    sys.exit(fuzz())
