"""Fit how readily a model finds spans, what its scores are worth, and from which one on a relation counts, and write it
into the model's folder.

    python training/calibrate.py runs/default/model training/corpus/dev.jsonl

``training/train.py`` does the same with every model it makes.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.document import Document, Relation, Span
from arabie.encoding import WindowInput
from arabie.engines import Engine, WindowOutput
from arabie.errors import ArabieError
from arabie.evaluation import evaluate
from arabie.evaluation.pairs import Pair, paired, relations_of, spans_of
from arabie.evaluation.relations import RelationScorer
from arabie.extractor import Extractor
from arabie.formats import read
from arabie.formats.files import atomic_writer
from arabie.model_folder import ModelFacts, check_folder
from arabie.scaling import RELATIONS, SAME, Scaling, log_odds
from arabie.schema import Schema

log = logging.getLogger("calibrate")
FEWEST = 20  # right ones and wrong ones, each; fewer say too little of what a score is worth
THRESHOLDS = np.arange(0.1, 0.71, 0.05)
OUTSIDES = np.arange(-1.5, 3.6, 0.5)  # see ModelFacts.outside
ENOUGH = 0.001  # of F1; for less a model stays as it is


class Remembering:
    """An engine that gives the answer of the first time to windows that come again."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.relate = engine, engine.relate
        self.known: dict[tuple[bytes, ...], list[WindowOutput]] = {}

    def run(self, windows: Sequence[WindowInput]) -> list[WindowOutput]:
        """See Engine."""
        key = tuple(part.tobytes() for window in windows for part in vars(window).values() if part is not None)
        if key not in self.known:
            self.known[key] = self.engine.run(windows)
        return self.known[key]


def calibrated(extractor: Extractor, documents: Sequence[Document]) -> ModelFacts:
    """The facts of an extractor's model with what is best for the documents: ``outside``, scalings, threshold of relations.

    The extractor gets them too. The threshold is the one of THRESHOLDS with the highest relaxed F1.
    """
    schema = extractor.schema
    extractor.facts = replace(extractor.facts, outside={}, scaling={}, relation_threshold=float(THRESHOLDS[0]))
    facts = extractor.facts = replace(extractor.facts, outside=fit_outside(extractor, documents))
    pairs = list(paired(documents, extractor.label_many(documents)))
    scaling = {layer.name: fit(scored(pairs, lambda document, layer=layer: spans_of(document, layer))) for layer in schema.layers}
    threshold = facts.relation_threshold
    if schema.relations:
        scaling[RELATIONS] = fit(scored(pairs, lambda document: relations_of(document, schema)))
        best = max(THRESHOLDS, key=lambda least: _relaxed(pairs, least, schema))
        threshold = float(scaling[RELATIONS](np.array([best]))[0])
    kept = {name: worth for name, worth in scaling.items() if worth != SAME}
    extractor.facts = replace(facts, scaling=kept, relation_threshold=threshold)
    return extractor.facts


def fit_outside(extractor: Extractor, documents: Sequence[Document]) -> dict[str, float]:
    """For each layer what is to be added to being outside: of OUTSIDES the one with the highest F1, that is, the mean of the
    strict and the relaxed, over the value and its two neighbours, so that chance weighs less. Layers that gain less than
    ENOUGH are left out."""
    facts, names = extractor.facts, [layer.name for layer in extractor.schema.layers]
    remembering = Extractor(facts, extractor.encoder.tokenizer, Remembering(extractor.engine))
    table = []
    for added in OUTSIDES.tolist():
        remembering.facts = replace(facts, outside=dict.fromkeys(names, added))
        summary = evaluate(documents, remembering.label_many(documents), facts.schema).summary()
        table.append([[summary[f"{name}_f1"], summary[f"{name}_relaxed_f1"]] for name in names])
    f1 = np.array(table).mean(axis=2)
    smooth, values = (f1[:-2] + f1[1:-1] + f1[2:]) / 3, OUTSIDES[1:-1]
    gain = smooth.max(axis=0) - smooth[np.searchsorted(values, 0.0)]
    best = values[smooth.argmax(axis=0)].tolist()
    return {name: added for name, added, gained in zip(names, best, gain) if gained >= ENOUGH}


def fit(told: Iterable[tuple[float, bool]]) -> Scaling:
    """The Scaling under which scores agree best with what was right; SAME if there are too few to tell."""
    table = np.array(list(told), dtype=np.float64).reshape(-1, 2)
    scores, right = table[:, 0], table[:, 1] > 0
    if min(right.sum(), (~right).sum()) < FEWEST:
        return SAME
    found = LogisticRegression().fit(log_odds(scores)[:, None], right)
    slope, intercept = round(found.coef_.item(), 4), round(found.intercept_.item(), 4)
    return Scaling(slope, intercept) if slope > 0 else SAME


def scored(pairs: Iterable[Pair], items_of: Callable[[Document], Iterable[Span | Relation]]) -> Iterator[tuple[float, bool]]:
    """The score of each predicted item, and whether the gold has it."""
    for pair in pairs:
        right = set(items_of(pair.gold))
        yield from ((item.score, item in right) for item in items_of(pair.predicted))


def _relaxed(pairs: Iterable[Pair], least: float, schema: Schema) -> float:
    """The relaxed F1 of the relations with at least that score."""
    scorer = RelationScorer(schema)
    for pair in pairs:
        kept = tuple(relation for relation in pair.predicted.relations if relation.score >= least)
        scorer.add(replace(pair, predicted=replace(pair.predicted, relations=kept)))
    return scorer.scores().relaxed.micro.f1


def write_facts(folder: Path, facts: ModelFacts) -> None:
    """Keep ``outside``, scaling and threshold in the folder's config.json."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config |= {"outside": dict(facts.outside), "relation_threshold": facts.relation_threshold,
               "scaling": {name: list(astuple(worth)) for name, worth in facts.scaling.items()}}
    with atomic_writer(path) as stream:
        stream.write(json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def main(model: Annotated[Path, typer.Argument(help="The folder of a model.")],
         documents: Annotated[Path, typer.Argument(help="Annotated documents it wasn't trained on, native JSONL.")]) -> None:
    """Fit the scores of a model on annotated documents."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    check_folder(model)
    extractor = Extractor.load(model, engine="torch", precision="fp32")
    facts = calibrated(extractor, list(read(documents, "jsonl", schema=extractor.schema)))
    write_facts(model, facts)
    for name, added in facts.outside.items():
        log.info("%s: %+.2f for being outside", name, added)
    for name, worth in facts.scaling.items():
        log.info("%s: slope %.3f, intercept %.3f", name, worth.slope, worth.intercept)
    log.info("a relation counts from a score of %.3f on", facts.relation_threshold)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"calibrate: {error}") from None
