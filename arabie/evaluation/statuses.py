"""Status scores of the spans that were found: right extent and label, whatever the status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from arabie.document import Document, Span
from arabie.evaluation.pairs import Pair, bare, labelled
from arabie.evaluation.scores import Scores, Tally
from arabie.schema import Layer, Schema


@dataclass(frozen=True)
class StatusScores:
    """Scores by status over the spans found, and ``confusion[gold status][predicted status]`` in counts."""

    scores: Scores
    confusion: Mapping[str, Mapping[str, int]]

    @property
    def found(self) -> int:
        """How many gold spans with a status were found."""
        return self.scores.micro.support

    @property
    def accuracy(self) -> float | None:
        """The share of the spans found that have the right status; None if none was found."""
        return self.scores.micro.recall if self.found else None

    def to_dict(self) -> dict:
        return {"accuracy": self.accuracy, "found": self.found, **self.scores.to_dict(),
                "confusion": {gold: dict(row) for gold, row in self.confusion.items()}}


@dataclass
class StatusScorer:
    """Compares statuses over document pairs, added one at a time."""

    schema: Schema
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, pair: Pair) -> None:
        """Take the statuses of one document's found spans into the count."""
        for layer in self.schema.layers:
            if layer.statuses:
                gold, predicted = _statuses(pair.gold, layer), _statuses(pair.predicted, layer)
                self._seen.update((gold[span], predicted[span]) for span in gold if span in predicted)

    def scores(self) -> StatusScores:
        """The StatusScores of all documents added so far."""
        tally, order = Tally(), list(dict.fromkeys((*self.schema.statuses, *(s for pair in self._seen for s in pair))))
        for (gold, predicted), count in self._seen.items():
            tally.add([gold] * count, [predicted] * count, [gold] * count if gold == predicted else [])
        confusion = {gold: {predicted: self._seen[gold, predicted] for predicted in order} for gold in order}
        return StatusScores(tally.scores(order), confusion)


def _statuses(document: Document, layer: Layer) -> dict[Span, str]:
    """The status of each span of a layer; the first where one extent and label stands there with two."""
    found: dict[Span, str] = {}
    for span in labelled(document, layer):
        found.setdefault(bare(span), span.status or layer.statuses[0])
    return found
