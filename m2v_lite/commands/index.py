"""`m2v-lite index`: makes files searchable and maintains the index."""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from m2v_lite.commands.index_file import index_choice, made_folder, shown_path
from m2v_lite.commands.options import add_progress_choice, add_table_choices, positive, wrong_table_choice
from m2v_lite.commands.printing import counted, message_of, print_table
from m2v_lite.commands.replacing import check_vectors
from m2v_lite.errors import M2VLiteError
from m2v_lite.progress import print_error, progress_of_files
from m2v_lite.records.file_formats import FORMATS, STANDARD_STREAM
from m2v_lite.records.policies import ERRORS, ON_MISSING

if TYPE_CHECKING:
    from m2v_lite.progress import FilesBar
    from m2v_lite.search.index import Index
    from m2v_lite.search.updating import Progress, Update

# More reasons are only counted.
MOST_REASONS = 10
RULES = ("lines", "paragraphs")


def add(commands: Any) -> None:
    """Add this command to the parser."""
    command = commands.add_parser(
        "index",
        parents=[index_choice()],
        help="index files for search",
        description="Index files and folders, or bring the index up to date: only new and changed files are "
        "read. Then search it with: m2v-lite search QUERY",
    )
    command.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files, folders, patterns such as 'notes/*.md', or '-' for standard input. Formats: plain text, "
        "CSV, TSV, JSON, JSON Lines, Parquet and Arrow, also compressed",
    )
    command.add_argument(
        "--glob",
        action="append",
        default=[],
        metavar="PATTERN",
        help="in folders, index only files whose name matches, such as '*.md'; may be given several times "
        "(default: all files)",
    )
    command.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="skip files and folders whose name matches; may be given several times",
    )
    command.add_argument(
        "--chunk",
        type=_rule,
        metavar="RULE",
        help="'paragraphs': chunks of whole paragraphs, up to 1,200 characters; 'lines': each line is a "
        "chunk; or a number: this many lines per chunk (default: lines for .log files, paragraphs for "
        "others)",
    )
    command.add_argument("--format", choices=FORMATS, help="format of the files (default: from their names)")
    command.add_argument(
        "--column", "--field", metavar="NAME", help="column or field that holds the texts (default: 'text')"
    )
    add_table_choices(command)
    command.add_argument(
        "--encoding", metavar="NAME", help="encoding of files without a byte order mark (default: utf-8)"
    )
    command.add_argument(
        "--errors",
        choices=ERRORS,
        default="strict",
        help="what to do with bytes that are invalid in the encoding: skip the file, replace them with "
        "U+FFFD, or skip the record ('skip' also skips other broken records; default: strict, which skips "
        "the file)",
    )
    command.add_argument(
        "--on-missing",
        choices=ON_MISSING,
        default="error",
        help="what to do with a record whose text is null or missing: skip the file, use an empty text, or "
        "skip the record (default: error, which skips the file)",
    )
    command.add_argument(
        "--model",
        help="a model folder, packed model or name on the hub (default: the model of the index; for a "
        "new index, the bundled potion-base-8M in int8)",
    )
    command.add_argument(
        "--precision",
        choices=("int8", "float32"),
        default="int8",
        help="how a new index stores vectors (default: int8, which takes a quarter of the space)",
    )
    add_progress_choice(command)
    command.add_argument(
        "--force", action="store_true", help="with --export, replace a file of another kind (default: refuse)"
    )
    work = command.add_mutually_exclusive_group()
    work.add_argument(
        "--watch",
        action="store_true",
        help="keep running, and update the index whenever the folders change (needs the package watchfiles)",
    )
    work.add_argument("--status", action="store_true", help="print what the index contains")
    work.add_argument("--remove", nargs="+", metavar="PATH", help="remove files and folders from the index")
    work.add_argument(
        "--export",
        metavar="FILE",
        help="write the vectors to FILE.npy, or all chunks with their vectors to FILE.parquet",
    )
    work.add_argument("--vacuum", action="store_true", help="shrink the index file after many removals")
    command.set_defaults(run=_index, wrong_usage=_wrong_usage, parser=command)


def _rule(text: str) -> str | int:
    return text if text in RULES else positive(text)


def _wrong_usage(options: argparse.Namespace) -> str | None:
    does_other = options.status or options.remove or options.vacuum or options.export
    if does_other and options.paths:
        return "give paths to index, or --status, --remove, --export or --vacuum, not both"
    if not does_other and not options.paths:
        return "give files or folders to index"
    return wrong_table_choice(options)


