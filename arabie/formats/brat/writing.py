"""From a Document to the lines of a brat .ann file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, count
from typing import Any

from arabie.document import Document, Relation, Span
from arabie.errors import DocumentError
from arabie.formats.brat.config import BOM, BREAKS, EVENTS, Convention, joined
from arabie.formats.losses import name_of
from arabie.formats.offsets import UNITS, Offsets
from arabie.formats.uncarried import count_uncarried

_STORABLE = re.compile(r"[^\s:]+")


class Writing:
    """The annotations of one Document laid out for brat.

    ``events`` maps E ids to their trigger and ``ROLE:id`` arguments, ``relations`` R ids to their type and ``NAME:id``
    ends; what ``meta["brat"]`` keeps of an earlier reading is followed where it still fits the Document.
    """

    def __init__(self, document: Document, convention: Convention) -> None:
        self.document = document
        self.convention = convention
        self.kept = _kept(document.meta.get("brat"))
        body = BOM + document.text if document.text.startswith(BOM) else document.text
        self.shift = len(body) - len(document.text)
        self.offsets = Offsets(body, convention.unit)
        self.parts = {span: parts for span in document.spans if (parts := self._parts(span))}
        self.ids = _span_ids(self.parts)
        self.events: dict[str, list[str]] = {}
        self.relations: dict[str, list[str]] = {}
        self.equivalents: dict[str, list[str]] = {}
        self.named, self.targets = self._name()
        self._lay_out([relation for relation in document.relations if self._carried(relation)])

    def lines(self) -> Iterator[str]:
        """The lines of the .ann file, without their ends; losses are counted on the way."""
        text = self.document.text
        for span, parts in self.parts.items():
            places = ";".join("{} {}".format(*self._offsets(*part)) for part in parts)
            yield f"{self.ids[span]}\t{span.label} {places}\t{' '.join(text[start:end] for start, end in parts)}"
        for name, (trigger, *arguments) in self.events.items():
            yield f"{name}\t{' '.join((f'{self.named[trigger].label}:{trigger}', *arguments))}"
        for name, row in self.relations.items():
            yield f"{name}\t{' '.join(row)}"
        for first, others in self.equivalents.items():
            yield f"*\tEquiv {' '.join((first, *others))}"
        kept = list(self._kept_lines())
        yield from self._attributes({line.partition("\t")[0] for line in kept})
        yield from kept
        rest = {key: value for key, value in self.document.meta.items() if key != "brat" or not self.kept}
        carried = {"relations", "status", "fragments", "id"}
        count_uncarried(replace(self.document, meta=rest), self.convention.losses, carried)

    def _lost(self, cause: str, example: str) -> None:
        self.convention.losses.add(cause, f"{name_of(self.document)}: {example}")

    def _offsets(self, start: int, end: int) -> tuple[int, int]:
        return self.offsets.from_code_points(start + self.shift, end + self.shift)

    def _parts(self, span: Span) -> tuple[tuple[int, int], ...]:
        """The stretches of text that brat shows for a span; none, counted, if it can show no such span."""
        told = f"{span.label} {span.start}–{span.end}"
        if not _STORABLE.fullmatch(span.label):
            self._lost("span left out: its label is not one word without a colon", told)
            return ()
        whole = span.fragments or ((span.start, span.end),)
        text = self.document.text
        parts = tuple(chain.from_iterable(_lines_of(text, *part) for part in joined(whole, text)))
        if not parts:
            self._lost("span left out: it covers line breaks alone", told)
            return ()
        try:
            for part in parts:
                self._offsets(*part)
        except DocumentError:
            self._lost(f"span left out: it begins or ends where {UNITS[self.convention.unit]} cannot divide", told)
            return ()
        if joined(parts, text) != whole or len(span.fragments) == 1:
            self._lost("span reshaped: line breaks at its edge, or fragments with only a line break between them", told)
        return parts

    def _carried(self, relation: Relation) -> bool:
        told = f"{relation.type} {relation.head.start}–{relation.head.end} → {relation.tail.start}–{relation.tail.end}"
        if not _STORABLE.fullmatch(relation.type):
            self._lost("relation left out: its type is not one word without a colon", told)
        elif relation.head not in self.parts or relation.tail not in self.parts:
            self._lost("relation left out: one of its spans was", told)
        else:
            return True
        return False

    def _name(self) -> tuple[dict[str, Span], dict[Span, list[str]]]:
        """What each T and E id stands for, and by which ids a span is referred to: its events', or its own."""
        named = {name: span for span, name in self.ids.items()}
        targets: dict[Span, list[str]] = {}
        for event, (trigger, *_) in self.kept.get("events", {}).items():
            if trigger in named:
                self.events[event] = [trigger]
                targets.setdefault(named[trigger], []).append(event)
        free = (name for name in (f"E{n}" for n in count(1)) if name not in self.events)
        for span, trigger in self.ids.items():
            if span not in targets and self.convention.schema.layer_of(span.label) == EVENTS:
                targets[span] = [next(free)]
                self.events[targets[span][0]] = [trigger]
        named |= {event: named[trigger] for event, (trigger,) in self.events.items()}
        return named, {span: targets.get(span, [name]) for span, name in self.ids.items()}

    def _lay_out(self, relations: list[Relation]) -> None:
        """Give each relation its line: the one it had, else Equiv, an event's argument, or R."""
        pending = dict.fromkeys(relations)
        settled = set()
        for event, (_, *arguments) in self.kept.get("events", {}).items():
            for argument in arguments:
                role, _, target = argument.partition(":")
                relation = self._kept_relation(self.convention.role(role), event, target)
                if relation in pending:
                    self.events[event].append(argument)
                    settled.add(relation)
        for name, (kind, *ends) in self.kept.get("relations", {}).items():
            relation = self._kept_relation(kind, *(end.partition(":")[2] for end in ends))
            if relation in pending and relation not in settled:
                self.relations[name] = [kind, *ends]
                settled.add(relation)
        order = {span: place for place, span in enumerate(self.parts)}
        free = (name for name in (f"R{n}" for n in count(1)) if name not in self.relations)
        for relation in pending:
            if relation in settled:
                continue
            head, tail = self.targets[relation.head][0], self.targets[relation.tail][0]
            if relation.type == self.convention.alias and order[relation.head] > order[relation.tail]:
                self.equivalents.setdefault(tail, []).append(head)
            elif argument := self._argument(head, relation.type, tail):
                self.events[head].append(argument)
            else:
                self.relations[next(free)] = [relation.type, f"Arg1:{head}", f"Arg2:{tail}"]

    def _kept_relation(self, kind: str, head: str, tail: str) -> Relation | None:
        named = self.named
        return Relation(kind, named[head], named[tail]) if head in named and tail in named else None

    def _argument(self, event: str, role: str, target: str) -> str | None:
        """``ROLE:id``, with the next free number; None if ``event`` is none or the role would be read as another."""
        if event not in self.events:
            return None
        taken = {argument.partition(":")[0] for argument in self.events[event][1:]}
        repeats = () if role[-1] in "0123456789" else (f"{role}{n}" for n in count(2))
        names = (name for name in chain([role], repeats) if name not in taken and self.convention.role(name) == role)
        name = next(names, None)
        return name and f"{name}:{target}"

    def _attributes(self, taken: set[str]) -> Iterator[str]:
        free = (name for name in (f"A{n}" for n in count(1)) if name not in taken)
        for span, targets in self.targets.items():
            name, _, value = self.convention.attributes.get(span.status, "").partition(" ")
            if name:
                yield from (f"{next(free)}\t{' '.join(filter(None, (name, target, value)))}" for target in targets)
            elif span.status not in (None, self.convention.schema.default_status(span.label)):
                self._lost("status that no attribute stands for", f"{span.label} {span.start}–{span.end} {span.status}")

    def _kept_lines(self) -> Iterator[str]:
        """Notes, normalizations and other attributes of an earlier reading whose subject is still there."""
        lines = self.kept.get("lines", ())
        known = {*self.named, *self.relations, *(line.partition("\t")[0] for line in lines)}
        for line in lines:
            name, data, *_ = (*line.split("\t"), "")
            subjects = data.split()[1:] if name == "*" else data.split()[1:2]
            if known.issuperset(subjects):
                yield line
            else:
                self._lost("note, normalization or attribute of something that is no longer there", line)


