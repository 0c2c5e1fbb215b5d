"""`m2v-lite search`: prints the passages in an index that match a query."""

from __future__ import annotations

import argparse
import json
import os
import sys
from codecs import lookup
from typing import TYPE_CHECKING, Any, TextIO

from m2v_lite.commands.index_file import default_index, index_choice, shown_path
from m2v_lite.commands.options import positive
from m2v_lite.progress import print_error, printable

if TYPE_CHECKING:
    from m2v_lite.search.hits import Hit
    from m2v_lite.search.index import Index
    from m2v_lite.search.passages import Passage

MODES = ("hybrid", "vector", "text")
# The colours of ripgrep: of paths, line numbers and what is less important.
PATH, NUMBER, FAINT, PLAIN = "\x1b[35m", "\x1b[32m", "\x1b[2m", "\x1b[0m"


def add(commands: Any) -> None:
    """Add this command to the parser."""
    command = commands.add_parser(
        "search",
        parents=[index_choice()],
        help="search an index",
        description="Print the passages in an index that match a query best, best first. The exit status is "
        "1 if nothing is found, and standard error then says why.",
    )
    command.add_argument(
        "query", nargs="+", metavar="QUERY", help="what to search for; several words need no quotes"
    )
    command.add_argument(
        "-n",
        type=positive,
        default=10,
        metavar="N",
        dest="limit",
        help="print at most N results (default: 10)",
    )
    command.add_argument(
        "--whole",
        action="store_true",
        help="print whole chunks (default: only the paragraph of each that matches best)",
    )
    command.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object per line: path, first_line, last_line, score, text; for texts that a "
        "program added, also id and metadata",
    )
    command.add_argument(
        "--path",
        metavar="GLOB",
        help="search only files whose path matches, such as 'notes/*' or '*.md' (default: all)",
    )
    command.add_argument(
        "--mode",
        choices=MODES,
        help="'vector' searches by meaning, 'text' by words, 'hybrid' by both (default: hybrid)",
    )
    command.add_argument("--model", help="the model of the index, if it has moved (default: where it was)")
    command.set_defaults(run=_search, parser=command)


def _search(options: argparse.Namespace) -> int:
    from m2v_lite.search.index import Index  # other commands start sooner without it
    from m2v_lite.search.passages import best_passage

    query = " ".join(options.query)
    with Index(options.index, options.model, create=False) as index:
        hits = index.search(query, options.limit, mode=options.mode, path=options.path)
        if not options.whole and not options.json:
            hits = [_shortened(hit, best_passage(index.model, query, hit.text)) for hit in hits]
        if not hits:
            print_error(f"m2v-lite: {printable(_why_nothing(index, query, options.path))}")
            return 1
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    is_coloured = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    if is_coloured and sys.platform == "win32":
        os.system("")  # lets an older console of Windows obey colours; it has no other short way
    in_ascii = not _takes_all(sys.stdout)
    for number, hit in enumerate(hits):
        if options.json:
            print(json.dumps(_object(hit), ensure_ascii=in_ascii))
        else:
            print("\n" * bool(number) + "\n".join(_lines(hit, is_coloured)))
    return 0


def _why_nothing(index: Index, query: str, path: str | None) -> str:
    """Return why a search has found nothing."""
    from m2v_lite.search.path_check import has_chunks_at  # other commands start sooner without it

    if not len(index):
        choice = "" if index.path == default_index() else f" --index {shown_path(index.path)}"
        return f"{shown_path(index.path)}: the index is empty; index files with: m2v-lite index PATH{choice}"
    if path is not None and not has_chunks_at(index, path):
        return f"no indexed file matches --path {path!r}"
    return f"nothing matches {query!r}"


def _takes_all(stream: TextIO | None) -> bool:
    """Return whether a stream takes all characters. One of Windows may take those of a code page alone.

    What it does not take would become an escape of Python, and JSON has other ones.
    """
    encoding = getattr(stream, "encoding", None)
    return encoding is None or lookup(encoding).name.startswith("utf")


def _shortened(hit: Hit, passage: Passage) -> Hit:
    """Return a hit with the lines of a passage alone."""
    first, last = hit.first_line, hit.last_line
    # Otherwise its text is not all of its lines, as in a record of a table.
    if first is not None and last is not None and hit.text.count("\n") == last - first:
        first += passage.start
        last = first + len(passage.lines) - 1
    return hit._replace(text="\n".join(passage.lines), first_line=first, last_line=last)


def _object(hit: Hit) -> dict[str, Any]:
    """Return a hit as it is printed in JSON."""
    found = {
        "path": hit.path,
        "first_line": hit.first_line,
        "last_line": hit.last_line,
        "score": round(hit.score, 6),
        "text": hit.text,
    }
    return found if hit.path is not None else {**found, "id": hit.id, "metadata": hit.metadata}


def _lines(hit: Hit, is_coloured: bool) -> list[str]:
    """Return a hit as lines: where it is and its score, then its text, with line numbers if it has any."""

    def coloured(text: str, colour: str) -> str:
        return f"{colour}{text}{PLAIN}" if is_coloured else text

    lines = [printable(line) for line in hit.text.split("\n")]
    place = coloured(printable(str(hit.id) if hit.path is None else shown_path(hit.path)), PATH)
    if hit.first_line is not None and hit.last_line is not None:
        last = f"-{hit.last_line}" * (hit.last_line != hit.first_line)
        place += f":{coloured(f'{hit.first_line}{last}', NUMBER)}"
        if len(lines) == hit.last_line - hit.first_line + 1:
            lines = [
                f"{coloured(str(number), NUMBER)}:{line}" for number, line in enumerate(lines, hit.first_line)
            ]
    return [f"{place}  {coloured(f'{hit.score:.3f}', FAINT)}", *lines]
