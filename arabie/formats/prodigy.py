"""Prodigy: JSONL of tasks with ``spans``, ``tokens`` and ``relations``; offsets in code points.

A relation's ``head`` and ``child`` are the numbers of the last tokens of its spans, and ``token_end`` is a span's last
token itself. Only tasks answered "accept", or not answered yet, are read. Prodigy passes keys it does not know through,
so a status, a score and ids are written as keys of their own; a span drawn anew in Prodigy has none of them. The keys
that Prodigy adds to a task are kept in ``meta["prodigy"]`` and written back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from arabie.document import Document, Relation, Span
from arabie.errors import FileError
from arabie.formats.files import read_records
from arabie.formats.losses import Losses
from arabie.formats.records import choose, count_unread, each_once, list_at, merged, score_at, shown, write_records
from arabie.formats.tokens import Tokens
from arabie.formats.uncarried import count_uncarried
from arabie.schema import Schema

ANSWERS = ("accept", "reject", "ignore")
SPAN = ("start", "end", "token_start", "token_end", "label", "text", "type", "status", "score", "id")
RELATION = ("head", "child", "label", "head_span", "child_span", "color", "score")
TASK = ("text", "spans", "tokens", "relations", "meta", "id", "answer")


@dataclass(frozen=True)
class Token:
    """A token of a task: its place in the text, and whether one space follows it that is no token itself."""

    start: int
    end: int
    spaced: bool = False


def read(path: str | Path, *, schema: Schema, losses: Losses) -> Iterator[Document]:
    """The Documents of the accepted tasks, a line at a time; rejected and ignored ones are counted.

    Raises FileError with file:line, also where a token or span repeats another text than stands at its offsets.
    """
    for where, record in read_records(path):
        answer = record.get("answer", "accept")
        if answer not in ANSWERS:
            raise FileError(f"{where}: the answer {shown(answer)} is none of Prodigy's; write {', '.join(ANSWERS)}")
        if answer == "accept":
            yield _Task(where, record, schema, losses).document()
        else:
            losses.add(f'task answered "{answer}"', where)


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses) -> None:
    """Write JSONL of tasks, not answered yet, for ``rel.manual``, ``spans.manual`` or ``db-in``.

    Where spans overlap, label with ``spans.manual``: Prodigy's other pages show no overlaps.
    """
    write_records((_record(document, schema, losses) for document in documents), path)


class _Task:
    """One task on its way to a Document."""

    def __init__(self, where: str, record: Mapping[str, Any], schema: Schema, losses: Losses) -> None:
        self.where, self.record, self.schema, self.losses = where, record, schema, losses
        self.text = record.get("text")
        if not isinstance(self.text, str):
            raise FileError(f'{where}: "text" is {shown(self.text)}; only tasks with a text as a string can be read')
        self.tokens = [self._token(item) for item in list_at(record, "tokens", where)]

    def document(self) -> Document:
        spans = [span for item in list_at(self.record, "spans", self.where) if (span := self._span(item))]
        unique = dict.fromkeys(spans)
        if len(unique) < len(spans):
            self.losses.add("span given twice", self.where, len(spans) - len(unique))
        drawn = list_at(self.record, "relations", self.where)
        relations = [relation for item in drawn if (relation := self._relation(item, list(unique)))]
        meta = self.record.get("meta") or {}
        if not isinstance(meta, dict):
            raise FileError(f'{self.where}: "meta" is {shown(meta)}; it must be an object')
        rest = {key: value for key, value in self.record.items() if key not in TASK}
        meta, id = merged((meta, {"prodigy": rest} if rest else {}), self.losses, self.where), self.record.get("id")
        return Document(self.text, tuple(unique), each_once(relations, self.losses, self.where),
                        None if id is None else str(id), meta, self.schema)

    def _range(self, item: Any, what: str) -> tuple[int, int]:
        """Start and end of a token or span, proved against the text it repeats."""
        if not isinstance(item, dict) or type(item.get("start")) is not int or type(item.get("end")) is not int:
            raise FileError(f'{self.where}: {what} {shown(item)} needs "start" and "end", as whole numbers')
        start, end = item["start"], item["end"]
        if not 0 <= start < end <= len(self.text):
            raise FileError(f"{self.where}: {what} {shown(item)} does not lie in the text of {len(self.text)} "
                            "characters; offsets are code points from 0, end exclusive")
        said = item.get("text")
        if said is not None and said != self.text[start:end]:
            raise FileError(f"{self.where}: {what} {shown(item)} says it is {said!r}, but the text at {start}–{end} is "
                            f"{self.text[start:end]!r}; one of them was changed: put it back")
        return start, end

    def _token(self, item: Any) -> Token:
        return Token(*self._range(item, "the token"))

    def _number(self, value: Any, what: str) -> Token:
        if type(value) is not int or not 0 <= value < len(self.tokens):
            raise FileError(f"{self.where}: {what} is {shown(value)}, but the task has {len(self.tokens)} tokens; "
                            "it is the number of a token, from 0; db-out exports tokens with the tasks")
        return self.tokens[value]

    def _span(self, item: Any) -> Span | None:
        start, end = self._range(item, "the span")
        if item.get("token_start") is not None and self._number(item["token_start"], "token_start").start != start:
            raise FileError(f"{self.where}: the span {shown(item)} does not start where its token_start does; "
                            "correct one of them")
        if item.get("token_end") is not None and self._number(item["token_end"], "token_end").end != end:
            raise FileError(f"{self.where}: the span {shown(item)} does not end where its token_end does; "
                            "token_end is the last token itself, not the one after it")
        label = item.get("label")
        if not isinstance(label, str):
            self.losses.add("span without a label", f"{self.where}: at {start}–{end}")
            return None
        count_unread(item, SPAN, self.losses, self.where)
        score, id = score_at(item, "a span", self.where), item.get("id")
        return Span(start, end, label, self._status(item), score, id=None if id is None else str(id))

    def _status(self, item: Mapping[str, Any]) -> str | None:
        status = item.get("status", self.schema.default_status(str(item.get("label"))))
        if status is not None and not isinstance(status, str):
            raise FileError(f"{self.where}: the status {shown(status)} of a span is no string")
        return status

    def _relation(self, item: Any, spans: Sequence[Span]) -> Relation | None:
        if not isinstance(item, dict):
            raise FileError(f"{self.where}: the relation {shown(item)} is no object with head, child and label")
        count_unread(item, RELATION, self.losses, self.where)
        label, score = item.get("label"), score_at(item, "a relation", self.where)
        heads, tails = (self._candidates(item, key, spans) for key in ("head", "child"))
        if not isinstance(label, str):
            self.losses.add("relation without a label", self.where)
            return None
        pair = choose(heads, tails, label, self.schema)
        if pair is None:
            self.losses.add("relation of a token that no span ends with", f"{self.where}: {label}")
            return None
        if len(heads) * len(tails) > 1:
            self.losses.add("relation of a token that several spans end with, given to the first the schema allows",
                            f"{self.where}: {label}")
        return Relation(label, *pair, score)

    def _candidates(self, item: Mapping[str, Any], key: str, spans: Sequence[Span]) -> list[Span]:
        """The spans that a relation's end may mean: those at its ``head_span``, or those whose last token it names."""
        stated = item.get(f"{key}_span")
        if stated is None:
            last = self._number(item.get(key), f"{key} of a relation")
            return [span for span in spans if span.end == last.end]
        start, end = self._range(stated, f"{key}_span")
        if item.get(key) is not None and self.tokens and self._number(item[key], f"{key} of a relation").end != end:
            raise FileError(f"{self.where}: the relation {shown(item)}: {key} is not the last token of {key}_span; "
                            "correct one of them")
        found = [span for span in spans
                 if (span.start, span.end) == (start, end) and stated.get("label") in (None, span.label)]
        return [span for span in found if span.status == self._status(stated)] or found


