"""Contains the parser of `m2v-lite` and handles errors and signals. Each command has its own file."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from types import FrameType
from typing import Any

from m2v_lite import __version__
from m2v_lite.commands import (
    bench,
    classify,
    download,
    encode,
    index,
    info,
    list as listing,
    pack,
    search,
    similarity,
)
from m2v_lite.commands.printing import message_of
from m2v_lite.errors import M2VLiteError
from m2v_lite.progress import print_error

COMMANDS = (encode, index, search, similarity, classify, info, pack, download, listing, bench)

EPILOG = """\
examples:
  m2v-lite encode "the kettle is on" > vector.jsonl
  m2v-lite encode --input notes.txt --output notes.npy
  m2v-lite encode --input docs.jsonl --field body --output vectors.jsonl
  m2v-lite index notes/
  m2v-lite search "where did I leave the kettle"
  m2v-lite similarity "a cat" "a kitten" "a bicycle"
  m2v-lite info --model minishlab/potion-base-8M
  m2v-lite list --known
  m2v-lite download minishlab/potion-base-8M --output potion
  m2v-lite pack minishlab/potion-base-8M potion.safetensors --dtype int8

Without --model, commands use the bundled potion-base-8M in int8, which needs no network.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status: 0, or 1 after a failure, with a message on standard error, or if a search finds
        nothing. (Wrong usage exits with 2, an interrupt with 128 plus the number of its signal.)
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # do not fail if a terminal cannot show it
    options = _parser().parse_args(arguments)
    wrong = options.wrong_usage(options)
    if wrong:
        options.parser.error(wrong)
    try:
        with _interruptible(), warnings.catch_warnings():
            warnings.showwarning = _show_warning
            warnings.simplefilter("once", append=True)  # a command may load its model more than once
            status = options.run(options)
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader has gone, as with `| head`. Python must not fail again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (M2VLiteError, OSError) as error:
        print_error(f"m2v-lite: {message_of(error)}")
        return 1
    return status or 0


def _show_warning(message: Warning | str, *place: Any, **options: Any) -> None:
    print_error(f"m2v-lite: {message}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn a request to terminate into an exception, so that temporary files are removed."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    names = ("SIGTERM", "SIGHUP", "SIGBREAK")  # the last on Windows alone
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        signals = []  # only the main thread may set handlers
    # A signal that is ignored stays ignored: `nohup` relies on it.
    signals = [number for number in signals if signal.getsignal(number) is not signal.SIG_IGN]
    previous = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="m2v-lite",
        description="Turn text into vectors with model2vec static-embedding models.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"m2v-lite {__version__}")
    parser.set_defaults(wrong_usage=lambda options: None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(commands)
    return parser
