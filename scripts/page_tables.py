"""Write the tables of the pages from the committed results, and from the lists that the code has.

A table that this program writes stands below a marker with its name: ``<!-- table: sizes -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from model2vec_left_out import WITH_PIPELINE_TOO, WITH_STATIC_MODEL

from m2v_lite.hub.known_models import HEADINGS, known_rows

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)
MARKED = re.compile(r"^<!-- table: ([\w-]+) -->\n\n(?:(?:^\|.*\n)+(?:\n|\Z))?", re.MULTILINE)
Rows = list[list[str]]


def rows_in(table: str) -> Rows:
    """Return the cells of a table's rows, without the line below the headings.

    Examples:
        >>> rows_in("| a | b |\\n|---|---|\\n| 1 |  |\\n")
        [['a', 'b'], ['1', '']]
    """
    rows = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in table.splitlines()]
    return [rows[0], *rows[2:]]


def table_of(rows: Iterable[Iterable[str]]) -> str:
    """Return a table, whose first row has the headings.

    Examples:
        >>> print(table_of([["a", "b"], ["1", ""]]), end="")
        | a | b |
        |---|---|
        | 1 |  |
    """
    headings, *others = (f"| {' | '.join(row)} |\n" for row in rows)
    return "".join([headings, "|" + "---|" * (headings.count("|") - 1) + "\n", *others])


def tables_in(text: str) -> list[str]:
    """Return the tables of a page, as they are there."""
    return TABLE.findall(text)


def results_tables(name: str) -> list[str]:
    """Return the tables of a results file, as they are there."""
    return tables_in((RESULTS / name).read_text(encoding="utf-8"))


def copy_of(name: str, number: int = 0) -> str:
    """Return one of the tables of a results file, as it is there."""
    return results_tables(name)[number]


def speed(name: str) -> str:
    """Return a table of `compare.py` without the ranges, its ratios rounded down to one decimal."""
    headings, *rows = rows_in(copy_of(name))
    cells = [[re.sub(r"^\*\*(\d+\.\d)\d\*\* \(.*\)$", r"\1", cell) for cell in row] for row in rows]
    return table_of([[name.replace("laghu_rs", "laghu with laghu-rs") for name in headings], *cells])


def start_up(name: str) -> str:
    """Return the table of `footprint.py` that has the shares of the peers' time and memory."""
    (table,) = (table for table in results_tables(name) if table.startswith("| of the peer's"))
    return table


def search_quality() -> str:
    """Return the mean over the kinds of questions for each kind of texts and each model."""
    texts = [
        f"{pages}, {model}"
        for pages in ("Python's documentation", "manual pages")
        for model in ("bundled model", "potion-base-8M")
    ]
    tables = [rows_in(table) for table in results_tables("search-quality.md")]
    means = [row[1:] for rows in tables for row in rows if row[0] == "mean"]
    headings = ["texts", *tables[0][0][1:]]
    return table_of([headings, *([text, *mean] for text, mean in zip(texts, means, strict=True))])


def engines() -> str:
    """Return the medians of what each engine takes, from the tables of *vectors* and of *files*."""
    vectors, files = (rows_in(copy_of("engines.md", number)) for number in (0, 1))

    def median(cell: str) -> str:
        return re.sub(r"^\*\*(-?[\d.]+)\*\*.*$", r"\1", cell)

    of_files = {row[0]: row for row in files[1:]}
    taken, more = vectors[0][1:3]
    rows = [["engine", f"vectors: {taken}", more, f"files: {taken}", more, "s to start"]]
    for row in vectors[1:]:
        with_files = of_files.get(row[0], [""] * len(row))
        rows.append([row[0], *map(median, (*row[1:3], *with_files[1:3])), row[7]])
    return table_of(rows)


def left_out(tests: Iterable[tuple[str, str]]) -> str:
    """Return the tests of model2vec that are left out, with the reasons."""
    return table_of([["test", "why it is left out"], *([f"`{test}`", reason] for test, reason in tests)])


TABLES: dict[str, Callable[[], str]] = {
    "side-by-side": lambda: copy_of("side-by-side.md"),
    "speed": lambda: speed("speed-1-core.md"),
    "speed-two-cores": lambda: speed("speed-2-cores-200000-texts.md"),
    "speed-multilingual": lambda: speed("speed-1-core-multilingual.md"),
    "start-up": lambda: start_up("footprint.md"),
    "start-up-multilingual": lambda: start_up("footprint-multilingual.md"),
    "memory-of-use": lambda: copy_of("memory-of-use-multilingual.md"),
    "search-speed": lambda: copy_of("search-speed.md"),
    "search-quality": search_quality,
    "search-side-by-side": lambda: copy_of("search-side-by-side.md"),
    "sizes": lambda: copy_of("quality.md"),
    "engines": engines,
    "plan-of-lengths": lambda: copy_of("many-texts.md", 1),
    "plan-of-precisions": lambda: copy_of("many-texts.md", 2),
    "known-models": lambda: table_of([HEADINGS, *known_rows()]),
    "left-out": lambda: left_out((test.test, test.reason) for test in WITH_STATIC_MODEL),
    "left-out-pipeline": lambda: left_out((test.test, test.reason) for test in WITH_PIPELINE_TOO),
}


def with_tables(page: str) -> str:
    """Return a page with a new table below each marker.

    Args:
        page: the Markdown of a page.

    Raises:
        KeyError: if a marker has a name that is not in `TABLES`.

    Examples:
        >>> page = with_tables("<!-- table: known-models -->\\n\\nMore text.\\n")
        >>> page.splitlines()[2]
        '| model | dimensions | tokens | download | language | licence | good for |'
        >>> with_tables(page) == page
        True
    """
    new = MARKED.sub(lambda found: f"<!-- table: {found[1]} -->\n\n{TABLES[found[1]]()}\n", page)
    return new.rstrip("\n") + "\n"


def main() -> None:
    """Write the pages whose tables are out of date, and name them."""
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        new = with_tables(page)
        if new != page:
            path.write_text(new, encoding="utf-8", newline="\n")
            print("written:", path.relative_to(ROOT))


if __name__ == "__main__":
    main()
