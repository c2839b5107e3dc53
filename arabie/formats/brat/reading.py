"""From the .txt and .ann files of one brat document to a Document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, DocumentError, FileError
from arabie.formats.brat.config import BOM, Convention, joined
from arabie.formats.brat.writing import Writing
from arabie.formats.files import decode, read_bytes, read_lines
from arabie.formats.losses import Losses
from arabie.formats.offsets import UNITS, Offsets

_ID = re.compile(r"\*|[TERAMN#][0-9]+\S*")
_TEXTBOUND = re.compile(r"(\S+) ([0-9]{1,15} [0-9]{1,15}(?:;[0-9]{1,15} [0-9]{1,15})*)\s*")
_RELATION = re.compile(r"(\S+)\s+([^\s:]+):(\S+)\s+([^\s:]+):(\S+)\s*")
_ATTRIBUTE = re.compile(r"(\S+) (\S+)(?: (.*\S))?\s*")


class Row(NamedTuple):
    """A line of an .ann file: where it stands, its id, what it says, the text it covers."""

    where: str
    id: str
    data: str
    covered: str
    line: str


class Textbound(NamedTuple):
    """A T line: its label and the parts of the text it covers, none if it covers nothing."""

    label: str
    parts: tuple[tuple[int, int], ...]


class Event(NamedTuple):
    """An E line: its trigger's id and its (role, id) arguments."""

    row: Row
    trigger: str
    arguments: list[tuple[str, str]]


