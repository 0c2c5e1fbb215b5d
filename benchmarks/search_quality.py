"""Measure how well search finds known items: by vector, by words and by both, with two models.

    make search-quality MODEL=FOLDER

FOLDER holds minishlab/potion-base-8M in float32; the other model is the bundled one. The texts are those of
Debian's packages, which are downloaded but not installed: the sources of Python's documentation, and some two
thousand manual pages, rendered as plain text. `debian_pages.py` says what that needs. Each page is a file,
and `Index.update` divides it into chunks as always.

The right answer to a query is known, for the query was made of it. What it was made of is taken out of the
page then, or else anyone could find it. Of Python's documentation:

- *title*: the title of a section, of two words at least. It is taken out. Any chunk of the section's own text
  is right.
- *first sentence*: that of an entry, such as that of a function. It is taken out. Any chunk of the entry is
  right.
- *docstring*: the first line of Python's own docstring of a function or class, if it is a whole sentence, and
  the entry does not say just the same. Any chunk of the entry is right.
- *module and title*: the name of the page's module, and the title of a section, which is taken out.
- *name*: the whole name of an entry, such as "os.path.commonpath". The page often has only the last part. The
  chunk where the entry begins is right.

Of the manual pages:

- *description*: what the section NAME says of the page, of three words at least. The section is taken out.
  Any chunk of the page is right.
- *first sentence*: that of the section DESCRIPTION. It is taken out. Any chunk of the page is right.
- *option in other words*: the name of the page, and what the shell fish says of one of its long options, of
  three words at least, if the page does not say just the same: "ls Show hidden". The chunk where the
  paragraph on this option begins is right.
- *name and three words*: the name of the page, and the first three words of its description. The section NAME
  is taken out. Any chunk of the page is right.
- *option or error*: the name of the page, and a long option or an error number that begins a paragraph: "ls
  --sort", "open EROFS". The chunk where that paragraph begins is right.

Sentences have 6 to 40 words. Where one is taken out, 200 characters must be left. Of each section, entry,
page and option, one kind of query is asked: the kinds take turns. A query that has two right answers is left
out. Of each kind, at most 500 are asked, in a fixed stride.

MRR@10 is the mean of 1 / rank of the first right one of ten hits, and 0 where none is right. Recall@10 is the
share of queries for which one of ten hits is right. Of rows of int8, recall@10 is the share of the ten
nearest chunks by vectors in float32 that an index with vectors in int8 finds.
"""

from __future__ import annotations

import argparse
import platform
import sqlite3
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from debian_pages import FISH, MANUALS, PYTHON, manual_pages, python_pages, unpack
from known_items import (
    Item,
    Pages,
    chosen,
    manual_page_entries,
    manual_page_names,
    python_entries,
    python_sections,
    without_taken,
)
from other_words import docstring, fish_descriptions
from results_folder import add_out_option, write_results

from m2v_lite import StaticModel
from m2v_lite.search import Hit, Index

NEAREST = 10
MOST = 500
MODES = ("vector", "text", "hybrid")
BUNDLED = "the bundled model"
GIVEN = "potion-base-8M in float32"


class Corpus(NamedTuple):
    """Pages, and the queries to ask of them.

    Attributes:
        pages: the lines of each page by its name, without what the queries were made of.
        items: the queries and their answers, by kind.
        versions: the versions of the packages.
    """

    pages: Pages
    items: Mapping[str, Sequence[Item]]
    versions: Mapping[str, str]


def python_documentation(packages: Path, most: int) -> Corpus:
    with tempfile.TemporaryDirectory() as folder:
        versions = unpack(PYTHON, packages, Path(folder))
        pages = python_pages(Path(folder))
    sections = chosen(python_sections(pages), ["title", "module and title"], most)
    entries = chosen(python_entries(pages, docstring), ["first sentence", "docstring", "name"], most)
    kinds = ["title", "first sentence", "docstring", "module and title", "name"]
    return _corpus(pages, {**sections, **entries}, kinds, versions)


