"""The whole evaluation: gold and predicted Documents in, one Report out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from arabie.document import Document
from arabie.evaluation.calibration import Calibration, CalibrationScorer
from arabie.evaluation.errors import Mistake, mistakes
from arabie.evaluation.pairs import Pair, paired
from arabie.evaluation.relations import RelationScorer, RelationScores
from arabie.evaluation.spans import LayerScorer, LayerScores
from arabie.evaluation.statuses import StatusScorer, StatusScores
from arabie.formats.losses import Losses
from arabie.schema import Schema


@dataclass(frozen=True)
class Report:
    """What an evaluation found. ``arabie.evaluation.render`` shows it on a terminal.

    ``layers`` has the LayerScores of each layer of the schema. ``relations`` is None for a schema without relations,
    ``status`` for one without statuses, ``calibration`` where no predicted span has a score. ``left_out`` counts by
    cause what some or all scores could not take in; ``counted`` is how many spans and relations a side has in all.
    """

    documents: int
    layers: Mapping[str, LayerScores]
    relations: RelationScores | None
    status: StatusScores | None
    calibration: Calibration | None
    errors: tuple[Mistake, ...]
    left_out: Losses
    counted: Mapping[str, int]

    def notes(self) -> list[str]:
        """Sentences on what the scores do not cover: what was left out, and what was not measured."""
        found = [_left_out(self.left_out, self.counted)]
        if self.relations is not None and self.relations.given is None:
            found.append("Relations with gold spans given were not measured: no such predictions were handed in.")
        if self.status is not None and self.status.accuracy is None:
            found.append("Status accuracy was not measured: no span with a status was found.")
        if self.calibration is None:
            found.append("Calibration was not measured: the predictions carry no scores.")
        elif self.calibration.unscored:
            found.append(f"Calibration leaves out predicted spans without a score: {self.calibration.unscored:,}.")
        return found

    def error_counts(self) -> dict[str | None, Counter[str]]:
        """How many errors of each kind a layer has; relations under None."""
        counts: dict[str | None, Counter[str]] = {name: Counter() for name in self.layers}
        if self.relations is not None:
            counts[None] = Counter()
        for error in self.errors:
            counts[error.layer][error.kind] += 1
        return counts

    def summary(self) -> dict[str, float]:
        """The headline numbers, all floats, ready to be a trainer's metrics; what was not measured is absent.

        Keys: ``<layer>_f1`` (strict, micro) and ``<layer>_relaxed_f1`` for each layer, ``relations_f1``,
        ``relations_relaxed_f1``, ``relations_given_f1``, ``status_accuracy``, ``calibration_error``, ``brier``.
        """
        found = {}
        for name, layer in self.layers.items():
            found |= {f"{name}_f1": layer.strict.micro.f1, f"{name}_relaxed_f1": layer.relaxed.micro.f1}
        if self.relations is not None:
            found["relations_f1"] = self.relations.strict.micro.f1
            found["relations_relaxed_f1"] = self.relations.relaxed.micro.f1
            if self.relations.given is not None:
                found["relations_given_f1"] = self.relations.given.micro.f1
        if self.status is not None and self.status.accuracy is not None:
            found["status_accuracy"] = self.status.accuracy
        if self.calibration is not None:
            found |= {"calibration_error": self.calibration.error, "brier": self.calibration.brier}
        return found

    def to_dict(self) -> dict[str, Any]:
        """The report ready for JSON; the keys are always these, and null where nothing was measured.

        ``documents``: how many. ``summary``: as the method gives it.
        ``layers``: for each layer ``strict`` and ``relaxed`` scores. Scores have ``labels`` (a row for each label),
        ``micro`` and ``macro``; a row has ``precision``, ``recall``, ``f1``, ``support``.
        ``relations``: ``strict``, ``relaxed`` and ``given`` scores (null if not measured), types taking labels' place.
        ``status``: scores by status, with ``accuracy``, ``found``, and ``confusion`` by gold, then predicted status.
        ``calibration``: ``error``, ``brier``, ``scored``, ``unscored``, and ``bins``, each with ``lower``, ``upper``,
        ``count``, ``score``, ``accuracy``.
        ``errors``: a list, each with ``document``, ``layer`` (null for a relation), ``kind``, ``gold``, ``predicted``
        and ``context``.
        ``left_out``: ``counts`` and ``examples`` by cause, and ``counted``, all there was on either side.
        ``notes``: sentences on what the scores do not cover.
        """
        parts = {"relations": self.relations, "status": self.status, "calibration": self.calibration}
        return {
            "documents": self.documents,
            "summary": self.summary(),
            "layers": {name: layer.to_dict() for name, layer in self.layers.items()},
            **{name: None if part is None else part.to_dict() for name, part in parts.items()},
            "errors": [error.to_dict() for error in self.errors],
            "left_out": {"counts": dict(self.left_out.counts), "examples": dict(self.left_out.examples),
                         "counted": dict(self.counted)},
            "notes": self.notes(),
        }


def evaluate(gold: Iterable[Document], predicted: Iterable[Document], schema: Schema,
             relations_given: Iterable[Document] | None = None) -> Report:
    """Compare predicted Documents with gold Documents of the same texts, which come in the same order.

    ``relations_given`` are predictions made with the gold spans handed to the model. Raises DocumentError where the
    documents do not pair up.

    >>> from arabie.document import Span
    >>> from arabie.schema import default_schema
    >>> gold = Document("انشق ضابط", [Span(0, 4, "DEFECTION"), Span(5, 9, "ROLE")])
    >>> predicted = Document("انشق ضابط", [Span(0, 4, "DEFECTION")])
    >>> report = evaluate([gold], [predicted], default_schema())
    >>> report.summary()["events_f1"], report.summary()["entities_f1"], report.errors[0].kind
    (1.0, 0.0, 'missed')
    """
    left_out, counted, errors, documents = Losses(), Counter(gold=0, predicted=0), [], 0
    layers = {layer.name: LayerScorer(layer) for layer in schema.layers}
    relations = RelationScorer(schema) if schema.relations else None
    status = StatusScorer(schema) if schema.statuses else None
    calibration = CalibrationScorer(schema)
    scorers = [scorer for scorer in (*layers.values(), relations, status, calibration) if scorer is not None]
    for pair in paired(gold, predicted, relations_given):
        documents += 1
        for scorer in scorers:
            scorer.add(pair)
        errors.extend(mistakes(pair, schema))
        for side, document in pair.sides():
            counted[side] += len(document.spans) + len(document.relations)
            _count_unknown(side, pair, document, schema, left_out)
    return Report(documents, {name: layer.scores() for name, layer in layers.items()}, relations and relations.scores(),
                  status and status.scores(), calibration.scores(), tuple(errors), left_out, counted)


def _count_unknown(side: str, pair: Pair, document: Document, schema: Schema, left_out: Losses) -> None:
    for span in document.spans:
        if schema.layer_of(span.label) is None:
            left_out.add(f"{side} span with a label the schema does not have",
                         f"{pair.name}: {span.label} {span.start}–{span.end}")
    for relation in document.relations:
        if relation.type not in schema.relation_names:
            left_out.add(f"{side} relation of a type the schema does not have",
                         f"{pair.name}: {relation.type} {relation.head.start}–{relation.head.end} → "
                         f"{relation.tail.start}–{relation.tail.end}")


def _left_out(left_out: Losses, counted: Mapping[str, int]) -> str:
    if not left_out:
        return "Nothing was left out of the scores."
    count, total = sum(left_out.counts.values()), sum(counted.values())
    causes = "; ".join(f"{number:,} × {cause}, first {left_out.examples[cause][0]}"
                       for cause, number in left_out.counts.items())
    return f"Left out: {count:,} of {total:,} gold and predicted spans and relations ({count / total:.1%}): {causes}."
