"""DyGIE++ JSON lines, which PURE and SciERC share: tokens, ``ner``, ``relations`` and ``events``, sentence by sentence.

Tokens are counted through the whole document and ends are inclusive: [first, last, label], [first, last, first, last,
type], and for an event [[trigger, type], [first, last, role], …]. Every annotation lies within one sentence and a
trigger is one token. The text is rebuilt with one space between tokens and one line break between sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

from arabie.document import Document, Relation, Span
from arabie.errors import FileError
from arabie.formats.files import read_records
from arabie.formats.losses import Losses, name_of
from arabie.formats.records import (choose, count_unread, each_once, fields, list_at, shown, strings, token_range,
                                    write_records)
from arabie.formats.tags import Chunk
from arabie.formats.tokens import Tokens, count_respaced, place_spans
from arabie.formats.uncarried import count_uncarried
from arabie.schema import Schema

KEYS = ("doc_key", "dataset", "sentences", "ner", "relations", "events", "sentence_start", "_sentence_start")
EVENTS = "events"

Range = tuple[int, int]


def read(path: str | Path, *, schema: Schema, losses: Losses) -> Iterator[Document]:
    """The Documents of a file of JSON lines, or of one JSON list. Raises FileError with file:line and what to do."""
    for where, record in read_records(path):
        yield _Reading(record, where, schema, losses).document()


class _Reading:
    """One record on its way to a Document; ``spans`` are those over each token range, ner first, then triggers."""

    def __init__(self, record: dict[str, Any], where: str, schema: Schema, losses: Losses) -> None:
        self.record, self.where, self.schema, self.losses = record, where, schema, losses
        if "sentences" not in record:
            raise FileError(f'{where}: no "sentences"; a record has sentences, each a list of tokens')
        rows = list_at(record, "sentences", where)
        sentences = [strings(row, f'"sentences"[{number}]', where) for number, row in enumerate(rows)]
        self.bounds = [0, *accumulate(map(len, sentences))]
        self.tokens = Tokens.joined(sentences)
        self.spans: dict[Range, list[Span]] = {}

    def document(self) -> Document:
        count_unread(self.record, KEYS, self.losses, self.where)
        name = self.record.get("doc_key")
        if name is not None and not isinstance(name, str):
            raise FileError(f'{self.where}: "doc_key" is {shown(name)}; it must be a string')
        for sentence, item in self._items("ner"):
            first, last, label = fields(item, (int, int, str), "an item of ner", self.where)
            self._add(self._range(first, last, label, sentence), label)
        arguments = list(chain.from_iterable(self._event(*item) for item in self._items("events")))
        relations = each_once((*self._relations(), *self._arguments(arguments)), self.losses, self.where)
        spans = tuple(chain.from_iterable(self.spans.values()))
        return Document(self.tokens.text, spans, relations, name, self.tokens.meta, self.schema)

    def _items(self, key: str) -> Iterator[tuple[int, Any]]:
        rows = list_at(self.record, key, self.where, len(self.bounds) - 1)
        return ((sentence, item) for sentence, row in enumerate(rows) for item in row)

    def _range(self, first: int, last: int, what: str, sentence: int | None = None) -> Range:
        """The tokens of an annotation, which must be those of its sentence where one is given."""
        low, high = (0, self.bounds[-1]) if sentence is None else self.bounds[sentence:sentence + 2]
        return token_range(first, last, low, high, what, self.where)

    def _add(self, place: Range, label: str) -> Span | None:
        known = self.spans.setdefault(place, [])
        span = next((span for span in known if span.label == label), None)
        if span is not None:
            self.losses.add("span given twice", f"{self.where}: {label} at tokens {place[0]}–{place[1] - 1}")
            return span
        known += self.tokens.spans([Chunk(*place, label)], self.losses, self.where)
        return known[-1] if known else None

    def _event(self, sentence: int, event: Any) -> Iterator[tuple[Span | None, Range, str]]:
        """(trigger, the argument's tokens, role) for each argument."""
        if not isinstance(event, list) or not event or not isinstance(event[0], list):
            raise FileError(f"{self.where}: {shown(event)} in events; "
                            "an event is [[trigger, type], [first, last, role], …]")
        kinds = (int, str) if len(event[0]) < 3 or isinstance(event[0][1], str) else (int, int, str)
        *ends, label = fields(event[0], kinds, "a trigger in events", self.where)
        trigger = self._add(self._range(ends[0], ends[-1], label, sentence), label)
        for item in event[1:]:
            first, last, role = fields(item, (int, int, str), "an argument in events", self.where)
            yield trigger, self._range(first, last, role), role

    def _arguments(self, arguments: list[tuple[Span | None, Range, str]]) -> Iterator[Relation]:
        for trigger, place, role in arguments:
            chosen = choose([trigger] if trigger else [], self.spans.get(place, []), role, self.schema)
            if chosen is None:
                self.losses.add("argument that is not in ner", f"{self.where}: {role} at token {place[0]}")
            else:
                yield Relation(role, *chosen)

    def _relations(self) -> Iterator[Relation]:
        for _, item in self._items("relations"):
            *ends, type = fields(item, (int, int, int, int, str), "an item of relations", self.where)
            head, tail = self._range(*ends[:2], f"the head of {type}"), self._range(*ends[2:], f"the tail of {type}")
            chosen = choose(self.spans.get(head, []), self.spans.get(tail, []), type, self.schema)
            if chosen is None:
                self.losses.add("relation between spans that are not in ner", f"{self.where}: {shown(item)}")
            else:
                yield Relation(type, *chosen)


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses) -> None:
    """Write a record for each Document: one JSON list if the path ends in .json, else JSON lines.

    Spans of the layer ``events`` become triggers with their relations as arguments; all other spans become ner.
    """
    write_records((_record(document, number, schema, losses) for number, document in enumerate(documents, 1)), path)


