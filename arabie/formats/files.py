"""Reading files so that errors name file and line, and writing them whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from arabie.errors import FileError

_SPACE = re.compile(r"[ \t\r\n]*")


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a file; FileError if it cannot be read."""
    try:
        with _open(path) as stream:
            return stream.read()
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None


def decode(data: bytes, where: str) -> str:
    """UTF-8 bytes as text, a byte order mark off, line ends untouched; FileError names the byte that is not UTF-8."""
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
        with _open(path) as stream:
            for number, line in enumerate(stream, 1):
                try:
                    yield number, line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    raise FileError(f"{path}:{number}: not UTF-8: byte {error.start} of the line is "
                                    f"0x{line[error.start]:02x}; save the file as UTF-8") from None
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None


def read_records(path: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """("file:line", object) of a JSONL file, a line at a time, or of a JSON file with one list, which is read whole."""
    opening = next((line.lstrip()[0] for _, line in read_lines(path) if line.strip()), "")
    for number, record in (_list_items if opening == "[" else _line_items)(path):
        if not isinstance(record, dict):
            raise FileError(f"{path}:{number}: {json.dumps(record, ensure_ascii=False)[:60]} is not an object; "
                            "each record is one JSON object in braces")
        yield f"{path}:{number}", record


def _line_items(path: str | Path) -> Iterator[tuple[int, Any]]:
    for number, line in read_lines(path):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _not_json(path, number, error, "each line is one whole object") from None


def _list_items(path: str | Path) -> Iterator[tuple[int, Any]]:
    text = read_text(path)
    decoder, line, counted = json.JSONDecoder(), 1, 0
    place = _SPACE.match(text, text.index("[") + 1).end()
    try:
        while text[place:place + 1] != "]":
            item, end = decoder.raw_decode(text, place)
            line, counted = line + text.count("\n", counted, place), place
            yield line, item
            place = _SPACE.match(text, end).end()
            if text[place:place + 1] == ",":
                place = _SPACE.match(text, place + 1).end()
            elif text[place:place + 1] != "]":
                raise json.JSONDecodeError("expecting a comma or the end of the list", text, place)
        if text[place + 1:].strip():
            raise json.JSONDecodeError("something stands after the end of the list", text, place + 1)
    except (ValueError, RecursionError) as error:
        raise _not_json(path, line, error, "export the file again, it may be cut off") from None


def _not_json(path: str | Path, line: int, error: Exception, advice: str) -> FileError:
    if isinstance(error, json.JSONDecodeError):
        return FileError(f"{path}:{max(line, error.lineno)}: not JSON: {error.msg} at column {error.colno}; {advice}")
    return FileError(f"{path}:{line}: JSON that cannot be read: {error}; {advice}")


def _open(path: str | Path) -> IO[bytes]:
    """A file to read bytes from; ``path`` may also be a zipfile.Path."""
    return open(path, "rb") if isinstance(path, str) else path.open("rb")


@contextmanager
def atomic_writer(path: str | Path, mode: str = "w") -> Iterator[IO]:
    """A stream whose content replaces ``path`` only when the block ends well; mode "w" (UTF-8, LF) or "wb"."""
    path = Path(path)
    text = {"encoding": "utf-8", "newline": "\n"} if mode == "w" else {}
    if path.exists() and not path.is_file():
        raise FileError(f"{path}: cannot be written: it is there and is no file; name another")
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:80]}.")
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(handle, mode, **text) as stream:
            yield stream
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except UnicodeEncodeError as error:
        os.unlink(name)
        raise FileError(f"{path}: cannot be written as UTF-8: half of a surrogate pair, {error.object[error.start]!a}, "
                        "stands in a text; take it out or put the whole character back") from None
    except BaseException:
        if os.path.exists(name):
            os.unlink(name)
        raise


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of ``path``, new or an empty folder, only when the block ends well."""
    path = Path(path).absolute()
    try:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise FileError(f"{path}: is there already and is not an empty folder; name a new folder")
        name = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:80]}.")
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        yield Path(name)
        os.chmod(name, 0o777 & ~_umask())
        if path.exists():
            path.rmdir()
        os.replace(name, path)
    except BaseException:
        shutil.rmtree(name, ignore_errors=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
