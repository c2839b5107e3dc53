"""Fit what turns a trained model's scores into probabilities, and its relation threshold, on annotated documents.

    python training/calibrate.py runs/default/model --dev training/corpus/dev.jsonl

The figures go into the model's config.json; the labels it gives stay the same, except relations at the threshold.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.confidence import LIMIT, Scaling
from arabie.document import Document
from arabie.evaluation import evaluate
from arabie.extractor import Extractor

log = logging.getLogger("calibrate")
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)


def fit(scored: Iterable[tuple[float, bool]], prior: float = 5.0) -> Scaling:
    """The Scaling that makes (score, right) pairs most probable.

    ``prior`` holds slope and intercept near 1 and 0, as so many pairs would, so that few pairs change little.

    >>> found = fit([(0.9, True), (0.9, False)] * 500)
    >>> round(found(0.9), 2)
    0.5
    """
    pairs = list(scored)
    if not pairs:
        return Scaling()
    scores, right = np.array(pairs, dtype=np.float64).T
    bounded = scores.clip(LIMIT, 1 - LIMIT)
    logits = np.log(bounded / (1 - bounded))

    def loss(weights: np.ndarray) -> float:
        scaled = weights[0] * logits + weights[1]
        held = (weights[0] - 1) ** 2 + weights[1] ** 2
        return float(np.logaddexp(0, np.where(right > 0.5, -scaled, scaled)).sum() + prior * held / 2)

    return Scaling(*minimize(loss, [1.0, 0.0]).x.tolist())


def scored_pairs(gold: Sequence[Document], predicted: Sequence[Document], layer: str) -> list[tuple[float, bool]]:
    """(score, whether extent and label are the gold's) of every predicted span of a layer."""
    found = []
    for document, guess in zip(gold, predicted, strict=True):
        known = {(span.start, span.end, span.label) for span in document.spans}
        found += [(span.score, (span.start, span.end, span.label) in known) for span in guess.spans
                  if guess.schema.layer_of(span.label) == layer]
    return found


def best_threshold(extractor: Extractor, gold: Sequence[Document]) -> float:
    """The relation threshold with the best relaxed F1."""
    def f1(threshold: float) -> float:
        extractor.relation_threshold = threshold
        report = evaluate(gold, extractor.label_many(gold), extractor.schema)
        return report.summary()["relations_relaxed_f1"] or 0.0

    return max(THRESHOLDS, key=f1)
