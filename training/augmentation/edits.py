"""Changes to an annotated text that carry its spans along."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import NamedTuple

from arabie.document import Document, Relation, Span


class Edit(NamedTuple):
    """Put ``text`` in place of the characters from ``start`` to ``end``."""

    start: int
    end: int
    text: str


def rewrite(document: Document, edits: Iterable[Edit]) -> Document:
    """The document with the edits made, in whatever order they are given.

    What is put in at the edge of a span stays outside it. Raises ValueError for edits that overlap or that a span
    starts or ends inside of.

    >>> document = rewrite(Document("في حلب", [Span(3, 6, "LOC")]), [Edit(3, 6, "دير الزور"), Edit(3, 3, "#")])
    >>> document.text, document.spans[0].text
    ('في #دير الزور', 'دير الزور')
    """
    edits = sorted(edits)
    if not edits:
        return document
    if any(before.end > after.start for before, after in pairwise(edits)):
        raise ValueError(f"edits overlap: {edits}")
    ends = [edit.end for edit in edits]
    shifts = list(accumulate((len(edit.text) - (edit.end - edit.start) for edit in edits), initial=0))

    def moved(place: int, closing: bool) -> int:
        done = bisect_right(ends, place)
        while closing and done and edits[done - 1].start == place:
            done -= 1
        if done < len(edits) and edits[done].start < place:
            raise ValueError(f"a span starts or ends at {place}, inside of {edits[done]}")
        return place + shifts[done]

    return _respanned(document, _applied(document.text, edits), {
        span: replace(span, start=moved(span.start, False), end=moved(span.end, True), text="",
                      fragments=tuple((moved(start, False), moved(end, True)) for start, end in span.fragments))
        for span in document.spans})


def _applied(text: str, edits: list[Edit]) -> str:
    parts, at = [], 0
    for edit in edits:
        parts += [text[at:edit.start], edit.text]
        at = edit.end
    return "".join([*parts, text[at:]])


def keep(document: Document, start: int, end: int) -> Document:
    """The stretch of a document from ``start`` to ``end``, with the spans that lie wholly in it and their relations."""
    return _respanned(document, document.text[start:end], {
        span: replace(span, start=span.start - start, end=span.end - start, text="",
                      fragments=tuple((a - start, b - start) for a, b in span.fragments))
        for span in document.spans if start <= span.start and span.end <= end})


def respan(document: Document, starts: dict[Span, int]) -> Document:
    """The document with other starts of some spans."""
    spans = {span: replace(span, start=starts.get(span, span.start), text="") for span in document.spans}
    return _respanned(document, document.text, spans)


def _respanned(document: Document, text: str, spans: dict[Span, Span]) -> Document:
    """The document with another text and, for each span that is kept, another."""
    relations = tuple(Relation(relation.type, spans[relation.head], spans[relation.tail], relation.score)
                      for relation in document.relations if relation.head in spans and relation.tail in spans)
    return replace(document, text=text, spans=tuple(spans.values()), relations=relations)


def uncrossed(document: Document) -> set[int]:
    """The places in the text that no span starts or ends at."""
    edges = {place for span in document.spans for place in (span.start, span.end)}
    return set(range(1, len(document.text))) - edges
