"""The one currency: a Document is a text with labelled spans and the relations between them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count, pairwise
from json.encoder import encode_basestring as quoted
from math import isfinite
from typing import Any

from arabie.errors import DocumentError
from arabie.schema import Schema, default_schema
from arabie.spans import Relation, Span, made_relation, made_span

_encode = json.JSONEncoder(ensure_ascii=False).encode


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
    written. Raises DocumentError for a span outside the text or named twice, a relation whose ends are not spans, and a
    score that is no finite number.

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
        given = tuple(self.spans)
        completed = self._completed(given)
        spans = tuple(sorted(completed, key=_span_order))
        for before, span in pairwise(spans):
            if before.start == span.start and before == span:
                raise DocumentError(f"{self._where()}: {span.label} at {span.start}–{span.end} is there twice; remove one")
        object.__setattr__(self, "spans", spans)
        places = {id(span): place for place, span in enumerate(spans)}
        places |= {id(span): places[id(whole)] for span, whole in zip(given, completed) if span is not whole}
        object.__setattr__(self, "relations", self._joined(places))

    def _completed(self, given: Iterable[Span]) -> list[Span]:
        """The spans with their texts, and with the default status where a layer has statuses and a span gives none."""
        text, length, default_status, completed = self.text, len(self.text), self.schema.default_status, []
        for span in given:
            start, end, score = span.start, span.end, span.score
            if not 0 <= start < end <= length:
                self._check_range(span, start, end)
            if score is not None and not (type(score) is float and isfinite(score)):
                self._check_score(span)
            if span.fragments:
                self._check_fragments(span)
            status, covered = span.status or default_status(span.label), text[start:end]
            if span.status != status or span.text != covered:
                span = made_span(start, end, span.label, status, score, span.fragments, span.id, covered)
            completed.append(span)
        return completed

    def _joined(self, places: Mapping[int, int]) -> tuple[Relation, ...]:
        """The relations in the order of their spans, whose ``places`` are told by identity, since hashing is dear."""
        spans, equal, found = self.spans, {}, {}
        for relation in self.relations:
            score = relation.score
            if score is not None and not (type(score) is float and isfinite(score)):
                self._check_score(relation)
            head, tail = places.get(id(relation.head)), places.get(id(relation.tail))
            if head is None or tail is None:
                equal = equal or {span: place for place, span in enumerate(spans)}
                head, tail = (self._found(end, equal, relation) for end in (relation.head, relation.tail))
            key = head, tail, relation.type
            if key in found:
                raise DocumentError(f"{self._where()}: {self._told(relation)} is there twice; remove one")
            if relation.head is not spans[head] or relation.tail is not spans[tail]:
                relation = made_relation(relation.type, spans[head], spans[tail], score)
            found[key] = relation
        return tuple(map(found.get, sorted(found)))

    def _found(self, end: Span, places: Mapping[Span, int], relation: Relation) -> int:
        """The place of the span that equals a relation's end, which may lack the status that its label has."""
        place = places.get(replace(end, status=end.status or self.schema.default_status(end.label)))
        if place is None:
            raise DocumentError(f"{self._where()}: {self._told(relation)} points to {end.label} {end.start}–{end.end}, which is "
                                "not among the document's spans; add the span")
        return place

    def __hash__(self) -> int:
        return hash((self.text, self.spans, self.relations, self.id))

    def _where(self) -> str:
        return f"document {self.id!r}" if self.id is not None else "document"

    @staticmethod
    def _told(relation: Relation) -> str:
        return f"{relation.type} {relation.head.start}–{relation.head.end} → {relation.tail.start}–{relation.tail.end}"

    def _check_range(self, span: Span, start: int, end: int) -> None:
        if not 0 <= start < end <= len(self.text):
            raise DocumentError(f"{self._where()}: {span.label} at {start}–{end} does not lie in the text of "
                                f"{len(self.text)} characters; offsets are code points from 0, end exclusive")

    def _check_score(self, scored: Span | Relation) -> None:
        try:
            if isfinite(scored.score):
                return
        except (TypeError, ValueError, OverflowError):
            pass
        told = self._told(scored) if isinstance(scored, Relation) else f"{scored.label} at {scored.start}–{scored.end}"
        raise DocumentError(f"{self._where()}: the score of {told} is {scored.score!r}; "
                            "it must be a finite number or None")

    def _check_fragments(self, span: Span) -> None:
        for start, end in span.fragments:
            self._check_range(span, start, end)
        if (span.fragments[0][0], span.fragments[-1][1]) != (span.start, span.end):
            raise DocumentError(f"{self._where()}: the fragments of {span.label} do not reach from {span.start} to {span.end}")
        if any(before[1] > after[0] for before, after in pairwise(span.fragments)):
            raise DocumentError(f"{self._where()}: the fragments of {span.label} at {span.start}–{span.end} overlap or are out of order")

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
        found = {span: ({}, {}) for span in self.layer("events")}
        for relation in self.relations:
            if relation.head in found:
                found[relation.head][0].setdefault(relation.type, []).append(relation.tail)
            elif relation.tail in found and relation.head in causes:
                found[relation.tail][1][relation.head] = causes[relation.head]
        return tuple(Event(trigger, {role: tuple(spans) for role, spans in arguments.items()}, tuple(reasons.values()))
                     for trigger, (arguments, reasons) in found.items())

    def _cause(self, span: Span) -> Cause:
        inside = {slot: tuple(s for s in self.spans if s.label == label and span.start <= s.start and s.end <= span.end)
                  for slot, label in self.schema.slots(span.label).items()}
        return Cause(span, inside)

    def to_dict(self) -> dict[str, Any]:
        """The native form, ready for JSON: scores with four decimals, span ids kept, or given as T1, T2 … where a span
        has none or an earlier span's."""
        return {**json.loads(self._json("{}")), "meta": dict(self.meta)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], schema: Schema | None = None) -> Document:
        """The Document of a native dictionary. Raises DocumentError naming the part that is missing or wrong."""
        if not isinstance(data, Mapping) or not isinstance(data.get("text"), str):
            raise DocumentError('a document is an object with a "text" string')
        text, schema = _read_string(data, "text"), schema or default_schema()
        spans = [_read_span(item, number, text, schema) for number, item in enumerate(_rows(data, "spans"))]
        named = _by_id(spans)
        relations = [_read_relation(item, number, named) for number, item in enumerate(_rows(data, "relations"))]
        return cls(text, tuple(spans), tuple(relations), _read_string(data, "id", optional=True), _read_meta(data), schema)

    def to_json(self) -> str:
        """One line of the native JSONL format. Raises DocumentError for a meta that JSON cannot hold."""
        try:
            meta = _encode(dict(self.meta))
        except (TypeError, ValueError, RecursionError) as error:
            raise DocumentError(f"{self._where()}: its meta cannot be written as JSON: {error}") from None
        return self._json(meta)

    def _json(self, meta: str) -> str:
        """The native form as JSON, put together by hand in a third of the time that json.dumps takes."""
        try:
            names = list(map(quoted, _names(self.spans)))
            name_of = {id(span): name for span, name in zip(self.spans, names)}
            spans = ", ".join([  # the signs make numbers of bools
                f'{{"id": {name}, "start": {+span.start}, "end": {+span.end}, "label": {quoted(span.label)}'
                f'{_further(span, self.schema) if span.status or span.fragments or span.score is not None else ""}}}'
                for name, span in zip(names, self.spans)])
            relations = ", ".join([
                f'{{"type": {quoted(r.type)}, "head": {name_of[id(r.head)]}, "tail": {name_of[id(r.tail)]}'
                f'{"" if r.score is None else _scored(r.score)}}}' for r in self.relations])
            return (f'{{"id": {"null" if self.id is None else quoted(self.id)}, "text": {quoted(self.text)}, '
                    f'"spans": [{spans}], "relations": [{relations}], "meta": {meta}}}')
        except TypeError as error:
            raise DocumentError(f"{self._where()}: an id, label or type is no string: {error}") from None