def _kept(kept: Any) -> Mapping[str, Any]:
    """What ``meta["brat"]`` holds, if it has the form that reading gives it, else nothing."""
    if not isinstance(kept, Mapping):
        return {}
    events, relations, lines = kept.get("events", {}), kept.get("relations", {}), kept.get("lines", [])
    if not isinstance(events, Mapping) or not isinstance(relations, Mapping):
        return {}
    rows = (lines, *events.values(), *relations.values())
    sound = all(isinstance(row, list) and all(isinstance(item, str) for item in row) for row in rows)
    return kept if sound and all(events.values()) and all(len(row) == 3 for row in relations.values()) else {}


def _lines_of(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A stretch of text divided at its line breaks."""
    for gap in BREAKS.finditer(text, start, end):
        if gap.start() > start:
            yield start, gap.start()
        start = gap.end()
    if start < end:
        yield start, end


def _span_ids(spans: Iterable[Span]) -> dict[Span, str]:
    """A T id for each span: its own, if brat can hold it and no span before has it, else the next free one."""
    own: dict[str, Span] = {}
    for span in spans:
        if span.id is not None and re.fullmatch("T[0-9]+", span.id):
            own.setdefault(span.id, span)
    names = {span: name for name, span in own.items()}
    free = (name for name in (f"T{n}" for n in count(1)) if name not in own)
    return {span: names.get(span) or next(free) for span in spans}
