"""Reading files so that errors name file and line, and writing them whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from arabie.errors import FileError


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a file; FileError if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None


def decode(data: bytes, where: str) -> str:
    """UTF-8 bytes as text, a byte order mark taken off, line ends untouched; FileError names the byte that is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(f"{where}:{line}: not UTF-8: byte {error.start} is 0x{data[error.start]:02x}; "
                        "save the file as UTF-8 (for Windows Arabic files, convert it from cp1256)") from None


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, line ends untouched."""
    return decode(read_bytes(path), str(path))


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, line without its end) of a UTF-8 file, one at a time; only LF and CRLF end a line."""
    try:
        with open(path, "rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    yield number, line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    raise FileError(f"{path}:{number}: not UTF-8: byte {error.start} of the line is 0x{line[error.start]:02x}; "
                                    "save the file as UTF-8") from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None


@contextmanager
def atomic_writer(path: str | Path, mode: str = "w") -> Iterator[IO]:
    """A stream whose content takes the place of ``path`` only when the block ends well; mode "w" (UTF-8, LF) or "wb"."""
    path = Path(path)
    text = {"encoding": "utf-8", "newline": "\n"} if mode == "w" else {}
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.")
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, mode, **text) as stream:
            yield stream
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        if os.path.exists(name):
            os.unlink(name)
        raise