def _record(document: Document, number: int, schema: Schema, losses: Losses) -> dict[str, Any]:
    count_uncarried(document, losses, {"relations", "id"})
    if document.id is None:
        losses.add("document without id, given its number for one", f"document-{number}")
    tokens = Tokens.of(document, losses)
    count_respaced(document, Tokens.joined(tokens.forms).text, losses)
    writing = _Writing(document, tokens, schema, losses)
    return {"doc_key": f"document-{number}" if document.id is None else document.id, "dataset": schema.name,
            "sentences": tokens.forms, "ner": writing.ner(), "relations": writing.relations, "events": writing.events}


class _Writing:
    """The annotations of one Document, by sentence."""

    def __init__(self, document: Document, tokens: Tokens, schema: Schema, losses: Losses) -> None:
        self.name, self.tokens, self.schema, self.losses = name_of(document), tokens, schema, losses
        self.placed = place_spans(document, tokens, losses)
        self.triggers: dict[Span, list] = {}
        self.events, self.relations = self._rows(), self._rows()
        for span in [span for span in self.placed if schema.layer_of(span.label) == EVENTS]:
            self._trigger(span)
        self.over: dict[Range, list[Span]] = {}
        for span in sorted(self.placed, key=lambda span: span in self.triggers):
            self.over.setdefault(self.placed[span], []).append(span)
        for relation in document.relations:
            self._relation(relation)

    def _rows(self) -> list[list]:
        return [[] for _ in self.tokens.sentences]

    def _trigger(self, span: Span) -> None:
        first, after = self.placed[span]
        if after - first > 1:
            self.losses.add("trigger of several tokens, cut to the first", f"{self.name}: {span.label} «{span.text}»")
            self.placed[span] = first, first + 1
        self.triggers[span] = [[first, span.label]]
        self.events[self.tokens.sentence_of(first)].append(self.triggers[span])

    def ner(self) -> list[list]:
        rows = self._rows()
        for span, (first, after) in self.placed.items():
            if span not in self.triggers:
                rows[self.tokens.sentence_of(first)].append([first, after - 1, span.label])
        return rows

    def _relation(self, relation: Relation) -> None:
        head, tail = self.placed.get(relation.head), self.placed.get(relation.tail)
        told = f"{self.name}: {relation.type} «{relation.head.text}» → «{relation.tail.text}»"
        if head is None or tail is None:
            return self.losses.add("relation of a span that is left out", told)
        sentence = self.tokens.sentence_of(head[0])
        if sentence != self.tokens.sentence_of(tail[0]):
            return self.losses.add("relation across sentences", told)
        argument = relation.head in self.triggers and relation.tail not in self.triggers
        heads = [relation.head] if argument else self.over[head]
        if choose(heads, self.over[tail], relation.type, self.schema) != (relation.head, relation.tail):
            return self.losses.add("relation of one of several spans over the same tokens", told)
        if argument:
            self.triggers[relation.head].append([tail[0], tail[1] - 1, relation.type])
        else:
            self.relations[sentence].append([head[0], head[1] - 1, tail[0], tail[1] - 1, relation.type])
        return None
