"""Gold and predicted Documents side by side, checked to be of the same texts."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from operator import attrgetter

from arabie.document import Document, Relation, Span
from arabie.errors import DocumentError
from arabie.formats.losses import Losses
from arabie.schema import Layer, Schema
from arabie.text import view, words

REACH = 30  # characters of a text that stand for a document without id


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


def same_texts(gold: Iterable[Document], predicted: Iterable[Document],
               losses: Losses) -> tuple[list[Document], list[Document]]:
    """The gold and predicted Documents that have a partner of the same text, in the gold's order.

    What has none is counted in ``losses``. Of documents of the same text those with the same id pair up, the others in
    their order. Raises DocumentError where no text is on both sides, or a document without partner has the id of one:
    then a text was changed.

    >>> gold, other = [Document("a"), Document("b"), Document("c")], [Document("c", id="1"), Document("a", id="2")]
    >>> [document.id for document in same_texts(gold, other, Losses())[1]]
    ['2', '1']
    """
    gold, predicted = list(gold), list(predicted)
    partners = _partners(gold, predicted)
    alone = [document for place, document in enumerate(gold) if place not in partners]
    rest = [predicted[place] for place in sorted(set(range(len(predicted))) - set(partners.values()))]
    _check_alone(alone, rest)
    if not partners:
        raise DocumentError("no text of the gold is among the predictions; both must be of the same texts, to the letter")
    for side, documents in (("gold document that is not among the predictions", alone),
                            ("predicted document that is not in the gold", rest)):
        for document in documents:
            losses.add(side, _name(document))
    return [gold[place] for place in sorted(partners)], [predicted[partners[place]] for place in sorted(partners)]


def _partners(gold: list[Document], predicted: list[Document]) -> dict[int, int]:
    """The place of the predicted document for that of each gold one that has a partner."""
    partners: dict[int, int] = {}
    for kind in (attrgetter("text", "id"), attrgetter("text")):
        taken, waiting = set(partners.values()), defaultdict(deque)
        for place, document in enumerate(predicted):
            if place not in taken:
                waiting[kind(document)].append(place)
        for place, document in enumerate(gold):
            if place not in partners and (found := waiting.get(kind(document))):
                partners[place] = found.popleft()
    return partners


def _check_alone(gold: list[Document], predicted: list[Document]) -> None:
    by_id = {document.id: document for document in predicted if document.id is not None}
    for document in gold:
        if partner := by_id.get(document.id):
            raise DocumentError(f"document {document.id!r}: its text in the predictions differs from the gold text from "
                                f"character {_difference(document.text, partner.text)} on; both must be of the same texts")


def _name(document: Document) -> str:
    return f"{' '.join(document.text[:REACH].split())} …" if document.id is None else str(document.id)


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
