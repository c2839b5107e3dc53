"""Annotated files as the benchmarks take them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from arabie.document import Document
from arabie.errors import ConfigError
from arabie.formats import read
from arabie.schema import Schema

FORMATS = {".jsonl": "jsonl", ".src": "source"}


def named(items: Iterable[str]) -> dict[str, Path]:
    """Files by the names that the tables call them, from NAME=FILE.

    >>> named(["real-c=real-c.jsonl"])["real-c"].suffix
    '.jsonl'
    """
    found = {}
    for item in items:
        name, equals, path = item.partition("=")
        if not (name and equals and path):
            raise ConfigError(f"{item!r} is not NAME=FILE, such as real-c=real-c.src")
        found[name] = Path(path)
    return found


def documents(paths: Iterable[Path], schema: Schema) -> list[Document]:
    """The Documents of .jsonl and .src files."""
    found: list[Document] = []
    for path in paths:
        if path.suffix not in FORMATS:
            raise ConfigError(f"{path}: neither .jsonl nor .src; convert other formats with 'arabie convert'")
        found += read(path, FORMATS[path.suffix], schema=schema)
    return found
