"""Tables for a spreadsheet: CSV with a row for each event, cause, mention or relation. Written, not read.

UTF-8 with a byte order mark, without which Excel takes Arabic for another encoding. Several values in one cell have
`` | `` between them. White space, line breaks too, becomes one space. A text that begins with = + - or @ gets an
apostrophe before it: anybody can post a text, and a spreadsheet would take it for a formula and run it.
"""

from __future__ import annotations

import csv
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

from arabie.document import Cause, Document, Span
from arabie.errors import ArabieError, nearest
from arabie.formats.files import atomic_writer
from arabie.formats.losses import Losses, name_of
from arabie.formats.options import listed
from arabie.formats.uncarried import count_uncarried
from arabie.schema import Schema

SEPARATORS = (",", ";", "\t")
BETWEEN = " | "
WITHIN = "PLACE", "PART_OF"  # the role whose wider places have a column, and the relation that leads to them
# What the label, status, text, start, end and score of a span are called as columns.
SPAN = ("label", "status", "text", "start", "end", "score")
EVENT = ("event", "status", "trigger", "start", "end", "score")
CAUSE = ("cause_type", "cause_status", "cause", "cause_start", "cause_end", "cause_score")
HEAD = ("head_label", "head_status", "head", "head_start", "head_end", "head_score")
TAIL = ("tail_label", "tail_status", "tail", "tail_start", "tail_end", "tail_score")
_SENTENCE_END = re.compile(r"""[\n\r]|(?<=\w\w)[.!?؟…]+["'»”)]*\s""")  # not the dot of «د. أحمد»
Links = Mapping[Span, Mapping[str, Sequence[Span]]]  # head, relation type, tails
Row = tuple[dict[str, Any], tuple[Span, ...]]  # the cells by column, and the spans whose sentences are shown


def read(path: str | Path, *, schema: Schema, losses: Losses) -> NoReturn:
    """Raises ArabieError: a table leaves out too much to be read back."""
    raise ArabieError(f"{path}: csv is written, not read, for a table leaves out the texts and much else; "
                      "read the file that the table was made from")


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses, rows: str = "events",
          meta: str | Sequence[str] | None = None, separator: str = ",") -> None:
    """Write a table of the Documents; ``rows`` says of what: "relations", or a layer of the schema.

    For "causes" a row is a cause with one of its events, or a cause that has none; for "events", "entities" and other
    layers it is a span, with a column for each type of relation that leads from it. Each row begins with the document's
    id, or its number if it has none, and its meta: the keys that ``meta`` names, or those of the first document that
    hold one value; a key that comes later is counted as a loss. What belongs to other rows is left out by design.
    ``separator`` ";" is for an Excel that parts columns so, as it does in some languages.
    Raises ArabieError for rows that the schema does not have, and for a separator that is no comma, semicolon or tab.
    """
    kinds = [*(layer.name for layer in schema.layers), "relations"]
    if rows not in kinds:
        raise ArabieError(f"rows={rows!r} is neither a layer of the schema {schema.name!r} nor relations; "
                          f"{nearest(rows, kinds)}")
    if separator not in SEPARATORS:
        raise ArabieError(f"separator {separator!r} parts no columns; use a comma, a semicolon or a tab")
    documents = iter(documents)
    first = next(documents, Document(""))
    keys = _single(first) if meta is None else listed(meta)
    columns = _columns(rows, schema)
    with atomic_writer(path) as stream:
        stream.write("\ufeff")
        table = csv.DictWriter(stream, ["document", *map("meta.{}".format, keys), *columns, "sentence"],
                               extrasaction="ignore", delimiter=separator)
        table.writeheader()
        for number, document in enumerate(chain([first], documents), 1):
            document = document if document.schema is schema else replace(document, schema=schema)
            _count_left_out(document, rows, columns, losses)
            if meta is None:
                _count_later(document, keys, losses)
            about = {"document": number if document.id is None else document.id}
            about |= {f"meta.{key}": document.meta.get(key) for key in keys}
            for cells in _with_sentences(_rows(document, rows), document.text):
                table.writerow({column: _cell(value) for column, value in (about | cells).items()})


def _single(document: Document) -> list[str]:
    """The keys of a document's meta that hold one value, not a list or an object."""
    return [key for key, value in document.meta.items() if value is None or isinstance(value, (str, int, float))]


def _columns(rows: str, schema: Schema) -> list[str]:
    """The columns between the meta and the sentence."""
    if rows == "relations":
        return ["type", *HEAD, *TAIL, "score"]
    if rows not in ("events", "causes"):
        return [*_fields(SPAN, rows, schema), *_roles(rows, schema)]
    events = [*_fields(EVENT, "events", schema), *_roles("events", schema)]
    if rows == "events":
        return [*events, "causes", "cause_types"]
    slots = dict.fromkeys(slot for label in schema.labels("causes") for slot in schema.slots(label))
    return [*_fields(CAUSE, "causes", schema), *slots, *events]


