"""The one currency: a Document is a text with labelled spans and the relations between them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from arabie.errors import DocumentError
from arabie.schema import Schema, default_schema


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled stretch of a text: ``start`` and ``end`` are code points, end-exclusive.

    ``score`` is a probability, or None where nothing scored it. ``text`` is filled in by the Document.
    ``fragments`` is empty unless the span is discontinuous; then it lists its parts and start and end are their hull.
    ``id``, ``score`` and ``text`` are left out of comparison.
    """

    start: int
    end: int
    label: str
    status: str | None = None
    score: float | None = field(default=None, compare=False)
    fragments: tuple[tuple[int, int], ...] = ()
    id: str | None = field(default=None, compare=False)
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Relation:
    """A typed link from one span to another; ``score`` is left out of comparison."""

    type: str
    head: Span
    tail: Span
    score: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Cause:
    """A stated reason. ``slots`` holds what the schema looks for inside it, such as the front that is feared."""

    span: Span
    slots: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)

    start = property(lambda self: self.span.start)
    end = property(lambda self: self.span.end)
    label = property(lambda self: self.span.label)
    text = property(lambda self: self.span.text)
    score = property(lambda self: self.span.score)

    @property
    def front(self) -> Span | None:
        """The place of the front that is feared, or None."""
        return next(iter(self.slots.get("front", ())), None)


@dataclass(frozen=True)
class Event:
    """A trigger with its status, its arguments by role and its causes."""

    trigger: Span
    arguments: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()

    start = property(lambda self: self.trigger.start)
    end = property(lambda self: self.trigger.end)
    type = property(lambda self: self.trigger.label)
    label = property(lambda self: self.trigger.label)
    status = property(lambda self: self.trigger.status)
    text = property(lambda self: self.trigger.text)
    score = property(lambda self: self.trigger.score)


def _span_order(span: Span) -> tuple:
    return span.start, -span.end, span.label, span.fragments, span.status or ""


