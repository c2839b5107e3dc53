"""The reference engine: PyTorch, in the precision of the weights it is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from arabie.engines import WindowInput, WindowOutput
from arabie.errors import ModelError
from arabie.model import ArabieModel

PIECES_A_BATCH = 8192  # padded; bounds the memory of a batch


def choose_device(name: str | None) -> torch.device:
    """The device of that name, or the best there is. Raises ModelError for one this machine lacks."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelError(f"device {name!r} cannot be used here ({str(error).splitlines()[0]}); try device='cpu'") from None
    return device


class TorchEngine:
    """Runs an ArabieModel on a device."""

    def __init__(self, model: ArabieModel, device: str | None = None, pad: int = 0) -> None:
        self.device = choose_device(device)
        self.model = model.to(self.device).eval()
        self.pad = pad

    @torch.inference_mode()
    def run(self, windows: Sequence[WindowInput]) -> list[WindowOutput]:
        """Scores of the windows, in their order; they are run longest first, in batches of like length."""
        order = sorted(range(len(windows)), key=lambda n: -len(windows[n].ids))
        outputs: list[WindowOutput | None] = [None] * len(windows)
        while order:
            size = max(1, PIECES_A_BATCH // len(windows[order[0]].ids))
            batch, order = order[:size], order[size:]
            for number, output in zip(batch, self._batch([windows[n] for n in batch])):
                outputs[number] = output
        return outputs

    def _batch(self, windows: list[WindowInput]) -> list[WindowOutput]:
        ids = self._padded([w.ids for w in windows], self.pad)
        mask = self._padded([np.ones_like(w.ids) for w in windows], 0)
        first, last = self._padded([w.first for w in windows], 0), self._padded([w.last for w in windows], 0)
        states = self.model.unit_states(ids, mask, first, last)
        tags = [scores.cpu().numpy() for scores in self.model.tag_scores(states)]
        statuses, states = self.model.status_scores(states).cpu().numpy(), states.float().cpu().numpy()
        return [WindowOutput(tuple(scores[n, :len(w.first)] for scores in tags), statuses[n, :len(w.first)], states[n, :len(w.first)])
                for n, w in enumerate(windows)]

    def _padded(self, rows: list[np.ndarray], value: int) -> torch.Tensor:
        padded = np.full((len(rows), max(len(row) for row in rows)), value, dtype=np.int64)
        for number, row in enumerate(rows):
            padded[number, :len(row)] = row
        return torch.from_numpy(padded).to(self.device)

    @torch.inference_mode()
    def relate(self, states: np.ndarray, spans: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """Probabilities [pairs, types + 1] for pairs [pairs, 2] of spans [n, 3] (first, last, label) over states [units, size]."""
        rows = np.concatenate([np.zeros((len(spans), 1), dtype=np.int64), spans], axis=1)
        given = [torch.from_numpy(array).to(self.device) for array in (states[None], rows, pairs)]
        given[0] = given[0].to(self.model.dtype)
        return self.model.relation_scores(*given).exp().cpu().numpy()
