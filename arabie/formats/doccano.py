"""doccano: JSONL or a JSON list of texts with labelled spans and perhaps relations; or its zip, a file an annotator.

Spans are read from ``label``, ``labels``, ``entities``, ``spans`` or ``annotations``, as [start, end, label] or as
objects; all other keys are kept in meta. doccano's pages run on JavaScript, so offsets count UTF-16 units unless the
project counts grapheme clusters (``unit="graphemes"``); releases before 1.5, and labels imported from Python, count
"code-points".
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, DocumentError, FileError, nearest
from arabie.formats.files import read_records
from arabie.formats.losses import Losses, name_of
from arabie.formats.offsets import UNITS, Offsets
from arabie.formats.records import count_unread, each_once, list_at, merged, shown, write_records
from arabie.formats.uncarried import count_uncarried
from arabie.schema import Schema

TEXTS = ("text", "data")
SPANS = ("label", "labels", "entities", "spans", "annotations")
SPAN = ("id", "label", "start_offset", "end_offset", "start", "end", "user", "created_at", "updated_at")
SHAPES = ("entities", "label")
SHARED = ("all", "unknown")  # what doccano calls the file of a project in which all work on one copy


@dataclass(frozen=True)
class Convention:
    """What a conversion goes by; ``status_sign`` parts a label from the status behind it, None writes no status."""

    schema: Schema
    losses: Losses
    unit: str
    status_sign: str | None


def read(path: str | Path, *, schema: Schema, losses: Losses, unit: str = "utf-16", annotator: str | None = None,
         status_sign: str | None = None) -> Iterator[Document]:
    """The Documents of an export, streamed unless it is one JSON list; ``annotator`` picks one file of a zip.

    Documents of a zip say whose they are in ``meta["annotator"]``. Raises FileError with file:line.
    """
    convention = Convention(schema, losses, unit, status_sign)
    if not zipfile.is_zipfile(path):
        if annotator is not None:
            raise FileError(f"{path}: only a zip from doccano has annotators; leave out annotator={annotator!r}")
        for where, record in read_records(path):
            yield _document(where, record, convention, {})
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for name, member in _members(archive, path, annotator):
                for where, record in read_records(member):
                    yield _document(where, record, convention, {} if name in SHARED else {"annotator": name})
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise FileError(f"{path}: cannot be unpacked: {error}; export it again, without a password") from None


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses, unit: str = "utf-16",
          shape: str = "entities", status_sign: str | None = None) -> None:
    """Write JSONL (a JSON list if the path ends in .json) for doccano's import, to be corrected there.

    ``shape`` is "entities", for a project with relations ("JSONL(Relation)"), or "label", for one without ("JSONL").
    Overlapping spans need the project's "allow overlapping spans", or doccano drops them.
    """
    if shape not in SHAPES:
        raise ArabieError(f"unknown shape {shape!r}; {nearest(shape, SHAPES)}")
    convention = Convention(schema, losses, unit, status_sign)
    write_records((record for document in documents if (record := _record(document, shape, convention))), path)


def _members(archive: zipfile.ZipFile, path: str | Path, annotator: str | None) -> Iterator[tuple[str, zipfile.Path]]:
    """(annotator, file) of the exports in a zip."""
    files = [PurePosixPath(name) for name in sorted(archive.namelist())
             if name.endswith((".jsonl", ".json")) and not name.startswith("__MACOSX/")]
    if not files:
        raise FileError(f"{path}: the zip holds no .jsonl and no .json; export the project as JSONL")
    if annotator is not None and annotator not in (file.stem for file in files):
        raise FileError(f"{path}: has no annotator {annotator!r}; {nearest(annotator, [file.stem for file in files])}")
    yield from ((file.stem, zipfile.Path(archive, str(file))) for file in files if annotator in (None, file.stem))


def _document(where: str, record: Mapping[str, Any], convention: Convention, extra: Mapping[str, Any]) -> Document:
    text_key = next((key for key in TEXTS if key in record), TEXTS[0])
    text = record.get(text_key)
    if not isinstance(text, str):
        raise FileError(f'{where}: "text" is {shown(text)}; each record needs its text as a string')
    offsets = Offsets(text, convention.unit)
    spans: dict[Span, None] = {}
    named: dict[str, Span] = {}
    for item in (item for key in SPANS for item in list_at(record, key, where)):
        span = _span(item, offsets, where, convention)
        count_unread(item if isinstance(item, dict) else {}, SPAN, convention.losses, where)
        if span in spans:
            convention.losses.add("span given twice", f"{where}: {span.label} at {span.start}–{span.end}")
        spans[span] = None
        if span.id is not None and named.setdefault(span.id, span) is not span:
            raise FileError(f"{where}: the id {span.id} is used for two spans; give each its own")
    relations = [_relation(item, named, where) for item in list_at(record, "relations", where)]
    rest = {key: value for key, value in record.items()
            if key not in (text_key, *SPANS, "relations", "id", "meta") and value not in (None, [], {})}
    inner = record.get("meta")
    inner = inner if isinstance(inner, dict) else {"meta": inner} if inner else {}
    meta = merged((rest, inner, extra), convention.losses, where)
    id = record.get("id")
    return Document(text, tuple(spans), each_once(relations, convention.losses, where), None if id is None else str(id),
                    meta, convention.schema)


def _span(item: Any, offsets: Offsets, where: str, convention: Convention) -> Span:
    if isinstance(item, dict):
        start, end = (item.get(f"{key}_offset", item.get(key)) for key in ("start", "end"))
        label, id = item.get("label"), item.get("id")
    elif isinstance(item, list) and len(item) == 3:
        (start, end, label), id = item, None
    else:
        raise FileError(f"{where}: the span {shown(item)} is not [start, end, label]; "
                        "labels of whole texts cannot be read")
    if isinstance(label, int):
        raise FileError(f'{where}: the label {label} of a span is a number; export it as "JSONL (text labels)"')
    if type(start) is not int or type(end) is not int or not isinstance(label, str):
        raise FileError(f'{where}: the span {shown(item)} needs two whole numbers and a label, as [0, 4, "LABEL"]')
    if start >= end:
        raise FileError(f"{where}: the span {shown(item)} ends before or where it starts; "
                        "the end is the offset after its last character")
    try:
        start, end = offsets.to_code_points(start, end)
    except DocumentError as error:
        others = ", ".join(f"unit={unit!r}" for unit in UNITS if unit not in (offsets.unit, "utf-8"))
        raise FileError(f"{where}: the span {shown(item)}: {error}; try {others}") from None
    status = None
    if convention.status_sign and convention.status_sign in label:
        label, _, status = label.rpartition(convention.status_sign)
    status = status or convention.schema.default_status(label)
    return Span(start, end, label, status, id=None if id is None else str(id))


def _relation(item: Any, named: Mapping[str, Span], where: str) -> Relation:
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        raise FileError(f'{where}: the relation {shown(item)} needs "from_id", "to_id" and "type", the type as a name')
    for key in ("from_id", "to_id"):
        if str(item.get(key)) not in named:
            raise FileError(f"{where}: the relation {shown(item)}: {key} is the id of no entity here; add the entity")
    return Relation(item["type"], named[str(item["from_id"])], named[str(item["to_id"])])


def _record(document: Document, shape: str, convention: Convention) -> dict[str, Any] | None:
    """The record of a document, or None, counted, if it has no text, which doccano refuses."""
    losses = convention.losses
    if not document.text:
        losses.add("document without text, which doccano does not take", name_of(document))
        return None
    choices = {"relations": shape == "entities", "status": convention.status_sign}
    count_uncarried(document, losses, {"id", "meta", *(part for part, chosen in choices.items() if chosen)})
    offsets = Offsets(document.text, convention.unit)
    places = {}
    for span in document.spans:
        try:
            places[span] = offsets.from_code_points(span.start, span.end)
        except DocumentError:
            losses.add(f"span left out: it begins or ends where {UNITS[convention.unit]} cannot divide",
                       f"{name_of(document)}: {span.label} at {span.start}–{span.end}")
    head = {} if document.id is None else {"id": document.id}
    rest = {"meta": dict(document.meta)} if document.meta else {}
    if shape == "label":
        labels = [[*place, _label(span, convention)] for span, place in places.items()]
        return {**head, "text": document.text, "label": labels, **rest}
    ids = _numbers(places)
    entities = [{"id": ids[span], "label": _label(span, convention), "start_offset": start, "end_offset": end}
                for span, (start, end) in places.items()]
    relations = []
    for relation in document.relations:
        if relation.head in ids and relation.tail in ids:
            ends = {"from_id": ids[relation.head], "to_id": ids[relation.tail]}
            relations.append({"id": len(relations), **ends, "type": relation.type})
        else:
            losses.add("relation left out: one of its spans was", f"{name_of(document)}: {relation.type}")
    return {**head, "text": document.text, "entities": entities, "relations": relations, **rest}


def _label(span: Span, convention: Convention) -> str:
    """The label, with its status behind it where that is wanted and not the one meant anyway."""
    sign = convention.status_sign
    if not sign or span.status == convention.schema.default_status(span.label) and sign not in span.label:
        return span.label
    return f"{span.label}{sign}{span.status or ''}"


def _numbers(spans: Iterable[Span]) -> dict[Span, int]:
    """A number for each span, as doccano's ids are: that of its own id, if each has another one, else its place."""
    spans = list(spans)
    own = [int(found[0]) for span in spans if (found := re.findall(r"[0-9]{1,9}$", span.id or ""))]
    return dict(zip(spans, own if len(set(own)) == len(spans) else range(1, len(spans) + 1)))
