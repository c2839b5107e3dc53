"""Running a model's encoder and heads: windows in, scores out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class WindowInput:
    """Piece ids of a window with the special ones, and for each unit the places of its first and last piece."""

    ids: np.ndarray
    first: np.ndarray
    last: np.ndarray


@dataclass(frozen=True, eq=False)
class WindowOutput:
    """Per unit of a window: log-probabilities of the tags of each layer and of the statuses, and the state, [units, size]."""

    tags: tuple[np.ndarray, ...]
    statuses: np.ndarray
    states: np.ndarray
