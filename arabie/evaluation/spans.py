"""Span scores of a layer: strict by seqeval over IOB2 tags, and relaxed by overlap.

Strict: seqeval's report (``mode="strict"``, ``scheme=IOB2``) over one tag a word. Where one side of a document has a span
that such tags cannot hold (it does not start and end with words, is discontinuous, or overlaps another of its layer),
each span of both sides has a sequence of its own there, of one tag, so that all count.

Relaxed: a predicted and a gold span match when they have the same label and share a character. Each is matched once at
most, and of all ways to match them the one with the most matches counts. All spans take part, whatever their bounds.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from arabie.document import Span
from arabie.evaluation.matching import matching
from arabie.evaluation.pairs import Pair, spans_of
from arabie.evaluation.scores import Score, Scores, Tally
from arabie.schema import Layer

STRETCH = 200  # words; longer sequences are cut


@dataclass(frozen=True)
class LayerScores:
    """The strict and the relaxed Scores of a layer."""

    strict: Scores
    relaxed: Scores

    def to_dict(self) -> dict:
        return {"strict": self.strict.to_dict(), "relaxed": self.relaxed.to_dict()}


@dataclass
class LayerScorer:
    """Scores a layer over document pairs, added one at a time."""

    layer: Layer
    _tags: dict[str, list[list[str]]] = field(default_factory=lambda: {"gold": [], "predicted": []})
    _relaxed: Tally = field(default_factory=Tally)

    def add(self, pair: Pair) -> None:
        """Take one document's spans into the count."""
        spans = {side: spans_of(document, self.layer) for side, document in pair.sides()}
        tags = {side: iob2(found, pair.words, self.layer.labels) for side, found in spans.items()}
        if None in tags.values():
            every = list(dict.fromkeys(span for found in spans.values() for span in found))
            for side, found in spans.items():
                self._tags[side] += one_by_one(every, set(found), self.layer.labels)
        else:
            for start, end in stretches(*tags.values()):
                for side, row in tags.items():
                    self._tags[side].append(row[start:end])
        gold, predicted = spans.values()
        matched = matching(gold, predicted, lambda span: span.label, lambda span: (span,))
        self._relaxed.add(_labels(gold), _labels(predicted), _labels(span for span, _ in matched))

    def scores(self) -> LayerScores:
        """The Scores of all documents added so far."""
        strict = seqeval_scores(self._tags["gold"], self._tags["predicted"], self.layer.labels)
        return LayerScores(strict, self._relaxed.scores(self.layer.labels))


def iob2(spans: Iterable[Span], words: Sequence[tuple[int, int]], labels: Sequence[str]) -> list[str] | None:
    """IOB2 tags, one a word; None if they cannot hold all of the spans.

    A tag names its label by number in ``labels``: seqeval takes hyphens off the ends of a name.

    >>> iob2([Span(0, 9, "LOC")], [(0, 3), (4, 9), (10, 13)], ["LOC"])
    ['B-0', 'I-0', 'O']
    >>> iob2([Span(1, 9, "LOC")], [(0, 3), (4, 9), (10, 13)], ["LOC"])
    """
    first = {start: place for place, (start, _) in enumerate(words)}
    last = {end: place for place, (_, end) in enumerate(words)}
    tags = ["O"] * len(words)
    for span in spans:
        start, end = first.get(span.start), last.get(span.end)
        if span.fragments or start is None or end is None or any(tag != "O" for tag in tags[start:end + 1]):
            return None
        number = labels.index(span.label)
        tags[start:end + 1] = [f"B-{number}"] + [f"I-{number}"] * (end - start)
    return tags


def one_by_one(every: Iterable[Span], found: set[Span], labels: Sequence[str]) -> Iterator[list[str]]:
    """A sequence of one tag for each span of either side: its label where this side has found it, else O."""
    return ([f"B-{labels.index(span.label)}" if span in found else "O"] for span in every)


def stretches(gold: Sequence[str], predicted: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where to cut long tags so that no span is cut: seqeval's time is quadratic in the length of a sequence."""
    start = 0
    for place, tags in enumerate(zip(gold, predicted)):
        if place - start >= STRETCH and not any(tag.startswith("I") for tag in tags):
            yield start, place
            start = place
    yield start, len(gold)


def seqeval_scores(gold: list[list[str]], predicted: list[list[str]], labels: Sequence[str]) -> Scores:
    """seqeval's strict IOB2 report of tags as ``iob2`` makes them, in sequences that no span crosses."""
    if all(tag == "O" for tags in gold + predicted for tag in tags):  # seqeval's macro average would be nan
        return Scores({}, Score(), Score())
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = classification_report(gold, predicted, mode="strict", scheme=IOB2, output_dict=True, zero_division=0)
    rows = {key: Score(*map(float, (row["precision"], row["recall"], row["f1-score"])), int(row["support"]))
            for key, row in report.items()}
    named = {label: rows[str(number)] for number, label in enumerate(labels) if str(number) in rows}
    return Scores(named, rows["micro avg"], rows["macro avg"])


def _labels(spans: Iterable[Span]) -> list[str]:
    return [span.label for span in spans]
