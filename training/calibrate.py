"""Fit what a model's scores are worth, and from which one on a relation counts, and write it into the model's folder.

    python training/calibrate.py runs/default/model training/corpus/dev.jsonl

``training/train.py`` does the same with every model it makes.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.document import Document
from arabie.errors import ArabieError
from arabie.evaluation import evaluate
from arabie.extractor import Extractor
from arabie.formats import read
from arabie.formats.files import atomic_writer
from arabie.model_folder import ModelFacts, local_folder
from arabie.scaling import RELATIONS, SAME, Scaling, log_odds
from arabie.schema import Schema

log = logging.getLogger("calibrate")
FEWEST = 20  # right ones and wrong ones, each; fewer say too little of what a score is worth
THRESHOLDS = np.arange(0.1, 0.71, 0.05)


def calibrated(extractor: Extractor, documents: Sequence[Document]) -> ModelFacts:
    """The facts of an extractor's model with scalings and a threshold of relations that are the best for the documents.

    The extractor gets them too. The threshold is the one of THRESHOLDS with the highest relaxed F1.
    """
    facts = replace(extractor.facts, scaling={}, relation_threshold=float(THRESHOLDS[0]))
    extractor.facts = facts
    found = list(extractor.label_many(documents))
    scaling = {layer.name: fit(_spans(documents, found, layer.labels)) for layer in facts.schema.layers}
    threshold = extractor.facts.relation_threshold
    if facts.schema.relations:
        scaling[RELATIONS] = fit(_relations(documents, found))
        best = max(THRESHOLDS, key=lambda least: _relaxed(documents, found, least, facts.schema))
        threshold = float(scaling[RELATIONS](np.array([best]))[0])
    kept = {name: worth for name, worth in scaling.items() if worth != SAME}
    extractor.facts = replace(facts, scaling=kept, relation_threshold=threshold)
    return extractor.facts


def fit(scored: Iterable[tuple[float, bool]]) -> Scaling:
    """The Scaling under which scores agree best with what was right."""
    scores, right = (np.array(column) for column in zip(*scored)) if (scored := list(scored)) else ([], np.zeros(0, bool))
    if min(right.sum(), (~right).sum()) < FEWEST:
        return SAME
    found = LogisticRegression().fit(log_odds(scores)[:, None], right)
    slope, intercept = round(found.coef_.item(), 4), round(found.intercept_.item(), 4)
    return Scaling(slope, intercept) if slope > 0 else SAME


def _spans(gold: Sequence[Document], found: Sequence[Document], labels: Sequence[str]) -> Iterable[tuple[float, bool]]:
    for wanted, labelled in zip(gold, found):
        right = {(span.start, span.end, span.label) for span in wanted.spans}
        yield from ((span.score, (span.start, span.end, span.label) in right)
                    for span in labelled.spans if span.label in labels)


def _relations(gold: Sequence[Document], found: Sequence[Document]) -> Iterable[tuple[float, bool]]:
    for wanted, labelled in zip(gold, found):
        right = {_told(relation) for relation in wanted.relations}
        yield from ((relation.score, _told(relation) in right) for relation in labelled.relations)


def _told(relation) -> tuple:
    return relation.type, *((span.start, span.end, span.label) for span in (relation.head, relation.tail))


def _relaxed(gold: Sequence[Document], found: Sequence[Document], least: float, schema: Schema) -> float:
    """The relaxed F1 of the relations with at least that score."""
    kept = [replace(d, relations=tuple(r for r in d.relations if r.score >= least)) for d in found]
    return evaluate(gold, kept, schema).summary()["relations_relaxed_f1"] or 0.0


def write_facts(folder: Path, facts: ModelFacts) -> None:
    """Keep scaling and threshold in the folder's config.json."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config |= {"scaling": {name: list(astuple(worth)) for name, worth in facts.scaling.items()},
               "relation_threshold": facts.relation_threshold}
    with atomic_writer(path) as stream:
        stream.write(json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def main(model: Annotated[Path, typer.Argument(help="The folder of a model.")],
         documents: Annotated[Path, typer.Argument(help="Annotated documents it wasn't trained on, native JSONL.")]) -> None:
    """Fit the scores of a model on annotated documents."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    extractor = Extractor.load(local_folder(model), engine="torch", precision="fp32")
    facts = calibrated(extractor, list(read(documents, "jsonl", schema=extractor.schema)))
    write_facts(model, facts)
    for name, worth in facts.scaling.items():
        log.info("%s: slope %.3f, intercept %.3f", name, worth.slope, worth.intercept)
    log.info("a relation counts from a score of %.3f on", facts.relation_threshold)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"calibrate: {error}") from None
