"""Running a model: windows in, scores out, by PyTorch or by what else is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np

from arabie.encoding import WindowInput
from arabie.engines.agreement import fastest
from arabie.engines.batching import Batch, batches, padded
from arabie.engines.choice import Choice, best_device, offered
from arabie.errors import ModelError


@dataclass(frozen=True, eq=False)
class WindowOutput:
    """Per unit of a window: log-probabilities of the tags of each layer and of the statuses; states [units, size]."""

    tags: tuple[np.ndarray, ...]
    statuses: np.ndarray
    states: np.ndarray


class Runtime(Protocol):
    """What runs the parts of a model. The encoder may run in a lower precision; the heads are always run in fp32."""

    choice: Choice
    pieces_a_batch: int  # padded; bounds the memory of a batch

    def encode(self, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        """The states of the units of each batch, float32 [windows, units, size], in order."""

    def label(self, states: np.ndarray) -> tuple[np.ndarray, ...]:
        """Log-probabilities [windows, units, …] of the tags of each layer and, last, of the statuses."""

    def relate(self, states: np.ndarray, spans: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """See Engine; ``states`` are [windows, units, size]."""


class Engine:
    """Runs one model. ``run`` and ``relate`` may be called at the same time, from two threads."""

    def __init__(self, runtime: Runtime, pad: int) -> None:
        self.runtime, self.pad = runtime, pad
        self._running, self._relating = Lock(), Lock()

    def run(self, windows: Sequence[WindowInput]) -> list[WindowOutput]:
        """Scores of the windows, in their order."""
        found: list[WindowOutput | None] = [None] * len(windows)
        cut = list(batches(windows, self.runtime.pieces_a_batch, self.pad))
        with self._running:
            for batch, states in zip(cut, self.runtime.encode(cut), strict=True):
                scores = self.runtime.label(states)
                for row, number in enumerate(batch.numbers):
                    units = len(windows[number].first)
                    *tags, statuses, own = (values[row, :units] for values in (*scores, states))
                    found[number] = WindowOutput(tuple(tags), statuses, own)
        return found

    def relate(self, states: Sequence[np.ndarray], spans: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """Probabilities [m, types + 1], first that of no relation, of pairs [m, 2] (head, tail) of spans [n, 4].

        ``states`` are those of some windows, [units, size] each; a span is (window, first unit, last unit, label),
        int64, and both spans of a pair are of one window. Each window's spans come in text order.
        """
        with self._relating:
            return self.runtime.relate(padded(states, 0), spans, pairs)


def open_engine(folder: Path, pad: int, engine: str | None = None, device: str | None = None,
                precision: str | None = None) -> Engine:
    """The engine for a model's folder; ``pad`` is the piece to fill batches with.

    ``engine`` is "torch", "openvino" or "onnx", ``device`` "cpu", "cuda" or "mps", ``precision`` "fp32", "bf16", "fp16"
    or "int8". What isn't given is chosen: a GPU if there is one, and on a CPU the fastest of what is installed and was
    measured to give the answers of torch in fp32 (see ``agreement``), or else that. Raises ModelError for what is
    unknown or cannot be used here.
    """
    choices = offered(engine, device or best_device(engine, precision), precision)
    chosen = fastest(folder, choices)
    try:
        return Engine(chosen.open(folder), pad)
    except ModelError as error:
        if engine or chosen == choices[0]:
            raise
        print(f"arabie: {error}. Going on with {choices[0]}", file=sys.stderr)
        return Engine(choices[0].open(folder), pad)