class Reading:
    """One document's text and annotation lines on their way to a Document."""

    def __init__(self, name: str, stem: str, files: list[Path], convention: Convention) -> None:
        self.name = name
        self.convention = convention
        self.rows: dict[str, list[Row]] = {}
        for row in _rows(files):
            self.rows.setdefault(row.id[0], []).append(row)
        if not Path(f"{stem}.txt").exists():
            raise FileError(f"{stem}.txt: is missing; put the text that {files[0].name} annotates beside it, named so")
        data = read_bytes(f"{stem}.txt")
        self.text = decode(data, f"{stem}.txt")
        self.mark = BOM if data.startswith(BOM.encode()) and (self._fits(BOM) or not self._fits("")) else ""
        self.offsets = Offsets(self.mark + self.text, convention.unit)
        self.relations: dict[Relation, None] = {}
        self.lines: list[str] = []

    def document(self) -> Document:
        """The Document; FileError for a line that cannot be read."""
        self.textbounds = {row.id: self._textbound(row) for row in self._of("T")}
        self.events = {row.id: self._event(row) for row in self._of("E")}
        self.named = self._spans(self._statuses())
        spans = tuple(dict.fromkeys(filter(None, self.named.values())))
        bare = Document(self.text, spans, (), self.name, {}, self.convention.schema)
        for event in filter(None, self.events.values()):
            for role, target in event.arguments:
                self._relate(event.row, self.convention.role(role), event.trigger, target)
        ends = {row.id: self._relation(row) for row in self._of("R")}
        for row in self._of("*"):
            self._equivalence(row, {span: place for place, span in enumerate(bare.spans)})
        self.lines += [row.line for row in self._of("N#")]
        document = replace(bare, relations=tuple(self.relations))
        groups = {event.row.id: [event.trigger, *map(":".join, event.arguments)]
                  for event in self.events.values() if event}
        kept = self._kept(document, groups, ends)
        return replace(document, meta={"brat": kept}) if kept else document

    def _kept(self, document: Document, events: dict[str, list[str]],
              relations: dict[str, list[str]]) -> dict[str, object]:
        """What the Document has no place for; the ids of E and R only if writing would not give the same."""
        plain = Writing(document, replace(self.convention, losses=Losses()))
        kept = {"events": events if self.lines or events != plain.events else None,
                "relations": relations if self.lines or relations != plain.relations else None,
                "lines": self.lines}
        return {key: value for key, value in kept.items() if value}

    def _of(self, kinds: str) -> Iterator[Row]:
        for kind in kinds:
            yield from self.rows.get(kind, ())

    def _lost(self, cause: str, row: Row) -> None:
        self.convention.losses.add(cause, f"{row.where} {row.id}")

    def _textbound(self, row: Row) -> Textbound:
        label, given = _label_and_offsets(row)
        try:
            parts = [self.offsets.to_code_points(*pair) for pair in given]
        except DocumentError as error:
            raise FileError(f"{row.where}: {row.id}: {error}; {self._hint(row)}") from None
        if row.covered.strip() and not _covers(row, self.mark + self.text, parts):
            found = _text_of(self.mark + self.text, parts)
            raise FileError(f"{row.where}: {row.id} says it covers {row.covered!r}, but what stands there is "
                            f"{found!r}; {self._hint(row)}")
        parts = [(start - len(self.mark), end - len(self.mark)) for start, end in parts]
        if min(parts)[0] < 0:
            raise FileError(f"{row.where}: {row.id} covers the byte order mark of the text file; let it begin at 1")
        if sorted(parts) != parts:
            self._lost("order of the fragments of a span", row)
        full = sorted(part for part in parts if part[0] < part[1])
        if not full:
            self._lost("span of no characters, left out", row)
        if any(start < end for (_, end), (start, _) in zip(full, full[1:])):
            raise FileError(f"{row.where}: the fragments of {row.id} overlap; join those that do")
        return Textbound(label, joined(full, self.text))

    def _fits(self, mark: str) -> bool:
        """Whether the first T line that says what it covers is right if ``mark`` is counted."""
        row = next((row for row in self._of("T") if row.covered.strip()), None)
        return row is None or self._covered_by(row, mark + self.text, self.convention.unit)

    def _covered_by(self, row: Row, body: str, unit: str) -> bool:
        """Whether a line is right if its offsets count this unit of this text."""
        try:
            offsets = Offsets(body, unit)
            return _covers(row, body, [offsets.to_code_points(*pair) for pair in _label_and_offsets(row)[1]])
        except ArabieError:
            return False

    def _hint(self, row: Row) -> str:
        """What most likely made the offsets of a line disagree with its text."""
        body = self.mark + self.text
        if not row.covered.strip():
            return "put back the .txt that was annotated, or mend the offsets"
        if "\r\n" in body and self._covered_by(row, body.replace("\r\n", "\n"), self.convention.unit):
            return "the offsets count each CRLF as one character: give the .txt back the LF line ends it had"
        units = (unit for unit in UNITS if self._covered_by(row, body, unit))
        unit = next(units, None)
        if unit is None:
            return "put back the .txt that was annotated, or mend the offsets"
        return f"the offsets count {UNITS[unit]}: read it with unit={unit!r}"

    def _event(self, row: Row) -> Event | None:
        """The event of an E line; None, counted, if it has no trigger in the text."""
        head, *rest = row.data.split() or [""]
        kind, colon, trigger = head.partition(":")
        arguments = [tuple(argument.split(":")) for argument in rest]
        if not kind or any(len(argument) != 2 or not all(argument) for argument in arguments):
            raise FileError(f"{row.where}: an event is written TYPE:TRIGGER ROLE:ID ROLE:ID, not {row.data!r}")
        if not colon or trigger in self.textbounds and not self.textbounds[trigger].parts:
            self._lost("event without a trigger in the text, left out", row)
            return None
        if trigger not in self.textbounds:
            raise FileError(f"{row.where}: the trigger of {row.id} is {trigger!r}, but no T line has this id; "
                            "add it or mend the id")
        if self.textbounds[trigger].label != kind:
            raise FileError(f"{row.where}: {row.id} is a {kind}, but its trigger {trigger} is a "
                            f"{self.textbounds[trigger].label}; give both one type")
        return Event(row, trigger, arguments)

    def _statuses(self) -> dict[str, str]:
        """The status that attributes give each T and E id; attributes that are no status go to ``lines``."""
        meant = {attribute: status for status, attribute in self.convention.attributes.items()}
        relations = {row.id for row in self._of("R")}
        statuses: dict[str, str] = {}
        for row in self._of("AM"):
            match = _ATTRIBUTE.fullmatch(row.data)
            if not match:
                raise FileError(f"{row.where}: an attribute is written NAME ID, or NAME ID VALUE, not {row.data!r}")
            name, target, value = match.groups()
            if target not in self.textbounds and target not in self.events and target not in relations:
                raise _dangling(row, target)
            status = meant.get(f"{name} {value}" if value else name)
            if status is None or target in relations:
                self.lines.append(row.line)
            elif statuses.setdefault(target, status) != status:
                self._lost("second status of one span, left out", row)
        return statuses

    def _spans(self, statuses: dict[str, str]) -> dict[str, Span | None]:
        """What each T and E id stands for; None for what was left out. Spans that are the same are one."""
        named: dict[str, Span | None] = {}
        unique: dict[Span, Span] = {}
        events: dict[str, list[str]] = {}
        for name, event in self.events.items():
            named[name] = None
            if event:
                events.setdefault(event.trigger, []).append(name)
        for row in self._of("T"):
            label, parts = self.textbounds[row.id]
            own = [statuses.get(name) for name in events.get(row.id, [row.id])]
            if len(own) > 1:
                self._lost("events that share a trigger, made one (meta keeps their arguments apart)", row)
            if len(set(own)) > 1:
                self._lost("status of one of the events that share a trigger, given to all of them", row)
            default = self.convention.schema.default_status(label)
            status = next(filter(None, [*own, statuses.get(row.id), default]), None)
            span = _span(row.id, label, parts, status) if parts else None
            if span in unique:
                self._lost("span annotated twice, made one", row)
            named[row.id] = unique.setdefault(span, span) if span else None
            named |= dict.fromkeys(events.get(row.id, ()), named[row.id])
        return named

    def _relate(self, row: Row, kind: str, head: str, tail: str) -> None:
        for name in (head, tail):
            if name not in self.named:
                raise _dangling(row, name)
        if not self.named[head] or not self.named[tail]:
            self._lost("relation left out: one of its spans was", row)
            return
        relation = Relation(kind, self.named[head], self.named[tail])
        if relation in self.relations:
            self._lost("relation annotated twice, made one", row)
        self.relations[relation] = None

    def _relation(self, row: Row) -> list[str]:
        match = _RELATION.fullmatch(row.data)
        if not match:
            raise FileError(f"{row.where}: a relation is written TYPE Arg1:ID Arg2:ID, not {row.data!r}")
        kind, first, head, second, tail = match.groups()
        if (first, second) == ("Arg2", "Arg1"):
            first, head, second, tail = second, tail, first, head
        self._relate(row, kind, head, tail)
        return [kind, f"{first}:{head}", f"{second}:{tail}"]

    def _equivalence(self, row: Row, order: dict[Span, int]) -> None:
        kind, *names = row.data.split() or [""]
        if len(names) < 2:
            raise FileError(f"{row.where}: equivalents are written Equiv ID ID, two ids or more, not {row.data!r}")
        relation = kind if kind in self.convention.schema.relation_names else self.convention.alias
        if relation is None:
            self._lost("equivalence that no relation of the schema stands for (kept in meta)", row)
            self.lines.append(row.line)
            return
        first = min(names, key=lambda name: order.get(self.named.get(name), len(order)))
        for name in dict.fromkeys(names):
            if name != first:
                self._relate(row, relation, name, first)


