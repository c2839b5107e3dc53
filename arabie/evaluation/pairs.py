"""Gold and predicted Documents side by side, checked to be of the same texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest

from arabie.document import Document, Relation, Span
from arabie.errors import DocumentError
from arabie.schema import Layer, Schema
from arabie.text import view, words


@dataclass(frozen=True)
class Pair:
    """One text's gold and prediction; ``given`` is the prediction made with the gold spans handed over, if any."""

    name: str
    gold: Document
    predicted: Document
    given: Document | None = None

    @property
    def text(self) -> str:
        return self.gold.text

    @cached_property
    def words(self) -> list[tuple[int, int]]:
        """Start and end of the text's units (words, punctuation marks), in characters of the raw text."""
        units = words(view(self.text))
        return list(zip(units.raw_starts.tolist(), units.raw_ends.tolist()))

    def sides(self) -> tuple[tuple[str, Document], tuple[str, Document]]:
        """Both documents, each with the name of its side."""
        return ("gold", self.gold), ("predicted", self.predicted)


def paired(gold: Iterable[Document], predicted: Iterable[Document],
           given: Iterable[Document] | None = None) -> Iterator[Pair]:
    """The documents pair by pair, in order; DocumentError where one has no partner or a partner of another text."""
    streams = [gold, predicted] if given is None else [gold, predicted, given]
    sides = ("the gold", "the predictions", "the predictions with gold spans given")
    for number, documents in enumerate(zip_longest(*streams), 1):
        name = next((str(d.id) for d in documents if d is not None and d.id is not None), f"#{number}")
        for side, document in zip(sides, documents):
            if document is None:
                raise DocumentError(f"document {name!r} (number {number}) is missing from {side}; "
                                    "both need the same documents in the same order")
            if document.text != documents[0].text:
                place = _difference(documents[0].text, document.text)
                raise DocumentError(f"document {name!r} (number {number}): its text in {side} differs from the gold "
                                    f"text from character {place} on; predict on the gold's own texts, in their order")
        yield Pair(name, *documents)


def bare(span: Span) -> Span:
    """The span without its status, so that equality asks for extent and label only."""
    return replace(span, status=None, fragments=span.fragments if len(span.fragments) > 1 else ())


def labelled(document: Document, layer: Layer) -> list[Span]:
    """The spans with a label of the layer, in text order; the document's own schema is not asked."""
    return [span for span in document.spans if span.label in layer.labels]


def spans_of(document: Document, layer: Layer) -> list[Span]:
    """A layer's bare spans, in text order, each once."""
    return list(dict.fromkeys(map(bare, labelled(document, layer))))


def relations_of(document: Document, schema: Schema) -> list[Relation]:
    """The relations of the schema's types between bare spans, each once."""
    types = schema.relation_names
    return list(dict.fromkeys(replace(relation, head=bare(relation.head), tail=bare(relation.tail))
                              for relation in document.relations if relation.type in types))


def _difference(one: str, other: str) -> int:
    return next((place for place, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
