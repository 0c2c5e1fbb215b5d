"""Texts to compare speeds on. Every machine can make them, as they need nothing but Python itself."""

from __future__ import annotations

import random

from prose import overlapping_texts, sentences, texts_of

Corpus = tuple[list[str], list[str]]

# A sentence or two in each language; `non_latin_texts` puts their words in a new order.
LANGUAGES = [
    "Съешь ещё этих мягких французских булок, да выпей чаю. Вчера вечером шёл дождь, и мы остались дома.",
    "Η θάλασσα ήταν ήρεμη το πρωί. Το λεωφορείο φεύγει στις εννέα από την πλατεία του χωριού.",
    "القطار يغادر المحطة في الساعة التاسعة. كان الجو ممطرا مساء أمس وبقينا في البيت.",
    "आज सुबह बाज़ार में बहुत भीड़ थी। बच्चे नदी के किनारे खेल रहे थे और माँ खाना बना रही थी।",
    "오늘 아침에 비가 왔습니다. 기차는 아홉 시에 역에서 출발합니다. 우리는 집에서 책을 읽었습니다.",
    "昨天晚上下了雨，我们留在家里看书。火车九点从车站出发，请不要迟到。",
    "昨日の夜は雨が降ったので、家で本を読みました。電車は九時に駅を出ます。",
    "Größere Äpfel schmecken süßer, sagt der Müller. Übermorgen fährt der Zug früh über die Brücke.",
    "L'été dernier, les élèves ont étudié la géographie à l'école près de la forêt, où il a neigé.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy. Zażółć gęślą jaźń, a potem idź spać.",
]


def halves(texts: list[str]) -> Corpus:
    """Split texts of one kind into a first part and an unseen part."""
    return texts[::2], texts[1::2]


def prose_texts(number: int) -> list[str]:
    return texts_of(85, number)


def terse_texts(number: int, generator: random.Random) -> list[str]:
    """Return titles and log lines: a few words of real sentences, times, numbers and paths."""
    found = [sentence.rstrip(".").split() for sentence in sentences()]

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


def non_latin_texts(number: int, generator: random.Random) -> list[str]:
    """Return texts of words in a new order, each in one language; every fourth text adds some English."""
    words = [language.split() if " " in language else list(language) for language in LANGUAGES]
    english = " ".join(sentences()[:200]).split()

    def text() -> str:
        own = generator.choice(words)
        length = generator.randint(6, 18)
        chosen = [generator.choice(own) for _ in range(length)]
        if generator.random() < 0.25:
            chosen += [generator.choice(english) for _ in range(5)]
        return ("" if own in words[5:7] else " ").join(chosen)

    return list({text(): None for _ in range(2 * number)})[:number]


def all_different_texts(number: int, generator: random.Random) -> list[str]:
    """Return texts in which no word occurs twice, so that a memo of words never helps."""
    syllables = [c + v for c in "bcdfghklmnprstvwz" for v in ("a", "e", "i", "o", "u", "an", "er", "in")]
    words: dict[str, None] = {}
    while len(words) < number * 13:
        words["".join(generator.choices(syllables, k=generator.randint(2, 5)))] = None
    in_order = list(words)
    return [" ".join(in_order[start : start + 13]) for start in range(0, number * 13, 13)]


def corpora() -> dict[str, Corpus]:
    """Return all corpora by name."""
    generator = random.Random(0)
    long_texts = texts_of(1500, 2000)
    mixed = [*prose_texts(7800), *long_texts[:200]]
    generator.shuffle(mixed)
    return {
        "prose": halves(prose_texts(20_000)),
        "terse": halves(terse_texts(20_000, generator)),
        "long": halves(long_texts),
        "mixed lengths": halves(mixed),
        "non-Latin": halves(non_latin_texts(8000, generator)),
        "all different": halves(all_different_texts(8000, generator)),
    }


def many_short_texts(number: int) -> dict[str, Corpus]:
    """Return a corpus: `number` short texts for a first pass, and a quarter as many unseen texts."""
    texts = overlapping_texts(number + number // 4)
    random.Random(0).shuffle(texts)
    return {f"{number:,} short": (texts[:number], texts[number:])}
