"""Relation scores: strict, relaxed, and with the gold spans given.

Strict: type, and extent and label of both ends, exactly as in the gold. Relaxed: the type and the labels of both ends
as in the gold, and each end shares a character with its gold end; one to one, as many matches as possible. Direction
counts in both, status in neither. With gold spans given: the strict score of predictions that took the gold spans for
theirs, which shows how well relations are found where spans are not the trouble.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from arabie.document import Relation, Span
from arabie.evaluation.matching import matching
from arabie.evaluation.pairs import Pair, relations_of
from arabie.evaluation.scores import Scores, Tally
from arabie.schema import Schema


@dataclass(frozen=True)
class RelationScores:
    """Scores by relation type; ``given`` is None where no prediction with gold spans given was handed in."""

    strict: Scores
    relaxed: Scores
    given: Scores | None

    def to_dict(self) -> dict:
        return {"strict": self.strict.to_dict(), "relaxed": self.relaxed.to_dict(),
                "given": None if self.given is None else self.given.to_dict()}


@dataclass
class RelationScorer:
    """Scores relations over document pairs, added one at a time."""

    schema: Schema
    _strict: Tally = field(default_factory=Tally)
    _relaxed: Tally = field(default_factory=Tally)
    _given: Tally | None = None

    def add(self, pair: Pair) -> None:
        """Take one document's relations into the count."""
        gold, predicted = relations_of(pair.gold, self.schema), relations_of(pair.predicted, self.schema)
        _count(self._strict, gold, predicted, set(gold) & set(predicted))
        _count(self._relaxed, gold, predicted, (relation for relation, _ in matching(gold, predicted, kind, ends)))
        if pair.given is not None:
            given = relations_of(pair.given, self.schema)
            self._given = self._given or Tally()
            _count(self._given, gold, given, set(gold) & set(given))

    def scores(self) -> RelationScores:
        """The Scores of all documents added so far."""
        order = self.schema.relation_names
        return RelationScores(self._strict.scores(order), self._relaxed.scores(order),
                              None if self._given is None else self._given.scores(order))


def kind(relation: Relation) -> tuple[str, str, str]:
    """What must be equal for a relaxed match: type and the labels of both ends."""
    return relation.type, relation.head.label, relation.tail.label


def ends(relation: Relation) -> tuple[Span, Span]:
    """Head and tail."""
    return relation.head, relation.tail


def _count(tally: Tally, *relations: Iterable[Relation]) -> None:
    tally.add(*([relation.type for relation in part] for part in relations))