def _names(spans: Iterable[Span]) -> list[str]:
    """A unique id for each span: its own, or the next free T number where it has none or an earlier span's."""
    names = [span.id for span in spans]
    taken = set(names)
    if len(taken) == len(names) and None not in taken:
        return names
    free = (name for name in map("T{}".format, count(1)) if name not in taken)
    unused = taken - {None}
    for place, name in enumerate(names):
        if name in unused:
            unused.remove(name)
        else:
            names[place] = next(free)
    return names


def _further(span: Span, schema: Schema) -> str:
    """What a span says beyond its place and label, as JSON with a comma before each field."""
    usual = not span.status or span.status == schema.default_status(span.label)
    told = "" if usual else f', "status": {quoted(span.status)}'
    if span.fragments:
        told += f', "fragments": {_encode(list(map(list, span.fragments)))}'
    return told if span.score is None else told + _scored(span.score)


def _scored(score: float) -> str:
    return f', "score": {round(float(score), 4)!r}'


def _rows(data: Mapping[str, Any], key: str) -> list:
    rows = data.get(key)
    if rows is not None and not isinstance(rows, list):
        raise DocumentError(f'"{key}" is a list')
    return rows or []


def _read_meta(data: Mapping[str, Any]) -> dict[str, Any]:
    meta = data.get("meta")
    if meta is None:
        return {}
    if not isinstance(meta, Mapping):
        raise DocumentError(f'"meta" is an object, not {meta!r}')
    try:
        _encode(meta).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise DocumentError(f'"meta" cannot be written as JSON: {error}') from None
    return dict(meta)


