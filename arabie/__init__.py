"""Reads raw Arabic news text and labels who, what, where and why: entities, events, their causes and relations.

>>> document = extract("انشق عشرة عناصر من قسد بسبب انقطاع رواتبهم")  # doctest: +SKIP
>>> [(event.type, event.status, event.causes) for event in document.events]  # doctest: +SKIP
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from arabie.document import Cause, Document, Event, Relation, Span
from arabie.errors import ArabieError
from arabie.formats import read, write
from arabie.schema import Schema

if TYPE_CHECKING:
    from arabie.extractor import Extractor

__all__ = ["ArabieError", "Cause", "Document", "Event", "Relation", "Schema", "Span", "extract", "extract_many", "load", "read", "write"]
__version__ = "0.1.0"


def load(path: str | Path, device: str | None = None, engine: str | None = None, precision: str | None = None) -> Extractor:
    """The Extractor of a model folder or hub id.

    ``device`` is "cpu", "cuda" or "mps", ``engine`` "torch", "openvino" or "onnx", ``precision`` "fp32", "bf16", "fp16" or
    "int8"; what isn't given is chosen: see ``arabie.engines.open_engine``.
    """
    from arabie.extractor import Extractor  # torch, if it's needed, is loaded here, not on import

    return Extractor.load(path, device, engine, precision)


@functools.cache
def _default() -> Extractor:
    from arabie.model_folder import DEFAULT_MODEL

    return load(DEFAULT_MODEL)


def extract(text: str) -> Document:
    """The Document of a text, by the model that comes with the package."""
    return _default().extract(text)


def extract_many(texts: Iterable[str]) -> Iterator[Document]:
    """The Documents of many texts, in order, while they are read, by the model that comes with the package."""
    return _default().extract_many(texts)