def manuals(packages: Path, most: int) -> Corpus:
    with tempfile.TemporaryDirectory() as folder:
        versions = unpack([*MANUALS, *FISH], packages, Path(folder))
        pages = manual_pages(Path(folder))
        descriptions = list(fish_descriptions(Path(folder)))
    whole = ["description", "first sentence", "name and three words"]
    names = chosen(manual_page_names(pages), whole, most)
    parts = ["option in other words", "option or error"]
    entries = chosen(manual_page_entries(pages, descriptions), parts, most)
    return _corpus(pages, {**names, **entries}, [*whole[:2], parts[0], whole[2], parts[1]], versions)


def _corpus(
    pages: Pages, items: Mapping[str, Sequence[Item]], kinds: Sequence[str], versions: Mapping[str, str]
) -> Corpus:
    left = without_taken(pages, chain.from_iterable(items.values()))
    return Corpus(left, {kind: items[kind] for kind in kinds}, versions)


CORPORA = {"Python's documentation": python_documentation, "manual pages": manuals}


def is_right(hit: Hit, item: Item, folder: Path) -> bool:
    """Return whether a hit is a chunk that has a line of the answer."""
    if hit.path is None or hit.first_line is None or hit.last_line is None:
        return False
    page = Path(hit.path).relative_to(folder).as_posix().removesuffix(".txt")
    return page == item.page and any(hit.first_line <= line <= hit.last_line for line in item.lines)


def first_right(hits: Sequence[Hit], item: Item, folder: Path) -> int | None:
    """Return the rank of the first hit that is right, from 1 up, or None."""
    ranks = (rank for rank, hit in enumerate(hits, 1) if is_right(hit, item, folder))
    return next(ranks, None)


def scores_of(ranks: Sequence[int | None]) -> dict[str, float]:
    """Return what the ranks of first right hits are worth.

    Example:
        >>> scores_of([1, 2, None, 4])
        {'MRR@10': 0.4375, 'recall@10': 0.75}
    """
    return {
        f"MRR@{NEAREST}": statistics.fmean(1 / rank if rank else 0 for rank in ranks),
        f"recall@{NEAREST}": statistics.fmean(rank is not None for rank in ranks),
    }


def shared(one: Sequence[Hit], other: Sequence[Hit]) -> float:
    """Return the share of the first hits that are among the others."""
    places = [{(hit.path, hit.first_line, hit.last_line, hit.text) for hit in hits} for hits in (one, other)]
    return len(places[0] & places[1]) / len(places[0])


def measure(corpus: Corpus, model: StaticModel) -> dict[str, Any]:
    """Return what each mode of search is worth for each kind of query, and how exact rows of int8 are."""
    with tempfile.TemporaryDirectory() as temporary:
        # As the paths of hits: without links.
        folder = Path(temporary).resolve() / "pages"
        write_pages(corpus.pages, folder)
        with (
            Index(Path(temporary) / "int8.db", model) as index,
            Index(Path(temporary) / "float32.db", model, precision="float32") as exact,
        ):
            index.update(folder)
            exact.update(folder)
            scores, exactness = {}, []
            for kind, items in corpus.items.items():
                ranks: dict[str, list[int | None]] = {mode: [] for mode in MODES}
                for item in items:
                    for mode in MODES:
                        hits = index.search(item.query, NEAREST, mode=mode)
                        ranks[mode].append(first_right(hits, item, folder))
                        if mode == "vector":
                            nearest = exact.search(item.query, NEAREST, mode="vector")
                            exactness.append(shared(nearest, hits))
                scores[kind] = {mode: scores_of(of) for mode, of in ranks.items()}
            return {"chunks": len(index), "scores": scores, "recall of int8": statistics.fmean(exactness)}


