"""Options that several commands have, and the checks of their values."""

from __future__ import annotations

import argparse
import os

NO_LIMIT = "none"


def revisions() -> argparse.ArgumentParser:
    """Return the options that say which version of a model is meant."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--revision",
        metavar="REVISION",
        help="of a model on the hub: a branch, tag or commit (default: main)",
    )
    options.add_argument(
        "--subfolder", metavar="FOLDER", help="the folder of the model in the repository, or in the folder"
    )
    return options


def model_choice() -> argparse.ArgumentParser:
    """Return the options that choose a model to encode with."""
    options = argparse.ArgumentParser(add_help=False, parents=[revisions()])
    options.add_argument(
        "--model",
        help="a model folder, a packed model, or the name of a model on the hub, minishlab/potion-base-8M "
        "(default: the bundled potion-base-8M in int8)",
    )
    options.add_argument(
        "--max-length",
        type=token_limit,
        metavar="TOKENS",
        help="cut each text after so many tokens; 'none' for no limit (default: the model's, mostly 512)",
    )
    options.add_argument(
        "--dim",
        type=positive,
        dest="dimensionality",
        metavar="N",
        help="use the first N columns only (default: all)",
    )
    return options


def reductions() -> argparse.ArgumentParser:
    """Return the options that make a model smaller when it is written."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--dtype",
        choices=["float32", "float16", "int8"],
        help="round the table to this, by model2vec's rules (default: keep it). int8 is for models that "
        "scale vectors to length 1",
    )
    options.add_argument(
        "--dim",
        type=positive,
        dest="dimensionality",
        metavar="N",
        help="keep the first N columns only (default: all)",
    )
    return options


def cache_place() -> argparse.ArgumentParser:
    """Return the option that says where the hub's cache is."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--cache-dir", metavar="FOLDER", help="the hub's cache (default: that of HF_HUB_CACHE or HF_HOME)"
    )
    return options


def wrong_revision(options: argparse.Namespace) -> str | None:
    """Return what is wrong if a revision or a subfolder is asked of something that has none, else None."""
    names = [getattr(options, "model", None), getattr(options, "model_option", None)]
    name = next((name for name in names if name is not None), None)
    if options.revision is not None and (name is None or os.path.exists(name)):
        return f"--revision is for models on the hub, and {name or 'the bundled model'} is here"
    if options.subfolder is not None and name is None:
        return "--subfolder is not for the bundled model; give --model"
    return None


def positive(text: str) -> int:
    """Return a whole number from 1 up."""
    if not text.isdecimal() or len(text) > 18 or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from 1 up")
    return int(text)


def token_limit(text: str) -> int | str:
    """Return a number of tokens, or `NO_LIMIT`."""
    return text if text == NO_LIMIT else positive(text)
