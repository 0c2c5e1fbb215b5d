"""Defines the options that select the texts a command reads, and reads them in batches."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from m2v_lite.commands.options import add_table_choices, wrong_table_choice
from m2v_lite.commands.output_suffixes import TABLES, suffix_of
from m2v_lite.commands.printing import counted
from m2v_lite.encoding.batches import BATCH_CHARACTERS, BATCH_TEXTS
from m2v_lite.progress import print_error
from m2v_lite.records.file_formats import FORMATS, STANDARD_STREAM
from m2v_lite.records.policies import ERRORS, ON_MISSING, Policy

if TYPE_CHECKING:
    from m2v_lite.records.byte_streams import Wait
    from m2v_lite.records.reading import GivenTexts, Reader

    Input = Reader | GivenTexts


def texts_to_read(verb: str) -> argparse.ArgumentParser:
    """Return the options that say which texts to read.

    Args:
        verb: what the command does with texts, for the help.
    """
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("texts", nargs="*", metavar="TEXT", help=f"texts to {verb}")
    group = options.add_argument_group("input")
    group.add_argument(
        "--input",
        nargs="+",
        action="extend",
        metavar="FILE",
        help="read texts from files, folders or patterns such as 'logs/*.txt'. Formats: plain text (one text "
        "per line), CSV, TSV, JSON, JSON Lines, Parquet and Arrow, also compressed with gzip, bzip2, xz or "
        "zstd (default: '-', standard input)",
    )
    group.add_argument(
        "--format",
        choices=FORMATS,
        help="format of the files (default: detected from the name and first bytes of each; otherwise text)",
    )
    group.add_argument(
        "--column",
        "--field",
        metavar="NAME",
        help=f"{verb} this column, or this field of JSON objects; 'a.b' is field b inside field a (default: "
        "the only column of texts, or 'text'). Input of unknown format is then read as JSON Lines",
    )
    add_table_choices(group)
    group.add_argument(
        "--encoding",
        metavar="NAME",
        help="encoding of files without a byte order mark (default: utf-8)",
    )
    group.add_argument(
        "--errors",
        choices=ERRORS,
        default="strict",
        help="what to do with bytes that are invalid in the encoding: stop, replace them with U+FFFD, or "
        "skip the record ('skip' also skips other broken records; default: strict, which stops)",
    )
    group.add_argument(
        "--on-missing",
        choices=ON_MISSING,
        default="error",
        help="what to do with a record whose text is null or missing: stop, use an empty text, or skip the "
        "record (default: error, which stops)",
    )
    return options


def wrong_input(options: argparse.Namespace) -> str | None:
    """Return what is wrong with the options of `texts_to_read`, or None."""
    if options.texts and (options.input or options.column):
        return "give texts on the command line, or --input and --column, not both"
    if wrong := wrong_table_choice(options):
        return wrong
    if options.encoding is not None:
        from m2v_lite.records.text_blocks import check_encoding

        wrong = check_encoding(options.encoding)
        return f"argument --encoding: {wrong}" if wrong else None
    return None


def policy_of(options: argparse.Namespace) -> Policy:
    """Return what to do about records that are not as they should be."""
    return Policy(options.errors, options.on_missing)


def opened_input(options: argparse.Namespace, policy: Policy, wait: Wait | None = None) -> Input:
    """Return the texts on the command line, or those in files.

    Args:
        options: the options of `texts_to_read`.
        policy: what to do about records that are not as they should be.
        wait: called before input is read; see `ArrivingBytes`.

    Raises:
        InputValueError: a name stands for no file.
    """
    # Imported only here: other commands start sooner without them.
    from m2v_lite.records.gathering import Limits
    from m2v_lite.records.reading import GivenTexts, Reader, Reading
    from m2v_lite.records.sources import size_of, sources_of
    from m2v_lite.records.writing.partial_file import written_for

    if options.texts:
        for text in filter(os.path.isfile, options.texts):
            print_error(f"m2v-lite: {text!r} is taken as a text; to read the file, give --input {text}")
        return GivenTexts(options.texts, policy, BATCH_TEXTS)
    output = getattr(options, "output", STANDARD_STREAM)
    written = () if output == STANDARD_STREAM else written_for(output)
    sources = sources_of(options.input or [STANDARD_STREAM], written)
    reads_terminal = sys.stdin is not None and sys.stdin.isatty()
    if reads_terminal and any(source.path == STANDARD_STREAM for source in sources):
        keys = "Ctrl-Z, then Enter," if sys.platform == "win32" else "Ctrl-D"
        print_error(f"m2v-lite: reading one text per line; press {keys} to finish")
    reading = Reading(
        options.format, options.column, not options.no_header, options.delimiter, options.encoding
    )
    # The columns of a table are those of its first records, which must not depend on how fast they arrive.
    limits = Limits(BATCH_TEXTS, BATCH_CHARACTERS, first_is_full=suffix_of(output) in TABLES)
    return Reader(sources, reading, policy, limits, size_of(sources), wait)


def told(input: Input, policy: Policy) -> list[str]:
    """Return what a person should know about what was read: counts of what was replaced or left out."""
    lines = [policy.summary()] if policy.summary() else []
    if input.left_out:
        lines.append(f"{counted(input.left_out, 'file')} skipped (not text)")
    return lines
