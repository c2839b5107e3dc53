"""Things timed in turns, so that what slows the machine for a while slows all of them alike; and what follows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from machine import OPERATIONS

Seconds = Mapping[str, Sequence[float]]  # of each round, by the name of what ran
PEAK_OF = {"fp32": "fp32", "bf16": "bf16", "int8": "bf16"}  # whose products a precision's share is reckoned by


@dataclass(frozen=True)
class Work:
    """What each contender does in a round. ``weights`` are those of the encoder without its embeddings."""

    words: int
    texts: int
    pieces: int
    weights: int

    @property
    def operations(self) -> int:
        """The least arithmetic there is in it: each piece times each weight, a multiplication and an addition."""
        return 2 * self.weights * self.pieces


def timed(runs: Mapping[str, Callable[[], object]], repeat: int,
          clock: Callable[[], float] = time.perf_counter) -> dict[str, list[float]]:
    """Seconds that each takes in each round; a round before the first, which warms everything up, doesn't count."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(repeat + 1):
        for name, run in runs.items():
            started = clock()
            run()
            if number:
                found[name].append(clock() - started)
    return found


def ratio(seconds: Seconds, name: str, other: str) -> float | None:
    """How many times as fast as another it was, the median of the rounds; None where the other wasn't run.

    >>> ratio({"a": [2, 8], "b": [1, 2]}, "b", "a")
    3.0
    """
    if other not in seconds:
        return None
    return median(theirs / own for own, theirs in zip(seconds[name], seconds[other], strict=True))


def share(seconds: Seconds, peaks: Seconds, name: str, precision: str, work: Work) -> float | None:
    """The least arithmetic there is, as a share of what matrix products alone would do in that time; None where the
    processor hasn't the precision. ``peaks`` are the seconds that OPERATIONS of matrix products took, by precision."""
    peak = PEAK_OF[precision]
    if peak not in peaks:
        return None
    return median(work.operations / own / (OPERATIONS / theirs)
                  for own, theirs in zip(seconds[name], peaks[peak], strict=True))


def rate(amount: int, seconds: Sequence[float]) -> float:
    """How much of it was done a second."""
    return amount / median(seconds)