@dataclass(frozen=True)
class Document:
    """A text with its spans and relations, checked on creation, compared by value.

    Spans are kept in text order. ``schema`` tells which label belongs to which layer; it is not compared and not
    written. Raises DocumentError for a span outside the text or named twice, and a relation whose ends are not spans.

    >>> document = Document("انشق ضابط", [Span(0, 4, "DEFECTION"), Span(5, 9, "ROLE")])
    >>> [(span.text, span.label, span.status) for span in document.spans]
    [('انشق', 'DEFECTION', 'ACTUAL'), ('ضابط', 'ROLE', None)]
    """

    text: str
    spans: tuple[Span, ...] = ()
    relations: tuple[Relation, ...] = ()
    id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    schema: Schema = field(default_factory=default_schema, compare=False, repr=False)

    def __post_init__(self) -> None:
        kept = {}
        for span in self.spans:
            if span in kept:
                raise DocumentError(f"{self._where()}: {span.label} at {span.start}–{span.end} is there twice; remove one")
            kept[span] = self._completed(span)
        relations, seen = [], set()
        for relation in self.relations:
            if relation in seen:
                raise DocumentError(f"{self._where()}: {self._told(relation)} is there twice; remove one")
            seen.add(relation)
            for span in (relation.head, relation.tail):
                if span not in kept:
                    raise DocumentError(f"{self._where()}: {self._told(relation)} points to {span.label} "
                                        f"{span.start}–{span.end}, which is not among the document's spans; add the span")
            relations.append(replace(relation, head=kept[relation.head], tail=kept[relation.tail]))
        relations.sort(key=lambda r: (_span_order(r.head), _span_order(r.tail), r.type))
        object.__setattr__(self, "spans", tuple(sorted(kept.values(), key=_span_order)))
        object.__setattr__(self, "relations", tuple(relations))

    def __hash__(self) -> int:
        return hash((self.text, self.spans, self.relations, self.id))

    def _where(self) -> str:
        return f"document {self.id!r}" if self.id is not None else "document"

    @staticmethod
    def _told(relation: Relation) -> str:
        return f"{relation.type} {relation.head.start}–{relation.head.end} → {relation.tail.start}–{relation.tail.end}"

    def _completed(self, span: Span) -> Span:
        """The span with its text, and with the default status where its layer has statuses and it gives none."""
        for start, end in ((span.start, span.end), *span.fragments):
            if not 0 <= start < end <= len(self.text):
                raise DocumentError(f"{self._where()}: {span.label} at {start}–{end} does not lie in the text of "
                                    f"{len(self.text)} characters; offsets are code points from 0, end exclusive")
        if span.fragments and (span.fragments[0][0], span.fragments[-1][1]) != (span.start, span.end):
            raise DocumentError(f"{self._where()}: the fragments of {span.label} do not reach from {span.start} to {span.end}")
        return replace(span, text=self.text[span.start:span.end], status=span.status or self.schema.default_status(span.label))

    def layer(self, name: str) -> tuple[Span, ...]:
        """The spans of one layer, in text order."""
        labels = self.schema.labels(name)
        return tuple(span for span in self.spans if span.label in labels)

    @property
    def entities(self) -> tuple[Span, ...]:
        return self.layer("entities")

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        return tuple(self._cause(span) for span in self.layer("causes"))

    @cached_property
    def events(self) -> tuple[Event, ...]:
        causes = {cause.span: cause for cause in self.causes}
        found = {span: ({}, []) for span in self.layer("events")}
        for relation in self.relations:
            if relation.head in found:
                found[relation.head][0].setdefault(relation.type, []).append(relation.tail)
            elif relation.tail in found and relation.head in causes:
                found[relation.tail][1].append(causes[relation.head])
        return tuple(Event(trigger, {role: tuple(spans) for role, spans in arguments.items()}, tuple(reasons))
                     for trigger, (arguments, reasons) in found.items())

    def _cause(self, span: Span) -> Cause:
        inside = {slot: tuple(s for s in self.spans if s.label == label and span.start <= s.start and s.end <= span.end)
                  for slot, label in self.schema.slots(span.label).items()}
        return Cause(span, inside)

    def to_dict(self) -> dict[str, Any]:
        """The native form, ready for JSON; span ids are kept, and given as T1, T2 … where there are none."""
        names = _names(self.spans)
        spans = [{"id": names[span], **_span_fields(span, self.schema)} for span in self.spans]
        relations = [{"type": r.type, "head": names[r.head], "tail": names[r.tail], **_scored(r.score)} for r in self.relations]
        return {"id": self.id, "text": self.text, "spans": spans, "relations": relations, "meta": dict(self.meta)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], schema: Schema | None = None) -> Document:
        """The Document of a native dictionary. Raises DocumentError naming the part that is missing or wrong."""
        if not isinstance(data, Mapping) or not isinstance(data.get("text"), str):
            raise DocumentError('a document is an object with a "text" string')
        spans, named = [], {}
        for number, item in enumerate(_rows(data, "spans")):
            span = _read_span(item, number)
            if span.id in named:
                raise DocumentError(f"spans[{number}]: the id {span.id!r} is used twice; ids are unique in a document")
            spans.append(span)
            if span.id is not None:
                named[span.id] = span
        relations = [_read_relation(item, number, named) for number, item in enumerate(_rows(data, "relations"))]
        meta = data.get("meta") or {}
        if not isinstance(meta, Mapping):
            raise DocumentError('"meta" is an object')
        return cls(data["text"], tuple(spans), tuple(relations), data.get("id"), dict(meta), schema or default_schema())

    def to_json(self) -> str:
        """One line of the native JSONL format."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


def _names(spans: Iterable[Span]) -> dict[Span, str]:
    """A unique id for each span: its own, or the next free T number."""
    spans = list(spans)
    taken = {span.id for span in spans if span.id is not None}
    if len(taken) < sum(span.id is not None for span in spans):
        taken, spans = set(), [replace(span, id=None) for span in spans]
    free = (name for name in (f"T{n}" for n in range(1, 2 * len(spans) + 2)) if name not in taken)
    return {span: span.id if span.id is not None else next(free) for span in spans}


def _span_fields(span: Span, schema: Schema) -> dict[str, Any]:
    fields: dict[str, Any] = {"start": span.start, "end": span.end, "label": span.label}
    if span.status and span.status != schema.default_status(span.label):
        fields["status"] = span.status
    if span.fragments:
        fields["fragments"] = [list(part) for part in span.fragments]
    return fields | _scored(span.score)


def _scored(score: float | None) -> dict[str, float]:
    return {} if score is None else {"score": round(float(score), 4)}


def _rows(data: Mapping[str, Any], key: str) -> list:
    rows = data.get(key)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise DocumentError(f'"{key}" is a list')
    return rows


def _read_span(item: Any, number: int) -> Span:
    if not isinstance(item, Mapping):
        raise DocumentError(f"spans[{number}] is an object with start, end and label")
    for key, kind in (("start", int), ("end", int), ("label", str)):
        if not isinstance(item.get(key), kind) or isinstance(item.get(key), bool):
            raise DocumentError(f'spans[{number}] needs "{key}", a{"n integer" if kind is int else " string"}, not {item.get(key)!r}')
    try:
        fragments = tuple((int(start), int(end)) for start, end in item.get("fragments") or ())
        score = None if item.get("score") is None else float(item["score"])
    except (TypeError, ValueError):
        raise DocumentError(f"spans[{number}]: score is a number and fragments are [start, end] pairs") from None
    return Span(item["start"], item["end"], item["label"], item.get("status"), score, fragments, item.get("id"))


def _read_relation(item: Any, number: int, named: Mapping[Any, Span]) -> Relation:
    if not isinstance(item, Mapping) or not isinstance(item.get("type"), str):
        raise DocumentError(f"relations[{number}] is an object with type, head and tail")
    for end in ("head", "tail"):
        if item.get(end) not in named:
            raise DocumentError(f"relations[{number}]: {end} {item.get(end)!r} is not the id of a span of this document")
    return Relation(item["type"], named[item["head"]], named[item["tail"]], item.get("score"))
