"""What a model's scores are worth, fitted on annotated documents so that a score is a probability that means it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from arabie.errors import ConfigError

RELATIONS = "relations"  # the name, beside those of the layers, of the scaling of relations
EDGE = 1e-6  # scores nearer to 0 or 1 are taken to stand there, where their log-odds are finite


@dataclass(frozen=True)
class Scaling:
    """A score's log-odds are multiplied by ``slope`` and ``intercept`` is added (Platt 1999). The order of scores stays.

    >>> Scaling()(np.array([0.2, 0.9])).round(3).tolist(), Scaling(1.0, -1.0)(np.array([0.5])).round(3).tolist()
    ([0.2, 0.9], [0.269])
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and math.isfinite(self.intercept) and self.slope > 0):
            raise ConfigError(f"scaling has a slope above 0 and an intercept, not {self.slope!r} and {self.intercept!r}")

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """The scores, any shape, as probabilities."""
        return scores if self == SAME else 1 / (1 + np.exp(-(self.slope * log_odds(scores) + self.intercept)))


SAME = Scaling()


def log_odds(scores: np.ndarray) -> np.ndarray:
    """The logarithm of the odds of each score."""
    kept = np.clip(np.asarray(scores, dtype=np.float64), EDGE, 1 - EDGE)
    return np.log(kept / (1 - kept))
