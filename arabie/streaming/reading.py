"""What one path of the command line holds: a text, a file of Documents, standard input, another pipe."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any

from arabie.document import Document
from arabie.errors import DocumentError, FileError
from arabie.formats import jsonl, source
from arabie.formats.files import check_text, decode, read_records, record_of
from arabie.formats.losses import Losses
from arabie.formats.records import merged
from arabie.formats.sniff import looks_like
from arabie.schema import default_schema
from arabie.text.characters import LETTERS

JSONL = (".jsonl", ".ndjson")
STDIN = "standard input"
_TABLE = "is a table, not a text; make a .jsonl file of it, as docs/streaming.md shows"
_PAGE = "is a web page, not a text; save what is to be read of it as a .txt file"
_NO_TEXTS = {".csv": _TABLE, ".tsv": _TABLE, ".html": _PAGE, ".htm": _PAGE}
_BLANK = b"\xef\xbb\xbf \t\r\n"
_JSON = re.compile(rb'(\{)\s*(?:"|$)|\[\s*(?:\{|$)')
_LETTER = re.compile(f"[{LETTERS}]")
_WORDS = re.compile(f"(?:[{LETTERS}]{{1,20}}[^{LETTERS}]{{1,3}}){{2}}[{LETTERS}]")
_FEW, _SHORT = 0.1, 20


def check_exists(path: Path) -> Path:
    """The path, if it is there and no folder. Raises FileError."""
    if path.is_dir():
        raise FileError(f"{path}: is a folder; name the files in it")
    if not path.exists():
        raise FileError(f"{path}: no such file")
    return path


def is_pipe(path: str) -> bool:
    """Whether a path can be read only once, as standard input (``-``) can."""
    return path == "-" or os.path.exists(path) and not os.path.isfile(path)


@dataclass(frozen=True)
class Input:
    """A path and how it is read: ``text_key`` is where a line of JSON has its text, ``losses`` counts what is not kept."""

    path: str
    losses: Losses
    text_key: str = "text"

    @property
    def name(self) -> str:
        """The path as messages call it."""
        return STDIN if self.path == "-" else self.path

    def read(self) -> Iterator[Document | FileError]:
        """The Documents in order, one at a time, and each fault in its place; reading goes on after a faulty line."""
        items = self._guarded()
        for item in items:
            if isinstance(item, FileError):
                yield FileError(f"{item}{self._hint()}")
                break
            if _hardly_arabic(item.text):
                self.losses.add("text with hardly any Arabic letters (another language, or a wrong encoding), in which "
                                "labels mean little", item.id or self.name)
            yield item
        yield from items

    def _hint(self) -> str:
        found = looks_like(self.path) if os.path.isfile(self.path) else None
        return "" if found in (None, "jsonl", "source") else (
            f". It looks like {found}; to convert it: arabie convert {self.path} NEW.jsonl --from {found} --to jsonl")

    def _guarded(self) -> Iterator[Document | FileError]:
        try:
            yield from self._read()
        except FileError as fault:
            yield fault
        except OSError as error:
            yield FileError(f"{self.name}: cannot be read: {error.strerror}")

    def _read(self) -> Iterator[Document | FileError]:
        if self.path == "-":
            if sys.stdin.isatty():
                print("Reading the text from the terminal; end it with Ctrl-D on a line of its own.", file=sys.stderr)
            yield from self._of_stream(sys.stdin.buffer)
            return
        ending = check_exists(Path(self.path)).suffix.lower()
        if ending in _NO_TEXTS:
            raise FileError(f"{self.path}: {_NO_TEXTS[ending]}")
        if ending == ".src":
            for checked in source.check(self.path, default_schema()):
                yield from map(FileError, map(str, checked.problems)) if checked.problems else [checked.document]
            return
        with open(self.path, "rb") as stream:
            yield from self._of_stream(stream)

    def _of_stream(self, stream: IO[bytes]) -> Iterator[Document | FileError]:
        """The Documents of JSONL, by its name or because the first line begins a JSON object, else the one of a text."""
        head = []
        for line in stream:
            head.append(line)
            if line.strip(_BLANK):
                break
        check_text(b"".join(head), self.name)
        opening, ending = (head[-1].strip(_BLANK) if head else b""), Path(self.path).suffix.lower()
        found = _JSON.match(opening)
        if ending in JSONL or found and found[1]:
            whole = opening.startswith(b"[") or opening == b"{"  # one list, or one object over many lines
            yield from self._of_whole() if whole and not is_pipe(self.path) else self._of_lines(chain(head, stream))
        elif found or ending == ".json":
            raise FileError(f"{self.name}: is JSON, not text; give texts, or a .jsonl file with one object a line, "
                            'such as {"text": "…"}')
        else:
            id = None if self.path == "-" else os.fsencode(Path(self.path).stem).decode("utf-8", "replace")
            yield Document(decode(b"".join(head) + stream.read(), self.name), id=id)

    def _of_whole(self) -> Iterator[Document | FileError]:
        return (self._document(record, where) for where, record in read_records(self.path))

    def _of_lines(self, lines: Iterable[bytes]) -> Iterator[Document | FileError]:
        for number, line in enumerate(lines, 1):
            try:
                record = record_of(self.name, number, line)
            except FileError as fault:
                yield fault
                continue
            if record is not None:
                yield self._document(record, f"{self.name}:{number}")

    def _document(self, record: Mapping[str, Any], where: str) -> Document | FileError:
        try:
            return Document.from_dict(self._native(record, where))
        except DocumentError as error:
            return FileError(f"{where}: {error}")

    def _native(self, record: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        """A record as ``Document.from_dict`` takes it: an id of digits a string, keys that it doesn't know in the meta."""
        key = self.text_key
        if not isinstance(record.get(key), str):
            raise DocumentError(_no_text(record, key))
        if key == "text" and record.keys() <= jsonl.KEYS and type(record.get("id")) is not int:
            return record
        native = {name: record[name] for name in jsonl.KEYS & record.keys()} | {"text": record[key]}
        if type(native.get("id")) is int:
            native["id"] = str(native["id"])
        further = {name: value for name, value in record.items() if name != key and name not in jsonl.KEYS - {"text"}}
        meta = record.get("meta") or {}
        if further and isinstance(meta, dict):
            native["meta"] = merged((further, meta), self.losses, where)
        return native


def _no_text(record: Mapping[str, Any], key: str) -> str:
    if key in record:
        return f'"{key}" is a string, not {record[key]!r:.60}'
    keys = ", ".join(f'"{name}"' for name in list(record)[:10]) or "no key"
    return f'no "{key}" in this line (it has {keys}); name the key of the text with --text-key'


def _hardly_arabic(text: str) -> bool:
    """Whether a text of some length has next to no Arabic letters; three words in a row are looked for first, which is quick."""
    if len(text) < _SHORT or _WORDS.search(text):
        return False
    printed = len("".join(text.split()))
    return printed >= _SHORT and len(_LETTER.findall(text)) < _FEW * printed
