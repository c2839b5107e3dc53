"""Annotation formats in and out. One module a format, each with ``read`` and ``write``, listed in ``FORMATS``."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from arabie.document import Document
from arabie.errors import ArabieError, nearest
from arabie.formats.losses import Losses
from arabie.schema import Schema, default_schema

FORMATS = {
    "jsonl": "arabie's own: one JSON object a line, nothing lost",
}


def _module(format: str):
    if format not in FORMATS:
        raise ArabieError(f"unknown format {format!r}; {nearest(format, FORMATS)}")
    return importlib.import_module(f"arabie.formats.{format.replace('-', '_')}")


def read(path: str | Path, format: str = "jsonl", *, schema: Schema | None = None, losses: Losses | None = None,
         **options: Any) -> Iterator[Document]:
    """The Documents of a file or folder in the named format; ``losses`` collects what could not be carried."""
    module = _module(format)
    return module.read(path, schema=schema or default_schema(), losses=Losses() if losses is None else losses, **options)


def write(documents: Iterable[Document], path: str | Path, format: str = "jsonl", *, schema: Schema | None = None,
          losses: Losses | None = None, **options: Any) -> Losses:
    """Write Documents in the named format, whole or not at all; returns what the format could not carry."""
    module = _module(format)
    losses = Losses() if losses is None else losses
    module.write(documents, path, schema=schema or default_schema(), losses=losses, **options)
    return losses
