"""Precision, recall and F1, a label at a time and averaged.

Every score with nothing to divide by is 0.0, as seqeval has it with ``zero_division=0``. A label that occurs neither in
the gold nor in the prediction has no row, and the macro average is the plain mean over the rows there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from statistics import fmean


@dataclass(frozen=True)
class Score:
    """Precision, recall, F1 (0 to 1), and the number of gold items behind them.

    >>> Score.of(correct=2, predicted=4, gold=5)
    Score(precision=0.5, recall=0.4, f1=0.4444444444444444, support=5)
    """

    precision: float = 0.0
    recall: float = 0.0
    f1: float = 0.0
    support: int = 0

    @classmethod
    def of(cls, correct: int, predicted: int, gold: int) -> Score:
        """The score of these counts."""
        return cls(correct / predicted if predicted else 0.0, correct / gold if gold else 0.0,
                   2 * correct / (predicted + gold) if correct else 0.0, gold)


@dataclass(frozen=True)
class Scores:
    """A Score for each label that occurs, in the schema's order, with their micro and macro averages."""

    labels: Mapping[str, Score]
    micro: Score
    macro: Score

    def to_dict(self) -> dict:
        """``{"labels": {label: score}, "micro": score, "macro": score}``, each score its four fields."""
        return asdict(self)


@dataclass
class Tally:
    """Counts of gold, predicted and correct items by label, added up over documents."""

    gold: Counter[str] = field(default_factory=Counter)
    predicted: Counter[str] = field(default_factory=Counter)
    correct: Counter[str] = field(default_factory=Counter)

    def add(self, gold: Iterable[str], predicted: Iterable[str], correct: Iterable[str]) -> None:
        """Count the labels of one document's items."""
        self.gold.update(gold)
        self.predicted.update(predicted)
        self.correct.update(correct)

    def scores(self, order: Iterable[str]) -> Scores:
        """The Scores of what was counted, rows in the given order of labels."""
        rows = {label: Score.of(self.correct[label], self.predicted[label], self.gold[label])
                for label in order if self.gold[label] or self.predicted[label]}
        micro = Score.of(self.correct.total(), self.predicted.total(), self.gold.total())
        return Scores(rows, micro, mean(rows.values()))


def mean(scores: Iterable[Score]) -> Score:
    """The macro average: the unweighted mean of some scores, over the sum of their support."""
    scores = list(scores)
    if not scores:
        return Score()
    return Score(fmean(s.precision for s in scores), fmean(s.recall for s in scores), fmean(s.f1 for s in scores),
                 sum(s.support for s in scores))
