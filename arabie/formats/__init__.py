"""Annotation formats in and out. One module a format, each with ``read`` and ``write``, listed in ``FORMATS``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from arabie.document import Document
from arabie.errors import ArabieError, FileError, nearest
from arabie.formats.losses import Losses
from arabie.formats.sniff import looks_like
from arabie.schema import Schema, default_schema

FORMATS = {
    "jsonl": "arabie's own: one JSON object a line, nothing lost",
    "source": "annotations written by hand: text, then spans and relations, a line each",
    "brat": "brat standoff: a folder of .txt and .ann files, or one .ann",
    "doccano": "doccano: JSONL or JSON of labelled spans with or without relations, or a zip of one file an annotator",
    "prodigy": "Prodigy: JSONL of tasks with spans, tokens and relations",
    "label-studio": "Label Studio: a JSON list of tasks, with the labelling configuration beside it",
    "webanno": "WebAnno TSV 3.2 and 3.3 of INCEpTION, a file a document",
    "cas": "UIMA CAS as XMI or JSON, a file a document; needs the extra uima",
    "conll": "CoNLL columns: a token a line with IOB1, IOB2, IOBES or BILOU tags",
    "conllu": "CoNLL-U, with entities as tags in MISC",
    "spacy": "spaCy: a DocBin (.spacy, needs the extra spacy) or Doc.to_json as JSON or JSONL",
    "datasets": "Hugging Face datasets: a saved folder, parquet or JSONL, nested or as tokens; needs the extra train",
    "apf": "ACE .apf.xml with .sgm or .txt beside it, a pair a document",
    "ere": "Rich ERE .rich_ere.xml with its source text, a pair a document",
    "dygie": "DyGIE++, PURE and SciERC: JSON of sentences with ner, relations and events",
    "gliner": "GLiNER: JSON of tokenized_text with ner and relations",
    "csv": "tables for Excel, pandas or R: events, causes, entities or relations, one a row; written, not read",
}
_KINDS = {str: "text", int: "a whole number", bool: "true or false", Path: "a path", Mapping: "a mapping",
          Sequence: "a list"}


def _module(format: str):
    if format not in FORMATS:
        raise ArabieError(f"unknown format {format!r}; {nearest(format, FORMATS)}")
    return importlib.import_module(f"arabie.formats.{format.replace('-', '_')}")


def options_of(format: str, action: str) -> dict[str, Any]:
    """The options of a format's ``read`` or ``write`` (``action``), with their defaults."""
    found = inspect.signature(getattr(_module(format), action)).parameters.values()
    return {option.name: option.default for option in found if option.kind is option.KEYWORD_ONLY and option.name not in ("schema", "losses")}


def _check_options(format: str, action: str, given: Mapping[str, Any]) -> None:
    """Raises ArabieError for an option that the format does not have, or of another type than it takes."""
    known, types = options_of(format, action), get_type_hints(getattr(_module(format), action))
    for name, value in given.items():
        if name not in known:
            raise ArabieError(f"{format} has no option {name!r} to {action}; {nearest(name, known) if known else 'it has none'}")
        parts = get_args(types[name]) if isinstance(types[name], UnionType) else (types[name],)
        kinds = tuple(get_origin(part) or part for part in parts)
        if not isinstance(value, kinds) or isinstance(value, bool) and bool not in kinds:  # a bool is an int, too
            told = " or ".join(_KINDS.get(kind, kind.__name__) for kind in kinds if kind is not NoneType)
            raise ArabieError(f"{format}: {name}={value!r} is of the wrong type; the option takes {told}")


def targets_of(path: str | Path, format: str) -> list[Path]:
    """The files or folders that ``write`` makes or replaces for a path: itself, and what the format puts beside it."""
    beside = getattr(_module(format), "beside", None)
    return [Path(path), *(beside(Path(path)) if beside else ())]


def read(path: str | Path, format: str = "jsonl", *, schema: Schema | None = None, losses: Losses | None = None,
         **options: Any) -> Iterator[Document]:
    """The Documents of a file or folder in the named format; ``losses`` collects what could not be carried."""
    module = _module(format)
    losses = Losses() if losses is None else losses
    _check_options(format, "read", options)
    return _hinted(module.read(path, schema=schema or default_schema(), losses=losses, **options), path, format)


def _hinted(documents: Iterable[Document], path: str | Path, format: str) -> Iterator[Document]:
    """The documents; a FileError that says what the file looks like, if it looks like another format."""
    try:
        yield from documents
    except FileError as error:
        found = looks_like(path)
        if found in (None, format):
            raise
        raise FileError(f"{error}. It looks like {found}; to convert it: "
                        f"arabie convert {path} NEW.jsonl --from {found} --to jsonl") from None


def write(documents: Iterable[Document], path: str | Path, format: str = "jsonl", *, schema: Schema | None = None,
          losses: Losses | None = None, **options: Any) -> Losses:
    """Write Documents in the named format, whole or not at all; returns what the format could not carry."""
    module = _module(format)
    losses = Losses() if losses is None else losses
    _check_options(format, "write", options)
    module.write(documents, path, schema=schema or default_schema(), losses=losses, **options)
    return losses
