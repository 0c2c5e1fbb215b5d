"""The text of a `tokenizer.json`: read, not kept, and read again when it is wanted."""

from __future__ import annotations

import zlib
from typing import NamedTuple

from m2v_lite.arguments import PathLike
from m2v_lite.errors import InvalidModelError


class TokenizerText(NamedTuple):
    """A text that is kept, because no file holds it."""

    text: str

    def read(self) -> str:
        return self.text


class TokenizerFile(NamedTuple):
    """A file that was read once, and had this checksum then."""

    path: PathLike
    checksum: int

    def read(self) -> str:
        """Return the text.

        Raises:
            InvalidModelError: the file has changed or is gone.
        """
        try:
            text = read_text(self.path)
        except InvalidModelError as error:
            raise self._changed() from error
        if checksum(text) != self.checksum:
            raise self._changed()
        return text

    def _changed(self) -> InvalidModelError:
        return InvalidModelError(
            f"{self.path}: the file has changed or gone since the model was loaded; load the model again"
        )


def checksum(text: str) -> int:
    return zlib.crc32(text.encode())


def read_text(path: PathLike) -> str:
    """Read a `tokenizer.json`.

    Raises:
        InvalidModelError: it cannot be read, or is not UTF-8.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise InvalidModelError(
            f"{path}: the tokenizer cannot be read ({error}); fetch the file again"
        ) from error