def _index(options: argparse.Namespace) -> int:
    from m2v_lite.search.discovery import check_there  # other commands start sooner without these
    from m2v_lite.search.index import Index

    if options.export:
        from m2v_lite.search.exporting import checked_export

        checked_export(options.export)
        check_vectors(options.export, options.force)
    updates = bool(options.paths)
    if not os.path.exists(options.index):  # an index that cannot be begun leaves no file
        for path in options.paths:
            check_there(path)
    with Index(
        made_folder(options.index), options.model, precision=options.precision, create=updates
    ) as index:
        if options.status:
            _print_status(index)
        elif options.remove:
            number = index.remove_paths(options.remove)
            print(f"{shown_path(index.path)}: {counted(number, 'file')} removed")
            return 0 if number else 1
        elif options.export:
            print(f"{options.export}: {counted(index.export(options.export), 'chunk')}")
        elif options.vacuum:
            index.vacuum()
        elif options.watch:
            _watch(index, options)
        elif _update(index, options).failed:
            return 1
    return 0


def _watch(index: Index, options: argparse.Namespace) -> None:
    """Keep an index up to date until a signal comes."""
    from m2v_lite.commands.stopping import StopRequests
    from m2v_lite.commands.watching import changes, check_watchable

    check_watchable(options.paths)
    told = _tried(index, options, None)
    with StopRequests() as stops:
        for _ in changes(options.paths, index.files, stops):
            told = _tried(index, options, told)
        stops.go_on()


def _tried(index: Index, options: argparse.Namespace, told: Update | None) -> Update | None:
    """Bring an index up to date, or tell why not: a folder may be empty or gone for a while."""
    try:
        return _update(index, options, told)
    except (M2VLiteError, OSError) as error:
        print_error(f"m2v-lite: {message_of(error)}")
        return told


def _update(index: Index, options: argparse.Namespace, before: Update | None = None) -> Update:
    """Bring an index up to date, and tell what has changed; after another update, only if something has."""
    from m2v_lite.commands.stopping import StopRequests

    with ExitStack() as stack:
        bars: list[FilesBar | None] = []
        stops = StopRequests()

        def show(progress: Progress) -> None:
            if not bars:
                if STANDARD_STREAM not in options.paths:  # which may never end
                    stack.enter_context(stops)  # from now on, a signal waits for the end of a file
                bar = progress_of_files(progress.size, options.progress, options.quiet)
                bars.append(stack.enter_context(bar))
            if bars[0] is not None:
                bars[0].show(progress.position, progress.chunks)
            if stops.is_set():
                stops.go_on()

        try:
            done = index.update(
                options.paths,
                glob=options.glob,
                exclude=options.exclude,
                chunk=options.chunk,
                column=options.column,
                has_header=not options.no_header,
                delimiter=options.delimiter,
                format=options.format,
                encoding=options.encoding,
                errors=options.errors,
                on_missing=options.on_missing,
                told=show,
            )
            if stops.is_set():
                stops.go_on()
        except (KeyboardInterrupt, SystemExit):
            stack.close()
            print_error(
                f"m2v-lite: stopped; the finished files are kept in {shown_path(index.path)}. To continue, "
                "run the same command again"
            )
            raise
    counts = [
        f"{number:,} {what}"
        for what in ("added", "changed", "moved", "removed", "unchanged")
        if (number := getattr(done, what))
    ]
    has_news = done.added or done.changed or done.moved or done.removed
    if before is not None and not has_news and done.skipped == before.skipped:
        return done
    _tell_skipped(done, options.quiet)
    if options.quiet:
        return done
    if done.skipped:
        counts.append(f"{len(done.skipped):,} skipped")
    chunks = counted(done.chunks, "chunk")
    print(f"{shown_path(index.path)}: files: {', '.join(counts) or 'none'}; {chunks} encoded", flush=True)
    return done


def _tell_skipped(done: Update, only_errors: bool) -> None:
    """Tell which files were skipped, and why: first those with an error, then those that are not text."""
    failed = set(done.failed)
    skipped = [one for one in done.skipped if one[0] in failed]
    if not only_errors:
        skipped += [one for one in done.skipped if one[0] not in failed]
    for path, why in skipped[:MOST_REASONS]:
        where = "" if why.startswith(path) else f"{shown_path(path)}: "
        print_error(f"m2v-lite: skipped: {where}{why}")
    if len(skipped) > MOST_REASONS:
        print_error(f"m2v-lite: skipped: {len(skipped) - MOST_REASONS:,} more")


def _print_status(index: Index) -> None:
    status = index.status()
    rows = [
        ("index", status.path),
        ("files", f"{status.files:,}"),
        ("chunks", f"{status.chunks:,}"),
        ("size", f"{os.path.getsize(status.path) / 1e6:,.1f} MB"),
        ("model", status.model or "the bundled potion-base-8M in int8"),
        ("vectors", f"{status.columns} columns, {status.precision}"),
        ("search by words", "yes" if status.has_words else "no: SQLite has no FTS5"),
    ]
    print_table(rows)