def _fields(names: Sequence[str], layer: str, schema: Schema) -> list[str]:
    """The names without that of the status, if a layer has none."""
    with_status = any(map(schema.default_status, schema.labels(layer)))
    return [name for name in names if with_status or not name.endswith("status")]


def _roles(layer: str, schema: Schema) -> list[str]:
    """A column for each type of relation that leads from a layer."""
    labels, (place, part_of) = schema.labels(layer), WITHIN
    roles = [relation.name for relation in schema.relations if any(head in labels for head, _ in relation.joins)]
    if place in roles and part_of in schema.relation_names:
        roles.insert(roles.index(place) + 1, f"{place} within")
    return roles


def _rows(document: Document, rows: str) -> Iterator[Row]:
    if rows == "relations":
        for relation in document.relations:
            ends = _named(HEAD, relation.head) | _named(TAIL, relation.tail)
            yield ends | {"type": relation.type, "score": _rounded(relation.score)}, (relation.head, relation.tail)
    elif rows == "causes":
        yield from _causes(document)
    elif rows == "events":
        links = _links(document)
        for event in document.events:
            types = BETWEEN.join(cause.label for cause in event.causes)
            cells = _named(EVENT, event.trigger) | _linked(event.trigger, links)
            yield cells | {"causes": _joined(event.causes), "cause_types": types}, (event.trigger,)
    else:
        links = _links(document)
        for span in document.layer(rows):
            yield _named(SPAN, span) | _linked(span, links), (span,)


def _causes(document: Document) -> Iterator[Row]:
    """Each cause with each of its events, or alone if it has none."""
    links, events = _links(document), {}
    for event in document.events:
        for cause in event.causes:
            events.setdefault(cause.span, []).append(event.trigger)
    for cause in document.causes:
        cells = _named(CAUSE, cause.span) | {slot: _joined(spans) for slot, spans in cause.slots.items()}
        for trigger in events.get(cause.span, ()):
            yield cells | _named(EVENT, trigger) | _linked(trigger, links), (cause.span, trigger)
        if cause.span not in events:
            yield cells, (cause.span,)


def _named(names: Sequence[str], span: Span) -> dict[str, Any]:
    return dict(zip(names, (span.label, span.status, span.text, span.start, span.end, _rounded(span.score))))


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


def _links(document: Document) -> Links:
    links: dict[Span, dict[str, list[Span]]] = {}
    for relation in document.relations:
        links.setdefault(relation.head, {}).setdefault(relation.type, []).append(relation.tail)
    return links


def _linked(span: Span, links: Links) -> dict[str, str]:
    """What a span's relations lead to, by their type, and the places around its own, nearest first."""
    tails, (place, part_of) = links.get(span, {}), WITHIN
    places = list(tails.get(place, ()))
    for found in places:  # grows as it is gone through
        places += [wider for wider in links.get(found, {}).get(part_of, ()) if wider not in places]
    around = places[len(tails.get(place, ())):]
    return {role: _joined(spans) for role, spans in tails.items()} | {f"{place} within": _joined(around)}


def _joined(spans: Iterable[Span | Cause]) -> str:
    return BETWEEN.join(span.text for span in spans)


def _with_sentences(rows: Iterable[Row], text: str) -> Iterator[dict[str, Any]]:
    """The cells of the rows, and the sentences of their spans; the end of a line ends a sentence, too."""
    edges = [0, *(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]
    for cells, spans in rows:
        ranges = ((edges[bisect_right(edges, span.start) - 1], edges[bisect_left(edges, span.end)]) for span in spans)
        yield cells | {"sentence": BETWEEN.join(text[start:end].strip() for start, end in dict.fromkeys(ranges))}


def _cell(value: Any) -> Any:
    """A value as it stands in the table: numbers as they are, text in one line and never a formula."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _count_left_out(document: Document, rows: str, columns: Sequence[str], losses: Losses) -> None:
    """Count the parts of spans that no cell tells, and what the schema does not know."""
    count_uncarried(document, losses, {"relations", "status", "score", "id", "meta"})
    if rows == "relations":
        return
    name, heads = name_of(document), document.schema.labels("events" if rows == "causes" else rows)
    for span in document.spans:
        if document.schema.layer_of(span.label) is None:
            losses.add("span with a label that the schema does not have",
                       f"{name}: {span.label} at {span.start}–{span.end}")
    for relation in document.relations:
        head = relation.head
        if head.label in heads and relation.type not in columns:
            losses.add("relation for which the schema has no column",
                       f"{name}: {relation.type} from {head.label} at {head.start}–{head.end}")


def _count_later(document: Document, keys: Sequence[str], losses: Losses) -> None:
    for key in _single(document):
        if key not in keys:
            losses.add("meta that the first document does not have; name the keys in the option meta",
                       f"{name_of(document)}: {key}")
