"""From raw scores to probabilities that mean it: Platt scaling, fitted on dev and kept in a model's config."""

from __future__ import annotations

import math
from dataclasses import dataclass

LIMIT = 1e-6  # scores are kept this far from 0 and 1, where the logit would be infinite


@dataclass(frozen=True, slots=True)
class Scaling:
    """Maps a score to σ(slope · logit(score) + intercept) (Platt 1999); the default changes nothing.

    >>> Scaling()(0.3)
    0.3
    >>> round(Scaling(slope=0.5)(0.9), 2)
    0.75
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, score: float) -> float:
        if self.slope == 1.0 and self.intercept == 0.0:
            return score
        bounded = min(1 - LIMIT, max(LIMIT, score))
        return 1 / (1 + math.exp(-self.slope * math.log(bounded / (1 - bounded)) - self.intercept))