def _record(document: Document, schema: Schema, losses: Losses) -> dict[str, Any]:
    count_uncarried(document, losses, {"relations", "status", "score", "id", "meta"})
    tokens = _tokens(document, losses)
    starts = {token.start: number for number, token in enumerate(tokens)}
    ends = {token.end: number for number, token in enumerate(tokens)}
    spans = {span: {"start": span.start, "end": span.end, "token_start": starts[span.start],
                    "token_end": ends[span.end], "label": span.label, **_extras(span, schema)}
             for span in document.spans}
    relations = [{"head": ends[relation.head.end], "child": ends[relation.tail.end], "label": relation.type,
                  "head_span": spans[relation.head], "child_span": spans[relation.tail], **_given(score=relation.score)}
                 for relation in document.relations]
    added = document.meta.get("prodigy")
    added = added if isinstance(added, dict) and added.keys().isdisjoint(TASK) else {}
    meta = {key: value for key, value in document.meta.items() if key != "tokens" and (key != "prodigy" or not added)}
    rows = [{"text": document.text[token.start:token.end], "start": token.start, "end": token.end, "id": number,
             "ws": token.spaced} for number, token in enumerate(tokens)]
    return {**_given(id=document.id), "text": document.text, "tokens": rows, "spans": list(spans.values()),
            "relations": relations, **_given(meta=meta or None), **added}


def _extras(span: Span, schema: Schema) -> dict[str, Any]:
    """What Prodigy knows nothing of, under keys of its own."""
    status = None if span.status == schema.default_status(span.label) else span.status
    return _given(status=status, score=span.score, id=span.id)


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _tokens(document: Document, losses: Losses) -> list[Token]:
    """The document's tokens, cut at the edges of its spans.

    White space is a token too, but for one space after a token, which that token is ``spaced`` by.
    """
    text = document.text
    starts = {span.start for span in document.spans}
    ends = {span.end for span in document.spans}
    edges = (edge for token in Tokens.of(document, losses).flat for edge in token)
    cuts = sorted({0, len(text), *starts, *ends, *edges})
    tokens: list[Token] = []
    for start, end in pairwise(cuts):
        if text[start:end] == " " and tokens and not tokens[-1].spaced and start not in starts and end not in ends:
            tokens[-1] = replace(tokens[-1], spaced=True)
        else:
            tokens.append(Token(start, end))
    return tokens
