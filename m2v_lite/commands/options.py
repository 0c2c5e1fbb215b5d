"""Defines the options that several commands share, and checks their values."""

from __future__ import annotations

import argparse
import os

NO_LIMIT = "none"
AUTO = "auto"


def revisions() -> argparse.ArgumentParser:
    """Return the options that select a version of a model."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--revision",
        metavar="REVISION",
        help="branch, tag or commit of a model on the hub (default: main)",
    )
    options.add_argument(
        "--subfolder",
        metavar="FOLDER",
        help="folder that holds the model inside its repository or model folder (default: the top folder)",
    )
    return options


def model_choice() -> argparse.ArgumentParser:
    """Return the options that select a model to embed with."""
    options = argparse.ArgumentParser(add_help=False, parents=[revisions()])
    options.add_argument(
        "--model",
        help="a model folder, packed model or name on the hub, such as minishlab/potion-base-8M "
        "(default: the bundled potion-base-8M in int8)",
    )
    add_max_length(options)
    _add_dim(options, "use")
    return options


def reductions() -> argparse.ArgumentParser:
    """Return the options that make a model smaller when it is written."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--dtype",
        choices=["float32", "float16", "int8"],
        help="convert the table to this dtype, as model2vec does (default: the model's own). int8 suits only "
        "models that scale vectors to length 1",
    )
    _add_dim(options, "keep")
    return options


def add_max_length(options: argparse.ArgumentParser) -> None:
    """Add the option that says after how many tokens texts are cut; see `loaded.set_max_length`."""
    options.add_argument(
        "--max-length",
        type=token_limit,
        metavar="TOKENS",
        help="cut each text after this many tokens; 'none' for no limit (default: the model's limit, usually "
        "512)",
    )


def _add_dim(options: argparse.ArgumentParser, verb: str) -> None:
    options.add_argument(
        "--dim",
        type=positive,
        dest="dimensionality",
        metavar="N",
        help=f"{verb} only the first N columns (default: all)",
    )


def cache_place() -> argparse.ArgumentParser:
    """Return the option that says where the hub's cache is."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--cache-dir",
        metavar="FOLDER",
        help="the hub's cache folder (default: from HF_HUB_CACHE or HF_HOME, or else "
        "~/.cache/huggingface/hub)",
    )
    return options


def replacement() -> argparse.ArgumentParser:
    """Return the option that lets a command replace what it did not write; see `replacing`."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--force",
        action="store_true",
        help="replace a file of another kind, and write into a folder that holds other files (default: "
        "refuse)",
    )
    return options


def wrong_revision(options: argparse.Namespace) -> str | None:
    """Return what is wrong if the model cannot have the revision or the subfolder asked for, else None."""
    names = [getattr(options, "model", None), getattr(options, "model_option", None)]
    name = next((name for name in names if name is not None), None)
    if options.revision is not None and (name is None or os.path.exists(name)):
        return (
            f"--revision is for models on the hub, but {name or 'the bundled model'} is on this machine; "
            "leave --revision out"
        )
    if options.subfolder is not None and name is None:
        return "--subfolder is not for the bundled model; give --model"
    return None


def positive(text: str) -> int:
    """Return the whole number in a text; it must be at least 1."""
    if not text.isdecimal() or len(text) > 18 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number of at least 1")
    return int(text)


def token_limit(text: str) -> int | str:
    """Return the number of tokens in a text, or `NO_LIMIT`."""
    return text if text == NO_LIMIT else positive(text)


def one_character(text: str) -> str:
    """Return the character that an option names; a tab may be written as a backslash and t."""
    text = "\t" if text == r"\t" else text
    if len(text) != 1 or text in '\r\n"':
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} cannot be a delimiter; give one character such as ';'"
        )
    return text


def add_table_choices(options: argparse._ActionsContainer) -> None:
    """Add the options that say how CSV and TSV are read."""
    options.add_argument(
        "--no-header",
        action="store_true",
        help="the first row of CSV or TSV is data, not column names (default: it names the columns); the "
        "columns are then named 1, 2, 3 and so on. Input of unknown format is then read as CSV",
    )
    options.add_argument(
        "--delimiter",
        type=one_character,
        metavar="CHARACTER",
        help="character between the fields of CSV (default: a comma; for TSV, a tab). Input of unknown "
        "format is then read as CSV",
    )


def wrong_table_choice(options: argparse.Namespace) -> str | None:
    """Return what is wrong if the options of `add_table_choices` do not fit the format, else None."""
    if options.format not in (None, "csv", "tsv"):
        for name, is_given in (("--delimiter", options.delimiter), ("--no-header", options.no_header)):
            if is_given:
                return f"{name} is for CSV and TSV, not for --format {options.format}; leave one of them out"
    return None


def add_progress_choice(command: argparse.ArgumentParser) -> None:
    """Add the options that show progress, or nothing."""
    progress = command.add_mutually_exclusive_group()
    progress.add_argument(
        "--progress",
        action="store_true",
        default=None,
        help="show a progress bar (default: only on a terminal, after two seconds, if tqdm is installed)",
    )
    progress.add_argument(
        "--quiet", action="store_true", help="show no progress bar and no counts at the end, only errors"
    )
