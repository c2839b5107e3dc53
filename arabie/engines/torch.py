"""The reference engine: PyTorch on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from arabie.engines.batching import Batch
from arabie.engines.choice import Choice
from arabie.errors import ModelError
from arabie.model import ArabieModel
from arabie.model_folder import load_model

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def find_device(name: str | None) -> torch.device:
    """The device of that name, or the best there is. Raises ModelError for one this machine lacks."""
    if name is None:
        gpus = {"cuda": torch.cuda, "mps": torch.backends.mps}
        return torch.device(next((gpu for gpu, backend in gpus.items() if backend.is_available()), "cpu"))
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        told = str(error).splitlines()[0]
        raise ModelError(f"device {name!r} cannot be used here ({told}); try device='cpu'") from None
    return device


def open_runtime(folder: Path, choice: Choice) -> TorchRuntime:
    """The runtime of a model's folder. Raises ModelError if the model or the device cannot be used."""
    return TorchRuntime(load_model(folder), find_device(choice.device), choice.precision)


class TorchRuntime:
    """Runs a model, which it moves to the device and sets to evaluate, its encoder in the given precision."""

    def __init__(self, model: ArabieModel, device: torch.device, precision: str = "fp32") -> None:
        self.choice = Choice("torch", str(device), precision)
        self.pieces_a_batch = 1024 if device.type == "cpu" else 32_768
        self.device = device
        self.model = model.to(device).eval()
        self.model.encoder.to(DTYPES[precision])

    @torch.inference_mode()
    def encode(self, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        """See Runtime."""
        for batch in batches:
            yield self.model.unit_states(*map(self._tensor, batch.inputs())).float().cpu().numpy()

    @torch.inference_mode()
    def label(self, states: np.ndarray) -> tuple[np.ndarray, ...]:
        """See Runtime."""
        given = self._tensor(states)
        found = *self.model.tag_scores(given), self.model.status_scores(given)
        return tuple(scores.cpu().numpy() for scores in found)

    @torch.inference_mode()
    def relate(self, states: np.ndarray, spans: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """See Runtime."""
        return self.model.relation_scores(*map(self._tensor, (states, spans, pairs))).exp().cpu().numpy()

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)
