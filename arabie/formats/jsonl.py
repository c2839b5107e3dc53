"""The native format: one JSON object a line, UTF-8, offsets in code points.

Nothing of a Document is lost but what a score has beyond four decimals, and the id of a span that an earlier one has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from arabie.document import Document
from arabie.errors import DocumentError, FileError
from arabie.formats.files import atomic_writer, read_records
from arabie.formats.losses import Losses
from arabie.schema import Schema

KEYS = {"id", "text", "spans", "relations", "meta"}
PARTS = {"spans": {"id", "start", "end", "label", "status", "score", "fragments"},
         "relations": {"type", "head", "tail", "score"}}


def read(path: str | Path, *, schema: Schema, losses: Losses) -> Iterator[Document]:
    """The Documents of a file, one line at a time, blank lines passed over. Raises FileError with file:line and why.

    Keys that the format does not have are counted as losses; what is to be kept of one's own belongs in ``meta``.
    """
    for where, record in read_records(path):
        try:
            document = Document.from_dict(record, schema)
        except DocumentError as error:
            raise FileError(f"{where}: {error}") from None
        _count_unread(record, losses, where)
        yield document


def _count_unread(record: Mapping[str, Any], losses: Losses, where: str) -> None:
    for key in sorted(record.keys() - KEYS):
        losses.add(f'"{key}" of a document not kept; what is under "meta" is', where)
    for part, keys in PARTS.items():
        items = record.get(part) or ()
        for key in sorted(set().union(*items) - keys):
            losses.add(f'"{key}" in {part} not kept', where, sum(key in item for item in items))


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses) -> None:
    """Write Documents, one a line; the file appears only when all are written."""
    with atomic_writer(path) as stream:
        for document in documents:
            stream.write(document.to_json() + "\n")
