"""Windows in batches of like length, so that little of what is computed is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from arabie.encoding import WindowInput


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows padded to one length, int64: ``ids``, ``mask`` [windows, pieces]; ``first``, ``last`` [windows, units];
    and, for a model that reads them, ``letters`` int32 [windows, units, letters.PARTS].

    ``numbers`` says which they are of the windows that are run.
    """

    numbers: tuple[int, ...]
    ids: np.ndarray
    mask: np.ndarray
    first: np.ndarray
    last: np.ndarray
    letters: np.ndarray | None = None

    def inputs(self) -> tuple[np.ndarray, ...]:
        """What an encoder is given, in order."""
        given = self.ids, self.mask, self.first, self.last
        return given if self.letters is None else (*given, self.letters)


def batches(windows: Sequence[WindowInput], pieces: int, pad: int) -> Iterator[Batch]:
    """The windows in batches of at most so many padded pieces, the longest first; a batch has one window at least."""
    order = sorted(range(len(windows)), key=lambda n: -len(windows[n].ids))
    while order:
        size = max(1, pieces // len(windows[order[0]].ids))
        numbers, order = order[:size], order[size:]
        chosen = [windows[n] for n in numbers]
        mask = [np.ones_like(w.ids) for w in chosen]
        letters = None if chosen[0].letters is None else padded([w.letters for w in chosen], 0)
        yield Batch(tuple(numbers), padded([w.ids for w in chosen], pad), padded(mask, 0),
                    padded([w.first for w in chosen], 0), padded([w.last for w in chosen], 0), letters)


def padded(rows: Sequence[np.ndarray], value: float) -> np.ndarray:
    """Rows of one type, [n, …] each, as one array [rows, longest, …]; what is missing is ``value``.

    >>> padded([np.array([1, 2]), np.array([3])], 0).tolist()
    [[1, 2], [3, 0]]
    """
    filled = np.full((len(rows), max(map(len, rows)), *rows[0].shape[1:]), value, dtype=rows[0].dtype)
    for number, row in enumerate(rows):
        filled[number, :len(row)] = row
    return filled