def _rows(files: list[Path]) -> Iterator[Row]:
    """The lines of a document's annotation files, each with its id checked."""
    seen: dict[str, str] = {}
    for file in files:
        for number, line in read_lines(file):
            if not line.strip():
                continue
            where = f"{file}:{number}"
            id, tab, rest = line.partition("\t")
            if not tab:
                raise FileError(f"{where}: no tab after {id[:30]!r}; a line is an id, a tab, then the annotation")
            if not _ID.fullmatch(id):
                raise FileError(f"{where}: {id[:30]!r} is no id of brat; ids are T, E, R, A, M, N or # and a number, "
                                "or *")
            if id in seen and id != "*":
                raise FileError(f"{where}: the id {id} is used twice, first at {seen[id]}; give one a new number")
            seen[id] = where
            data, _, covered = rest.partition("\t")
            yield Row(where, id, data, covered, line)


def _dangling(row: Row, name: str) -> FileError:
    return FileError(f"{row.where}: {row.id} points to {name}, which this document does not have; "
                     "add it or mend the id")


def _span(id: str, label: str, parts: tuple[tuple[int, int], ...], status: str | None) -> Span:
    return Span(parts[0][0], parts[-1][1], label, status, fragments=parts if len(parts) > 1 else (), id=id)


def _label_and_offsets(row: Row) -> tuple[str, list[tuple[int, int]]]:
    match = _TEXTBOUND.fullmatch(row.data)
    if not match:
        raise FileError(f"{row.where}: a span is written TYPE START END, then a tab and its text, not {row.data!r}")
    label, places = match.groups()
    given = [(int(start), int(end)) for start, end in (place.split() for place in places.split(";"))]
    for start, end in given:
        if start > end:
            raise FileError(f"{row.where}: {row.id} ends at {end} before it starts at {start}; exchange the two")
    return label, given


def _text_of(text: str, parts: list[tuple[int, int]], between: str = " ") -> str:
    return between.join(text[start:end] for start, end in parts)


def _covers(row: Row, text: str, parts: list[tuple[int, int]]) -> bool:
    """Whether a line says it covers these parts, which a space parts (before brat 1.3, nothing).

    White space may differ in kind: brat writes a space for a line break.
    """
    said = {" ".join(re.split(r"\s+", covered)) for covered in (row.covered, row.covered.partition("\t")[0])}
    return any(" ".join(re.split(r"\s+", _text_of(text, parts, between))) in said for between in (" ", ""))
