"""The native format: one JSON object a line, UTF-8, offsets in code points. Nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from arabie.document import Document
from arabie.errors import DocumentError, FileError
from arabie.formats.files import atomic_writer, read_lines
from arabie.formats.losses import Losses
from arabie.schema import Schema


def read(path: str | Path, *, schema: Schema, losses: Losses) -> Iterator[Document]:
    """The Documents of a file, one line at a time; blank lines are passed over. Raises FileError with file:line and why."""
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            yield Document.from_dict(json.loads(line), schema)
        except json.JSONDecodeError as error:
            raise FileError(f"{path}:{number}: not JSON: {error.msg} at column {error.colno}; each line is one whole object") from None
        except DocumentError as error:
            raise FileError(f"{path}:{number}: {error}") from None


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses) -> None:
    """Write Documents, one a line; the file appears only when all are written."""
    with atomic_writer(path) as stream:
        for document in documents:
            stream.write(document.to_json() + "\n")
