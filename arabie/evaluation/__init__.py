"""How good predictions are: strict and relaxed scores, statuses, calibration, and each mistake with its context."""

from __future__ import annotations

from arabie.evaluation.pairs import same_texts
from arabie.evaluation.report import Report, evaluate

__all__ = ["Report", "evaluate", "same_texts"]
