"""Reading files so that errors name file and line, and writing them whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from arabie.errors import FileError

_SPACE = re.compile(r"[ \t\r\n]*")
_ALL_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_BUFFER = 1 << 16
_LONG_NUMBER = b"0" * 19
_SAVE = "save it as plain text in UTF-8, and give that"
_UTF16 = "is UTF-16, not UTF-8; convert it: iconv -f utf-16 -t utf-8 old.txt > new.txt"
_PACKED = "is compressed; unpack it, and give what was in it"
_SIGNS = {  # how files begin that are something else
    b"PK\x03\x04": f"is a Word, Excel or PowerPoint document or another zip, not text; {_SAVE}",
    b"\xd0\xcf\x11\xe0": f"is a Word, Excel or PowerPoint document, not text; {_SAVE}",
    b"{\\rtf": f"is a document in Rich Text Format, not text; {_SAVE}",
    b"%PDF-": f"is a PDF, not text; {_SAVE}",
    b"\x1f\x8b": _PACKED, b"\xfd7zXZ": _PACKED, b"7z\xbc\xaf": _PACKED, b"\x28\xb5\x2f\xfd": _PACKED, b"BZh91AY": _PACKED,
    b"\xff\xfe": _UTF16, b"\xfe\xff": _UTF16,
}


def read_bytes(path: str | Path) -> bytes:
    """The bytes of a file; FileError if it cannot be read."""
    try:
        with _open(path) as stream:
            return stream.read()
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None


def check_text(head: bytes, where: str) -> None:
    """Raise FileError for a file whose first bytes are those of another kind of file than text in UTF-8."""
    for sign, told in _SIGNS.items():
        if head.startswith(sign):
            raise FileError(f"{where}: {told}")


def decode(data: bytes, where: str) -> str:
    """UTF-8 bytes as text, a byte order mark off, line ends untouched; FileError names the byte that is not UTF-8."""
    check_text(data, where)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _not_utf8(f"{where}:{line}", f"byte {error.start}", data, error.start) from None


def _not_utf8(where: str, byte: str, data: bytes, place: int) -> FileError:
    if b"\0" in data:
        return FileError(f"{where}: is not text in UTF-8: it holds bytes that are zero; {_SAVE}")
    return FileError(f"{where}: not UTF-8: {byte} is 0x{data[place]:02x}; save the file as UTF-8; if it is Windows "
                     "Arabic: iconv -f cp1256 -t utf-8 old.txt > new.txt")


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, line ends untouched."""
    return decode(read_bytes(path), str(path))


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, line without its end) of a UTF-8 file, one at a time; only LF and CRLF end a line."""
    for number, line in _raw_lines(path):
        yield number, _decoded(path, number, line)


def _raw_lines(path: str | Path) -> Iterator[tuple[int, bytes]]:
    try:
        with _open(path) as stream:
            yield from enumerate(stream, 1)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {error.strerror}") from None


def _decoded(path: str | Path, number: int, line: bytes) -> str:
    if number == 1:
        check_text(line, str(path))
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise _not_utf8(f"{path}:{number}", f"byte {error.start} of the line", line, error.start) from None


def read_records(path: str | Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """("file:line", object) of a JSONL file, a line at a time, or of a JSON file with one list, which is read whole.

    So is a file whose first line is a brace alone: one object over several lines, as programs print it for the eye.
    """
    opening = next((line.strip() for _, line in read_lines(path) if line.strip()), "")
    if opening.startswith("[") or opening == "{":
        for number, item in (_list_items if opening.startswith("[") else _spread_item)(path):
            yield f"{path}:{number}", _object(path, number, item)
        return
    for number, line in _raw_lines(path):
        record = record_of(path, number, line)
        if record is not None:
            yield f"{path}:{number}", record


def record_of(path: str | Path, number: int, line: bytes) -> dict[str, Any] | None:
    """The object on a line of JSONL, None on a blank one. Raises FileError."""
    try:
        item = _loads(line)
    except ValueError:
        text = _decoded(path, number, line)
        if not text.strip():
            return None
        try:
            item = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _not_json(path, number, error, "each line is one whole object") from None
    return _object(path, number, item)


def _object(path: str | Path, number: int, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise FileError(f"{path}:{number}: {json.dumps(item, ensure_ascii=False)[:60]} is not an object; "
                        "each record is one JSON object in braces")
    return item


def _loads(line: bytes) -> Any:
    """A line of JSON as json.loads gives it; ValueError for a fault, and for what json.loads alone reads rightly."""
    if _LONG_NUMBER in line.translate(_ALL_ZEROS):
        raise ValueError("orjson gives whole numbers beyond 64 bits as floats")
    return orjson.loads(line)


def _spread_item(path: str | Path) -> Iterator[tuple[int, Any]]:
    text = read_text(path)
    try:
        yield text[:text.index("{")].count("\n") + 1, json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _not_json(path, 1, error, "a brace alone on the first line begins the one object of a file; write "
                        "several objects on a line each, or with commas in between in one list") from None


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
    return path.open("rb") if isinstance(path, zipfile.Path) else open(path, "rb", _BUFFER)


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
        with os.fdopen(handle, mode, _BUFFER, **text) as stream:
            yield stream
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except UnicodeEncodeError as error:
        os.unlink(name)
        raise _half_a_pair(path, error) from None
    except BaseException:
        if os.path.exists(name):
            os.unlink(name)
        raise


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of ``path``, new or an empty folder, only when the block ends well.

    Fill it with ``write_text``: what can't be written then leaves nothing behind, and the error names ``path``.
    """
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
    except BaseException as error:
        shutil.rmtree(name, ignore_errors=True)
        if isinstance(error, UnicodeEncodeError):
            raise _half_a_pair(path, error) from None
        raise


def write_text(path: Path, content: str) -> None:
    """Write a file of an ``atomic_folder``: UTF-8, line ends untouched."""
    path.write_text(content, encoding="utf-8", newline="\n")


def _half_a_pair(path: Path, error: UnicodeEncodeError) -> FileError:
    return FileError(f"{path}: cannot be written as UTF-8: half of a surrogate pair, {error.object[error.start]!a}, "
                     "stands in a text; take it out or put the whole character back")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
