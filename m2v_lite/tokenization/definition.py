"""The text of a `tokenizer.json`, which is not kept in memory but read again on demand."""

from __future__ import annotations

import os
from mmap import ACCESS_READ, mmap

from m2v_lite.arguments import PathLike
from m2v_lite.disk import MOST_BYTES, NotRegularError, open_regular
from m2v_lite.errors import InvalidModelError


class TokenizerText:
    """A text that is kept in memory, because no file holds it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self) -> str:
        return self.text


class TokenizerFile:
    """A file that was read once, and the checksum it had then."""

    def __init__(self, path: PathLike, checksum: int) -> None:
        self.path, self.checksum = path, checksum

    def read(self) -> str:
        """Return the text.

        Raises:
            InvalidModelError: the file has changed or is gone.
        """
        try:
            content = map_content(self.path)
        except InvalidModelError as error:
            raise self._changed() from error
        import zlib  # a compiled module, which a start with a kept tokenizer does without

        if zlib.crc32(content) != self.checksum:
            raise self._changed()
        return content[:].decode()

    def _changed(self) -> InvalidModelError:
        return InvalidModelError(
            f"{self.path}: the file was changed or removed after the model was loaded; load the model again"
        )


def map_content(path: PathLike) -> bytes | mmap:
    """Return the bytes of a `tokenizer.json`, mapped, so that they take no private memory.

    Raises:
        InvalidModelError: the file cannot be read.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if not size:
                return b""  # an empty file cannot be mapped
            if size > MOST_BYTES["tokenizer.json"]:
                raise ValueError(f"it has {size} bytes")
            return mmap(file.fileno(), 0, access=ACCESS_READ)
    except NotRegularError:
        raise
    except (OSError, ValueError) as error:
        raise InvalidModelError(
            f"{path}: the tokenizer cannot be read ({error}); fetch the file again"
        ) from error