def _read_string(item: Mapping[str, Any], key: str, where: str = "", optional: bool = False) -> str | None:
    value = item.get(key)
    if value is None and optional:
        return None
    if not isinstance(value, str):
        raise DocumentError(f'{where}"{key}" is a string, not {value!r}')
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise DocumentError(f'{where}"{key}" holds half of a surrogate pair, {value[error.start]!a}, at character {error.start}; '
                                "take it out or put the whole character back") from None
    return value


def _read_offsets(start: Any, end: Any, where: str) -> tuple[int, int]:
    if type(start) is not int or type(end) is not int:  # a bool is an int, too
        raise DocumentError(f'{where}"start" and "end" are integers, not {start!r} and {end!r}')
    return start, end


def _read_score(item: Mapping[str, Any], where: str) -> float | None:
    score = item.get("score")
    if score is None:
        return None
    if type(score) not in (int, float) or not abs(score) <= sys.float_info.max:
        raise DocumentError(f'{where}"score" is a number or null, not {score!r}')
    return float(score)


def _read_fragments(item: Mapping[str, Any], where: str) -> tuple[tuple[int, int], ...]:
    parts = item.get("fragments")
    if parts is None:
        return ()
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, (list, tuple)) and len(part) == 2 for part in parts):
        raise DocumentError(f'{where}"fragments" is a list of [start, end] pairs, not {parts!r}')
    return tuple(_read_offsets(*part, where) for part in parts)


def _read_span(item: Any, number: int, text: str, schema: Schema) -> Span:
    if type(item) is dict and len(item) == 4 + ("score" in item):  # nearly every span; the checks below take far longer
        get = item.get
        start, end, label, name, score = get("start"), get("end"), get("label"), get("id"), get("score")
        if (type(start) is type(end) is int and type(label) is type(name) is str and label.isascii() and name.isascii()
                and (score is None or type(score) is float and isfinite(score))):
            return made_span(start, end, label, schema.default_status(label), score, (), name, text[start:end])
    where = f"spans[{number}]: "
    if not isinstance(item, dict):
        raise DocumentError(f"{where}a span is an object with start, end and label, not {item!r}")
    start, end = _read_offsets(item.get("start"), item.get("end"), where)
    label = _read_string(item, "label", where)
    status = _read_string(item, "status", where, optional=True) or schema.default_status(label)
    return Span(start, end, label, status, _read_score(item, where), _read_fragments(item, where), _read_string(item, "id", where, optional=True),
                text[start:end])


def _by_id(spans: Sequence[Span]) -> dict[str | None, Span]:
    named = {span.id: span for span in reversed(spans)}
    for number, span in enumerate(spans) if len(named) < len(spans) else ():
        if span.id is not None and named[span.id] is not span:
            raise DocumentError(f"spans[{number}]: the id {span.id!r} is used twice; ids are unique in a document")
    return named


def _read_relation(item: Any, number: int, named: Mapping[str, Span]) -> Relation:
    if type(item) is dict and len(item) == 3:
        kind, head, tail = item.get("type"), item.get("head"), item.get("tail")
        if type(kind) is type(head) is type(tail) is str and kind.isascii() and head in named and tail in named:
            return made_relation(kind, named[head], named[tail], None)
    where = f"relations[{number}]: "
    if not isinstance(item, dict):
        raise DocumentError(f"{where}a relation is an object with type, head and tail, not {item!r}")
    ends = []
    for end in ("head", "tail"):
        span = named.get(_read_string(item, end, where))
        if span is None:
            raise DocumentError(f"{where}{end} {item[end]!r} is not the id of a span of this document")
        ends.append(span)
    return Relation(_read_string(item, "type", where), *ends, _read_score(item, where))
