"""Exporting a model: ``python -m arabie.engines.export MODEL ENGINE PRECISION TARGET``, which ``cache`` runs.

Three graphs are exported: the encoder, the heads of the units, and the relation head; see ``engines.Runtime`` for what
goes in and comes out.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from arabie.encoding import Encoder, windows
from arabie.engines.batching import batches
from arabie.errors import ArabieError
from arabie.letters import PARTS
from arabie.model import ArabieModel
from arabie.model_folder import FolderTokenizer, ModelFacts, load_model

CALIBRATION = Path(__file__).parent / "calibration.txt"  # a text a line; of these the ranges of numbers are learnt


@dataclass(frozen=True)
class Graph:
    """A part of a model; ``inputs`` has an example of each, ``axes`` the names of its first axes, which vary."""

    name: str
    module: nn.Module
    inputs: Mapping[str, torch.Tensor]
    axes: Mapping[str, tuple[str, ...]]
    outputs: Sequence[str]


class EncoderGraph(nn.Module):
    """Pieces, and letters where the model reads them, to states of units."""

    def __init__(self, model: ArabieModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, first: torch.Tensor, last: torch.Tensor,
                letters: torch.Tensor | None = None) -> torch.Tensor:
        return self.model.unit_states(ids, mask, first, last, letters)


class HeadsGraph(nn.Module):
    """States to log-probabilities of the tags of each layer, and of the statuses."""

    def __init__(self, model: ArabieModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return *self.model.tag_scores(states), self.model.status_scores(states)


class RelationsGraph(nn.Module):
    """States, spans and pairs of spans to probabilities of relations."""

    def __init__(self, model: ArabieModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, states: torch.Tensor, spans: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
        return self.model.relation_scores(states, spans, pairs).exp()


def graphs(model: ArabieModel) -> Iterator[Graph]:
    """The parts of a model; that of the relations only if its schema has any."""
    size = model.config.encoder_config().hidden_size
    ids = torch.arange(5, 41).reshape(3, 12) % model.get_input_embeddings().num_embeddings
    mask, places = torch.ones_like(ids), torch.arange(1, 8).repeat(3, 1)
    mask[1:, 9:] = 0
    of_pieces, of_units = ("windows", "pieces"), ("windows", "units")
    given = {"ids": ids, "mask": mask, "first": places, "last": places + 1}
    axes = {"ids": of_pieces, "mask": of_pieces, "first": of_units, "last": of_units}
    if model.letters is not None:
        given["letters"] = torch.arange(3 * 7 * PARTS, dtype=torch.int32).reshape(3, 7, PARTS) % model.config.letters
        axes["letters"] = of_units
    yield Graph("encoder", EncoderGraph(model), given, axes, ("states",))
    states = torch.randn(3, 7, size)
    heads = [f"tags_{number}" for number in range(len(model.tag_counts))] + ["statuses"]
    yield Graph("heads", HeadsGraph(model), {"states": states}, {"states": of_units}, heads)
    if model.relations is not None:
        spans = torch.tensor([[0, 0, 1, 0], [0, 2, 2, 1], [0, 4, 6, 0], [2, 1, 1, 1], [2, 3, 5, 0]])
        pairs = torch.tensor([[0, 1], [1, 2], [3, 4], [2, 0]])
        yield Graph("relations", RelationsGraph(model), {"states": states, "spans": spans, "pairs": pairs},
                    {"states": of_units, "spans": ("spans",), "pairs": ("pairs",)}, ("probabilities",))


def calibration(folder: Path) -> list[tuple[np.ndarray, ...]]:
    """Batches of inputs of the encoder, from the texts of CALIBRATION."""
    tokenizer, facts = FolderTokenizer.load(folder), ModelFacts.load(folder)
    encoder = Encoder(tokenizer, facts.profile, facts.letters)
    read = encoder.encode_many(CALIBRATION.read_text(encoding="utf-8").splitlines())
    inputs = [encoder.window_input(encoded, window) for encoded in read for window in windows(encoded, facts.windows)]
    return [batch.inputs() for batch in batches(inputs, 1024, tokenizer.pad_token_id or 0)]


def main(folder: str, engine: str, precision: str, target: str) -> None:
    """Write the graphs of a model for an engine into a folder."""
    sys.modules["openvino_telemetry"] = None  # nobody is told who converts what; openvino does without it
    samples = calibration(Path(folder)) if precision == "int8" else []
    with torch.no_grad():
        parts = list(graphs(load_model(folder).eval()))
        importlib.import_module(f"arabie.engines.{engine}").export(parts, precision, samples, Path(target))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ArabieError as error:
        raise SystemExit(str(error)) from None
