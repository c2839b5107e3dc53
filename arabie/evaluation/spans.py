"""Span scores of a layer: strict by seqeval over IOB2 tags, and relaxed by overlap.

Strict: seqeval's report (``mode="strict"``, ``scheme=IOB2``) over one tag a word. A span that tags cannot hold (it does
not start and end with words, is discontinuous, or overlaps an earlier one of its layer) is left out of it and counted.

Relaxed: a predicted and a gold span match when they have the same label and share a character. Each is matched once at
most, and of all ways to match them the one with the most matches counts. All spans take part, whatever their bounds.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from arabie.document import Span
from arabie.evaluation.matching import matching
from arabie.evaluation.pairs import Pair, labelled, spans_of
from arabie.evaluation.scores import Score, Scores, Tally
from arabie.formats.losses import Losses
from arabie.schema import Layer

MISALIGNED = "not starting and ending with a word"
OVERLAPPING = "overlapping another"
DISCONTINUOUS = "in several pieces"
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
    """Scores a layer over document pairs, added one at a time; ``left_out`` counts the spans that tags cannot hold."""

    layer: Layer
    left_out: Losses
    _tags: dict[str, list[list[str]]] = field(default_factory=lambda: {"gold": [], "predicted": []})
    _relaxed: Tally = field(default_factory=Tally)

    def add(self, pair: Pair) -> None:
        """Take one document's spans into the count."""
        tags = {}
        for side, document in pair.sides():
            tags[side], refused = iob2(labelled(document, self.layer), pair.words, self.layer.labels)
            for span, why in refused:
                self.left_out.add(f"{side} span of {self.layer.name} {why} (strict scores only)",
                                  f"{pair.name}: {span.label} {span.start}–{span.end}")
        for start, end in stretches(tags["gold"], tags["predicted"]):
            for side in tags:
                self._tags[side].append(tags[side][start:end])
        gold, predicted = spans_of(pair.gold, self.layer), spans_of(pair.predicted, self.layer)
        matched = matching(gold, predicted, lambda span: span.label, lambda span: (span,))
        self._relaxed.add(_labels(gold), _labels(predicted), _labels(span for span, _ in matched))

    def scores(self) -> LayerScores:
        """The Scores of all documents added so far."""
        strict = seqeval_scores(self._tags["gold"], self._tags["predicted"], self.layer.labels)
        return LayerScores(strict, self._relaxed.scores(self.layer.labels))


def iob2(spans: Iterable[Span], words: Sequence[tuple[int, int]],
         labels: Sequence[str]) -> tuple[list[str], list[tuple[Span, str]]]:
    """IOB2 tags, one a word, and the spans that they cannot hold, each with the reason.

    A tag names its label by number in ``labels``: seqeval takes hyphens off the ends of a name.

    >>> iob2([Span(0, 9, "LOC"), Span(12, 13, "LOC")], [(0, 3), (4, 9), (10, 13)], ["LOC"])[0]
    ['B-0', 'I-0', 'O']
    """
    first = {start: place for place, (start, _) in enumerate(words)}
    last = {end: place for place, (_, end) in enumerate(words)}
    tags, refused = ["O"] * len(words), []
    for span in spans:
        start, end = first.get(span.start), last.get(span.end)
        if len(span.fragments) > 1:
            refused.append((span, DISCONTINUOUS))
        elif start is None or end is None:
            refused.append((span, MISALIGNED))
        elif any(tag != "O" for tag in tags[start:end + 1]):
            refused.append((span, OVERLAPPING))
        else:
            number = labels.index(span.label)
            tags[start:end + 1] = [f"B-{number}"] + [f"I-{number}"] * (end - start)
    return tags, refused


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
