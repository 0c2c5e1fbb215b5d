"""Loads large `tokenizer.json` files from arrays that are built once and kept on disk.

Computing the arrays for half a million pieces takes seconds and hundreds of megabytes. For thirty thousand
tokens, it still takes longer than all the rest of loading a model. So they are kept in the assets cache, in
one file for each distinct tokenizer.json, and mapped from there:

    HF_ASSETS_CACHE/m2v_lite/tokenizers/CHECKSUM/format-VERSION.safetensors

The file has the same tensors and metadata as the tokenizer in a packed model, and also:

- `made_from`: the path, the size in bytes and the CRC-32 of the tokenizer.json, JSON.

CHECKSUM is the checksum of the tokenizer.json. In the hub's cache, it is the name of the file, so nothing
needs to be read. When the arrays are mapped, their structure is checked. Their checksums are checked only on
request, because that reads all of them. Damaged files are built again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from m2v_lite.disk import FLAGS, names_in
from m2v_lite.errors import InvalidModelError, ModelNotFoundError
from m2v_lite.files.assets import assets_folder
from m2v_lite.files.blob_names import blob_name
from m2v_lite.files.packed_format import PREFIX, VERSION, setting, tokenizer_in_arrays
from m2v_lite.files.safetensors import SafetensorsFile
from m2v_lite.tokenization.definition import TokenizerFile, map_content

if TYPE_CHECKING:
    from m2v_lite.tokenization.protocols import TextTokenizer
    from m2v_lite.tokenization.unigram.tokenizer import UnigramTokenizer
    from m2v_lite.tokenization.wordpiece.tokenizer import WordPieceTokenizer

NAMESPACE = "tokenizers"
FILE = f"format-{VERSION}.safetensors"
LOCK = ".lock"
# The size in bytes from which preparing a tokenizer.json takes long enough to be worth a line.
SLOW = 1 << 20
# A tokenizer.json of another kind is never kept, so it need not wait for others.
KINDS_IN_ARRAYS = rb'"type"\s*:\s*"(?:WordPiece|Unigram)"'


class KeptTokenizer:
    """The arrays of one tokenizer.json in the assets cache.

    Attributes:
        checksum: that of the tokenizer.json.
        path: the file of the arrays.
        size: its size in bytes.
        made_from: the path of the tokenizer.json, as it was then; "" if that is not known.
    """

    def __init__(self, checksum: str, path: str, size: int, made_from: str) -> None:
        self.checksum, self.path, self.size, self.made_from = checksum, path, size, made_from


def read_kept_tokenizer(path: str, memo_bytes: int) -> TextTokenizer:
    """Read the tokenizer in a large `tokenizer.json`, from the kept arrays if they are there.

    If they are not, make them and keep them. Other processes that want them wait meanwhile. Where nothing can
    be written, the arrays stay in memory.

    Args:
        path: the file.
        memo_bytes: as for `read_tokenizer`.

    Raises:
        InvalidModelError: the file cannot be read.
        MissingPackageError: the tokenizer needs the package tokenizers, which is not installed.
    """
    kept = path_of_kept(path)
    mapped = _mapped(kept, path, memo_bytes)
    return _prepared(kept, path, memo_bytes) if mapped is None else mapped


def path_of_kept(path: str) -> str:
    """Return the path of the file that keeps, or would keep, the arrays of a `tokenizer.json`.

    Raises:
        InvalidModelError: the file cannot be read.
    """
    return os.path.join(assets_folder(NAMESPACE), checksum_of(path), FILE)


def checksum_of(path: str) -> str:
    """Return the checksum of a `tokenizer.json`: its name in the hub's cache, or else its SHA-256.

    Raises:
        InvalidModelError: the file cannot be read.
    """
    name = blob_name(path)
    if name:
        return name
    from hashlib import sha256

    return sha256(map_content(path)).hexdigest()


def kept_tokenizers() -> list[KeptTokenizer]:
    """Return what is kept in the assets cache, of any version of the format, sorted by checksum."""
    root = assets_folder(NAMESPACE)
    found = []
    for checksum in sorted(names_in(root)):
        for name in sorted(names_in(os.path.join(root, checksum))):
            path = os.path.join(root, checksum, name)
            with suppress(FileNotFoundError):  # another process has removed it
                found.append(KeptTokenizer(checksum, path, os.lstat(path).st_size, _made_from(path)))
    return found


def verify_kept(path: str) -> int:
    """Check all checksums of what is kept of a `tokenizer.json`, and return their number; 0 if nothing is.

    Raises:
        InvalidModelError: a checksum is wrong.
    """
    kept = path_of_kept(path)
    if not os.path.exists(kept):
        return 0
    from m2v_lite.files.packed_file import verify

    try:
        return verify(kept)
    except InvalidModelError as error:
        raise InvalidModelError(
            f"{kept}: the kept tokenizer of {path} is damaged; delete it, and the next start makes it again"
        ) from error


def prune(checksums: Collection[str]) -> list[KeptTokenizer]:
    """Remove what no model needs any more, and return it.

    What was made from a file that is still there stays. A process that has mapped what is removed goes on
    with it.

    Args:
        checksums: those of the tokenizers in the hub's cache.

    Raises:
        OSError: a file cannot be removed.
    """
    with _one_at_a_time():
        unneeded = [kept for kept in kept_tokenizers() if not _is_needed(kept, checksums)]
        for kept in unneeded:
            os.remove(kept.path)
            with suppress(OSError):  # other files are in the folder
                os.rmdir(os.path.dirname(kept.path))
    return unneeded


def _is_needed(kept: KeptTokenizer, checksums: Collection[str]) -> bool:
    if os.path.basename(kept.path) != FILE:
        return False  # of another version of the format, or left behind by a writer that was killed
    if kept.checksum in checksums:
        return True
    try:
        return checksum_of(kept.made_from) == kept.checksum
    except InvalidModelError:
        return False


def _prepared(kept: str, path: str, memo_bytes: int) -> TextTokenizer:
    """Prepare the tokenizer in a `tokenizer.json`, and keep its arrays."""
    import gc
    import re
    import zlib

    from m2v_lite.tokenization.kinds import Left, by_library, own_tokenizer, tokenizer_of_content

    content = map_content(path)
    source = TokenizerFile(path, zlib.crc32(content))
    if not re.search(KINDS_IN_ARRAYS, content):
        return tokenizer_of_content(content, source, path, memo_bytes)
    with _one_at_a_time():
        mapped = _mapped(kept, path, memo_bytes)  # another process may have kept it by now
        if mapped is not None:
            return mapped
        own = own_tokenizer(
            content,
            source,
            path,
            memo_bytes,
            lambda: _note(len(content), f"preparing the vocabulary of {path}; the result is kept in {kept}"),
        )
        if not isinstance(own, Left):
            _keep(own, kept, source, len(content))
            mapped = _mapped(kept, path, memo_bytes)
            if mapped is None:
                return own
            del own  # it refers to itself
            gc.collect()
            return mapped
    return by_library(content, own, source, path, memo_bytes)


def _mapped(kept: str, path: str, memo_bytes: int) -> TextTokenizer | None:
    """Return the tokenizer in a kept file, or None if the file is missing, damaged or for another one."""
    try:
        file = SafetensorsFile(kept)
        if file.metadata.get(f"{PREFIX}version") != VERSION:
            return None
        made_from = setting(file, "made_from")
        checksum, size = made_from.get("crc32"), made_from.get("bytes")
        if type(checksum) is not int or size != os.path.getsize(path):
            return None
        return tokenizer_in_arrays(file, TokenizerFile(path, checksum), memo_bytes)
    except (ModelNotFoundError, InvalidModelError):
        return None


def _keep(own: WordPieceTokenizer | UnigramTokenizer, kept: str, source: TokenizerFile, size: int) -> None:
    """Write the arrays of a tokenizer, or say that they cannot be written."""
    from m2v_lite.files.atomic_write import new_folders

    path = os.path.abspath(source.path)
    made_from = {"path": path, "bytes": size, "crc32": source.checksum}
    try:
        with new_folders([os.path.dirname(kept)]):
            from m2v_lite.files.packed_file import tokenizer_entries, write_packed  # takes long to import

            tensors, metadata = tokenizer_entries(own)
            write_packed(kept, tensors, {**metadata, "made_from": json.dumps(made_from)})
    except OSError as error:
        _note(
            size,
            f"the prepared vocabulary cannot be kept ({error}), so each start prepares it again; set "
            "HF_ASSETS_CACHE to a writable folder, or pack the model: m2v-lite pack",
        )


def _note(size: int, text: str) -> None:
    """Print a line about a tokenizer.json of `size` bytes, unless preparing it is quick."""
    if size >= SLOW:
        from m2v_lite.progress import note

        note(text)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait until no other process prepares a tokenizer, where files can be written and locked."""
    folder = assets_folder(NAMESPACE)
    with ExitStack() as stack:
        with suppress(ImportError, OSError):  # no such locks on this system, or no place to write
            from fcntl import LOCK_EX, flock

            os.makedirs(folder, exist_ok=True)
            # With O_NONBLOCK (in FLAGS), a pipe in its place is an error instead of a wait.
            lock = os.open(os.path.join(folder, LOCK), os.O_WRONLY | os.O_CREAT | FLAGS, 0o666)
            stack.callback(os.close, lock)
            flock(lock, LOCK_EX)
        yield


def _made_from(kept: str) -> str:
    """Return the path of the tokenizer.json of a kept file, or "" if it cannot be read."""
    try:
        path = setting(SafetensorsFile(kept), "made_from").get("path")
    except (ModelNotFoundError, InvalidModelError):
        return ""
    return path if isinstance(path, str) else ""
