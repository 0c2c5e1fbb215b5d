"""An array in unnamed shared memory. Each process writes its own rows.

Named memory (`multiprocessing.shared_memory`) has to be removed even if this process is killed, so Python
starts a process that removes it and warns. Unnamed memory disappears with the last process that has it
mapped. Its descriptor is sent through a socket, so processes that started earlier can use it as well. It is
not in /dev/shm, which is often limited to 64 MB in a container.
"""

from __future__ import annotations

import mmap
import os
import secrets
import socket
import sys
import tempfile
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# An array up to this size is copied at the end. A larger one stays where it is, which takes a descriptor
# for as long as it lives.
COPIED_BYTES = 1 << 24


class SharedArray:
    """The array, in the process that makes it; others get it with `received`.

    Args:
        shape: its shape.
        dtype: its dtype.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._shape, self._dtype = shape, dtype
        self._size = max(1, int(np.prod(shape)) * dtype.itemsize)
        self._name, self._file = "", -1
        if sys.platform == "win32":  # the name goes with the memory
            self._name = f"m2v_lite-{secrets.token_hex(16)}"
            self._map = mmap.mmap(-1, self._size, self._name)
        else:
            self._file = _new_file(self._size)

    def send(self, connection: Connection) -> None:
        """Send the array to a process that calls `received`."""
        connection.send((self._shape, self._dtype, self._size, self._name))
        if sys.platform != "win32":
            with _socket_of(connection) as channel:
                socket.send_fds(channel, [b"."], [self._file])

    def array(self) -> NDArray[Any]:
        """Return the array, once the others have written it."""
        if sys.platform == "win32":
            shared = self._map
        else:
            # A private mapping of the same pages: what is written to it from now on is this process's own,
            # also after a fork, as with any other array.
            shared = mmap.mmap(self._file, self._size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
        whole = _array_in(shared, self._shape, self._dtype)
        return whole.copy() if self._size <= COPIED_BYTES else whole

    def window(self) -> NDArray[Any]:
        """Return the array read-only, as it is at any time: it changes when others write it."""
        if sys.platform == "win32":
            whole = _array_in(self._map, self._shape, self._dtype)
            whole.flags.writeable = False
            return whole
        return _array_in(
            mmap.mmap(self._file, self._size, mmap.MAP_SHARED, mmap.PROT_READ), self._shape, self._dtype
        )

    def close(self) -> None:
        """Release what is needed to send the array. The array itself stays."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def received(connection: Connection) -> NDArray[Any]:
    """Return the array that was sent, to be written."""
    shape, dtype, size, name = connection.recv()
    if sys.platform == "win32":
        return _array_in(mmap.mmap(-1, size, name), shape, dtype)
    with _socket_of(connection) as channel:
        _, (file,), *_ = socket.recv_fds(channel, 1, 1)
    try:
        return _array_in(mmap.mmap(file, size), shape, dtype)
    finally:
        os.close(file)


def _new_file(size: int) -> int:
    """Return the descriptor of a file that has no name, in memory where the system has such files."""
    if sys.platform == "linux":
        try:
            file = os.memfd_create("m2v_lite", os.MFD_CLOEXEC)
        except OSError:
            pass  # a sandbox may forbid it
        else:
            os.ftruncate(file, size)
            return file
    with tempfile.TemporaryFile() as temporary:
        os.ftruncate(temporary.fileno(), size)
        return os.dup(temporary.fileno())


def _socket_of(connection: Connection) -> socket.socket:
    """Return a socket that shares the connection's end."""
    channel = socket.socket(fileno=os.dup(connection.fileno()))
    channel.setblocking(True)  # whatever `socket.setdefaulttimeout` says: it would hold for both
    return channel


def _array_in(shared: mmap.mmap, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.frombuffer(shared, dtype, int(np.prod(shape))).reshape(shape)