def write_pages(pages: Pages, folder: Path) -> None:
    for name, lines in pages.items():
        # So that nothing else in a name looks like a format.
        path = folder / (name if name.endswith(".rst") else f"{name}.txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def means(scores: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the mean over kinds of queries for each mode and measure. Each kind counts the same."""
    one = next(iter(scores.values()))
    return {
        mode: {name: statistics.fmean(of[mode][name] for of in scores.values()) for name in one[mode]}
        for mode in one
    }


def table(scores: Mapping[str, Mapping[str, Mapping[str, float]]], numbers: Mapping[str, int]) -> str:
    """Return a table of all kinds of queries and their mean. The best modes of a line are bold."""
    names = [f"MRR@{NEAREST}", f"recall@{NEAREST}"]
    lines = [
        f"| query | queries | {' | '.join(f'{name}, {mode}' for name in names for mode in MODES)} |",
        f"|---|---|{'---|' * len(names) * len(MODES)}",
    ]
    for kind, of in {**scores, "mean": means(scores)}.items():
        cells = []
        for name in names:
            values = [f"{of[mode][name]:.3f}" for mode in MODES]
            cells += [f"**{value}**" if value == max(values) else value for value in values]
        number = numbers[kind] if kind in numbers else sum(numbers.values())
        lines.append(f"| {kind} | {number:,} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def report_of(result: Mapping[str, Any]) -> str:
    """Return the results as Markdown."""
    versions = result["versions"]
    parts = [
        "Queries whose right answers are known: how well each mode of search finds them. "
        f"Python {versions['python']}, numpy {versions['numpy']}, SQLite {versions['sqlite']}.\n",
        f"- MRR@{NEAREST}: the mean of 1 / rank of the first right one of ten hits; 0 where none is right.\n"
        f"- recall@{NEAREST}: the share of queries for which one of ten hits is right.\n\n"
        "The best of a line is bold. In the mean, each kind of query counts the same. "
        "`benchmarks/search_quality.py` says how queries are made. Most come from the page itself or from "
        "people who had read it, so they share words with the right answer: that favours search by words.\n",
    ]
    for name, corpus in result["corpora"].items():
        packages = ", ".join(f"{package} {version}" for package, version in corpus["packages"].items())
        about = f"{corpus['pages']:,} pages in {corpus['chunks']:,} chunks; Debian's packages {packages}"
        parts.append(f"## {name[0].upper()}{name[1:]}\n\n{about}.\n")
        for model, measured in corpus["models"].items():
            parts.append(f"With {model}:\n\n{table(measured['scores'], corpus['queries'])}")
    rows = [
        f"| {name} | {model} | {measured['recall of int8']:.3f} |"
        for name, corpus in result["corpora"].items()
        for model, measured in corpus["models"].items()
    ]
    heading = (
        f"## Rows of int8\n\nThe share of the {NEAREST} nearest chunks by vectors in float32 that an index "
        "with vectors in int8 finds, for the same queries.\n"
    )
    parts.append("\n".join([heading, f"| texts | model | recall@{NEAREST} |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", type=Path, help="the folder of potion-base-8M in float32")
    parser.add_argument(
        "--packages",
        type=Path,
        metavar="FOLDER",
        help="where the packages are, or are downloaded to (default: a temporary folder)",
    )
    parser.add_argument(
        "--most", type=int, default=MOST, metavar="N", help="queries of a kind (default: %(default)s)"
    )
    add_out_option(parser)
    options = parser.parse_args()
    models = {BUNDLED: StaticModel.from_pretrained(), GIVEN: StaticModel.from_pretrained(options.model)}
    corpora = {}
    with tempfile.TemporaryDirectory() as temporary:
        packages = options.packages or Path(temporary)
        for name, make in CORPORA.items():
            corpus = make(packages, options.most)
            print(name, {kind: len(items) for kind, items in corpus.items.items()}, flush=True)
            measured = {}
            for model_name, model in models.items():
                measured[model_name] = measure(corpus, model)
                print(model_name, means(measured[model_name]["scores"]), flush=True)
            chunks = {of.pop("chunks") for of in measured.values()}
            assert len(chunks) == 1
            corpora[name] = {
                "packages": corpus.versions,
                "pages": len(corpus.pages),
                "chunks": chunks.pop(),
                "queries": {kind: len(items) for kind, items in corpus.items.items()},
                "models": {
                    model_name: {**of, "means": means(of["scores"])} for model_name, of in measured.items()
                },
            }
    versions = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "sqlite": sqlite3.sqlite_version,
    }
    result = {"versions": versions, "corpora": corpora}
    text = report_of(result)
    print(text)
    write_results(options.out, "search-quality", result, text)


if __name__ == "__main__":
    main()
