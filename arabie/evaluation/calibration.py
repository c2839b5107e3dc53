"""Whether the scores of predicted spans can be taken at their word.

A span is right when the gold has its extent and label (status aside). Bins have equal width and hold scores above their
lower and up to their upper limit, the first also 0. The expected calibration error is the mean distance between a bin's
mean score and its share of right spans, weighted by the bin's spans (Naeini et al. 2015; Guo et al. 2017). The Brier
score is the mean squared distance between a span's score and 1 (right) or 0 (wrong).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import asdict, dataclass, field
from statistics import fmean

from arabie.errors import DocumentError
from arabie.evaluation.pairs import Pair, spans_of
from arabie.schema import Schema

BINS = 15
_UPPER = [(number + 1) / BINS for number in range(BINS)]


@dataclass(frozen=True)
class Bin:
    """The spans with a score in (lower, upper]: how many, their mean score, and the share of them that is right."""

    lower: float
    upper: float
    count: int
    score: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error and Brier score (both 0 at best) of ``scored`` spans; ``unscored`` had no score."""

    error: float
    brier: float
    scored: int
    unscored: int
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass
class CalibrationScorer:
    """Compares scores with what was right over document pairs, added one at a time."""

    schema: Schema
    _seen: list[tuple[float, bool]] = field(default_factory=list)
    _unscored: int = 0

    def add(self, pair: Pair) -> None:
        """Take one document's predicted spans into the count; DocumentError for a score that is no probability."""
        for layer in self.schema.layers:
            gold = set(spans_of(pair.gold, layer))
            for span in spans_of(pair.predicted, layer):
                if span.score is None:
                    self._unscored += 1
                elif not 0 <= span.score <= 1:
                    raise DocumentError(f"document {pair.name!r}: the score of {span.label} {span.start}–{span.end} is "
                                        f"{span.score!r}; a score is a probability from 0 to 1, or null")
                else:
                    self._seen.append((span.score, span in gold))

    def scores(self) -> Calibration | None:
        """The Calibration of all documents added so far; None if no span had a score."""
        return calibration(self._seen, self._unscored) if self._seen else None


def calibration(scored: list[tuple[float, bool]], unscored: int = 0) -> Calibration:
    """The Calibration of (score, right) pairs, of which there is one at least.

    >>> found = calibration([(0.9, True), (0.9, False)])
    >>> round(found.error, 3), round(found.brier, 3)
    (0.4, 0.41)
    """
    members: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for score, right in scored:
        members[bisect_left(_UPPER, score)].append((score, right))
    bins = tuple(_bin(number, part) for number, part in enumerate(members))
    error = sum(part.count * abs(part.score - part.accuracy) for part in bins if part.count) / len(scored)
    return Calibration(error, fmean((score - right) ** 2 for score, right in scored), len(scored), unscored, bins)


def _bin(number: int, members: list[tuple[float, bool]]) -> Bin:
    score, accuracy = (fmean(column) for column in zip(*members)) if members else (None, None)
    return Bin(number / BINS, _UPPER[number], len(members), score, accuracy)
