"""What went wrong, one item a mistake.

Spans of a layer that are not exactly right are paired one to one, and each pair is one mistake, in this order:
``type`` (same extent, another label), ``boundary`` (same label, overlapping, another extent), ``boundary+type``
(overlapping, another extent and label). What stays without partner is ``missed`` (gold) or ``spurious`` (predicted).
So every gold and every predicted span that is not exactly right is in one mistake.

Relations likewise: ``type`` (same ends, another type), ``direction`` (same type, head and tail changed places),
``boundary`` (a relaxed match: the ends overlap), ``missed`` and ``spurious``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from arabie.document import Relation, Span
from arabie.evaluation import relations
from arabie.evaluation.matching import Ends, Kind, matching
from arabie.evaluation.pairs import Pair, relations_of, spans_of
from arabie.schema import Schema

KINDS = ("type", "boundary", "boundary+type", "direction", "missed", "spurious")
REACH = 40  # characters of context on either side

Item = TypeVar("Item", Span, Relation)


@dataclass(frozen=True)
class Mistake(Generic[Item]):
    """One mistake: ``gold`` is None if spurious, ``predicted`` if missed.

    ``layer`` is the layer's name, or None for a relation. ``context`` is the text around both, on one line.
    """

    document: str
    layer: str | None
    kind: str
    gold: Item | None
    predicted: Item | None
    context: str

    def to_dict(self) -> dict[str, Any]:
        """The fields, ready for JSON: a span as label, start, end, text, score, and a relation as type, head, tail."""
        return {"document": self.document, "layer": self.layer, "kind": self.kind, "gold": _fields(self.gold),
                "predicted": _fields(self.predicted), "context": self.context}


def mistakes(pair: Pair, schema: Schema) -> Iterator[Mistake]:
    """The mistakes of one document: layer by layer in the schema's order, then relations; each in text order."""
    for layer in schema.layers:
        found = _compared(spans_of(pair.gold, layer), spans_of(pair.predicted, layer), _SPAN_ROUNDS)
        yield from _described(pair, layer.name, found, _itself)
    found = _compared(relations_of(pair.gold, schema), relations_of(pair.predicted, schema), _RELATION_ROUNDS)
    yield from _described(pair, None, found, relations.ends)


def _described(pair: Pair, layer: str | None, found: list[tuple[str, Item | None, Item | None]],
               ends: Ends) -> list[Mistake]:
    made = []
    for kind, gold, predicted in found:
        spans = [span for item in (gold, predicted) if item is not None for span in ends(item)]
        made.append((spans[0].start, Mistake(pair.name, layer, kind, gold, predicted, context(pair.text, spans))))
    return [mistake for _, mistake in sorted(made, key=lambda entry: entry[0])]


def _compared(gold: Sequence[Item], predicted: Sequence[Item],
              rounds: Sequence[tuple[str, Kind, Ends]]) -> list[tuple[str, Item | None, Item | None]]:
    """(kind, gold, predicted) of all that is not exactly right; each round pairs what the rounds before left over."""
    found, done = [], set(gold) & set(predicted)
    gold, predicted = ([item for item in side if item not in done] for side in (gold, predicted))
    for name, kind, ends in rounds:
        pairs = matching(gold, predicted, kind, ends)
        found += [(name, *pair) for pair in pairs]
        matched_gold, matched_predicted = map(set, zip(*pairs)) if pairs else (set(), set())
        gold = [item for item in gold if item not in matched_gold]
        predicted = [item for item in predicted if item not in matched_predicted]
    return found + [("missed", item, None) for item in gold] + [("spurious", None, item) for item in predicted]


def _itself(span: Span) -> tuple[Span]:
    return (span,)


def _undirected(relation: Relation) -> tuple[Span, ...]:
    return tuple(sorted(relations.ends(relation), key=lambda span: (span.start, span.end, span.label, span.fragments)))


_SPAN_ROUNDS = (
    ("type", lambda span: (span.start, span.end, span.fragments), _itself),
    ("boundary", lambda span: span.label, _itself),
    ("boundary+type", lambda span: None, _itself),
)
_RELATION_ROUNDS = (
    ("type", relations.ends, relations.ends),
    ("direction", lambda relation: (relation.type, _undirected(relation)), _undirected),
    ("boundary", relations.kind, relations.ends),
)


def _fields(item: Span | Relation | None) -> dict[str, Any] | None:
    if item is None:
        return None
    if isinstance(item, Relation):
        return {"type": item.type, "head": _fields(item.head), "tail": _fields(item.tail)}
    pieces = {"fragments": [list(piece) for piece in item.fragments]} if item.fragments else {}
    return {"label": item.label, "start": item.start, "end": item.end, **pieces, "text": item.text,
            "score": None if item.score is None else float(item.score)}


def context(text: str, spans: Sequence[Span]) -> str:
    """The text around some spans on one line; spans far apart have each their own stretch, with … between."""
    stretches: list[list[int]] = []
    for span in sorted(spans, key=lambda span: span.start):
        start, end = max(0, span.start - REACH), min(len(text), span.end + REACH)
        if stretches and start <= stretches[-1][1]:
            stretches[-1][1] = max(stretches[-1][1], end)
        else:
            stretches.append([start, end])
    pieces = [_trimmed(text, start, end) for start, end in stretches]
    return ("… " if stretches[0][0] else "") + " … ".join(pieces) + (" …" if stretches[-1][1] < len(text) else "")


def _trimmed(text: str, start: int, end: int) -> str:
    """A stretch on one line, without the parts of words that its limits cut through."""
    piece = text[start:end]
    if start and not text[start - 1].isspace():
        piece = re.sub(rf"^\S{{1,{REACH - 1}}}\s", "", piece)
    if end < len(text) and not text[end].isspace():
        piece = re.sub(rf"\s\S{{1,{REACH - 1}}}$", "", piece)
    return " ".join(piece.split())
