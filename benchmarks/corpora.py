"""Texts to compare speeds on: Python's own documentation, translation catalogs, and made-up words."""

from __future__ import annotations

import random
from collections.abc import Callable

from made_up import texts_of_different_words
from prose import overlapping_texts, sentences, texts_of

Corpus = tuple[list[str], list[str]]

# The languages of each corpus of translations; "mixed scripts" has all languages that there are.
LANGUAGES = {
    "accented Latin": ["de", "fr", "tr", "vi", "fi", "pl"],
    "Cyrillic": ["ru", "uk", "bg"],
    "CJK": ["ja", "zh", "ko"],
    "other scripts": ["ar", "he", "th", "hi", "el", "fa", "ka"],
}


def halves(texts: list[str]) -> Corpus:
    """Split texts of one kind into a first part and an unseen part."""
    return texts[::2], texts[1::2]


def prose_texts(number: int) -> list[str]:
    """Return runs of some 85 characters of Python's documentation, ASCII alone."""
    return texts_of(85, number, only_ascii=True)


def terse_texts(number: int, generator: random.Random) -> list[str]:
    """Return titles and log lines: a few words of real sentences, times, numbers and paths."""
    found = [sentence.rstrip(".").split() for sentence in sentences() if sentence.isascii()]

    def line() -> str:
        words = generator.choice(found)
        start = generator.randrange(max(1, len(words) - 6))
        title = " ".join(words[start : start + generator.randint(3, 7)])
        if generator.random() < 0.5:
            return title.title()
        clock = f"{generator.randrange(24):02}:{generator.randrange(60):02}:{generator.randrange(60):02}"
        level = generator.choice(["INFO", "WARNING", "ERROR", "DEBUG"])
        return f"{clock} {level} worker-{generator.randrange(16)}: {title} ({generator.randrange(5000)} ms)"

    return list({line(): None for _ in range(2 * number)})[:number]


def all_different_texts(number: int, generator: random.Random) -> list[str]:
    """Return texts in which no word occurs twice, so that a memo of words never helps."""
    syllables = [c + v for c in "bcdfghklmnprstvwz" for v in ("a", "e", "i", "o", "u", "an", "er", "in")]
    words: dict[str, None] = {}
    while len(words) < number * 13:
        words["".join(generator.choices(syllables, k=generator.randint(2, 5)))] = None
    in_order = list(words)
    return [" ".join(in_order[start : start + 13]) for start in range(0, number * 13, 13)]


def translations(sentences: dict[str, list[str]], languages: list[str]) -> list[str]:
    """Return all different sentences of some languages, in a random order.

    Raises:
        SystemExit: a language is missing.
    """
    missing = [language for language in languages if language not in sentences]
    if missing:
        raise SystemExit(f"too few sentences in {', '.join(missing)}; make compare installs the texts")
    texts = list(dict.fromkeys(sentence for language in languages for sentence in sentences[language]))
    random.Random(0).shuffle(texts)
    return texts


def mixed_lengths(number: int) -> list[str]:
    """Return short texts with a few long ones among them."""
    mixed = [*prose_texts(number - number // 40), *texts_of(1500, number // 40)]
    random.Random(0).shuffle(mixed)
    return mixed


def corpora(sentences: dict[str, list[str]], limit: int | None = None) -> dict[str, Callable[[], Corpus]]:
    """Return all corpora by name, as functions that make them.

    Args:
        sentences: real sentences by language, for the corpora that are not English.
        limit: how many texts the first and the unseen part have at most.
    """

    def up_to(number: int) -> int:
        return number if limit is None else min(number, 2 * limit)

    def of_languages(languages: list[str]) -> Callable[[], Corpus]:
        return lambda: halves(translations(sentences, languages)[: None if limit is None else 2 * limit])

    return {
        "short ASCII": lambda: halves(prose_texts(up_to(20_000))),
        "terse ASCII": lambda: halves(terse_texts(up_to(10_000), random.Random(0))),
        "long": lambda: halves(texts_of(1500, up_to(2000))),
        "mixed lengths": lambda: halves(mixed_lengths(up_to(8000))),
        "mixed scripts": of_languages(list(sentences)),
        **{name: of_languages(languages) for name, languages in LANGUAGES.items()},
        "no word twice, ASCII": lambda: halves(all_different_texts(up_to(8000), random.Random(0))),
        "no word twice, not ASCII": lambda: halves(texts_of_different_words(up_to(8000), random.Random(0))),
    }


def many_short_texts(number: int) -> dict[str, Corpus]:
    """Return a corpus: `number` short texts for a first pass, and a quarter as many unseen texts."""
    texts = overlapping_texts(number + number // 4)
    random.Random(0).shuffle(texts)
    return {f"{number:,} short": (texts[:number], texts[number:])}
