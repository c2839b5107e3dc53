"""A model with more layers computes at first what it did with fewer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from arabie.errors import ConfigError, ModelError
from arabie.extractor import Extractor
from arabie.formats import read
from arabie.model_folder import DEFAULT_MODEL, load_model
from training.grow import main, sources

ROOT = Path(__file__).resolve().parents[2]


@given(st.integers(1, 24), st.integers(1, 30))
def test_new_layers_lie_evenly_apart_after_the_layers_they_copy(layers, more):
    plan = sources(layers, layers + more)
    assert [layer for layer, new in plan if not new] == list(range(layers))
    assert sum(new for _, new in plan) == more and [layer for layer, _ in plan] == sorted(layer for layer, _ in plan)
    copies = np.bincount([layer for layer, new in plan if new], minlength=layers)
    assert copies.max() - copies.min() <= 1
    assert all(not new or plan[place - 1][0] == layer for place, (layer, new) in enumerate(plan))


@pytest.mark.parametrize("more", [1, 4])
def test_a_grown_model_finds_what_it_did_and_can_learn_in_its_new_layers(tmp_path, more):
    small = load_model(DEFAULT_MODEL)
    layers = len(small.encoder.layers) + more
    main(DEFAULT_MODEL, layers, tmp_path / "grown")
    large = load_model(tmp_path / "grown")
    assert len(large.encoder.layers) == layers == large.config.encoder["num_hidden_layers"]
    assert json.loads((tmp_path / "grown" / "training.json").read_text(encoding="utf-8"))["grown_to_layers"] == layers
    texts = [document.text for document in read(ROOT / "training/corpus/dev.jsonl")][:4]
    of_small, of_large = (Extractor.load(folder, device="cpu", engine="torch", precision="fp32") for folder in (DEFAULT_MODEL, tmp_path / "grown"))
    assert [of_large.extract(text) for text in texts] == [of_small.extract(text) for text in texts]

    ids = torch.arange(5, 25).reshape(2, 10)
    large.encoder(ids, torch.ones_like(ids)).last_hidden_state[..., 0].sum().backward()
    new = [large.encoder.layers[place] for place, (_, is_new) in enumerate(sources(layers - more, layers)) if is_new]
    assert len(new) == more and all(layer.mlp.Wo.weight.grad.abs().sum() > 0 and not layer.mlp.Wo.weight.any() for layer in new)


def test_what_cannot_grow_is_told_and_nothing_is_written(toy_model, tmp_path):
    layers = len(load_model(DEFAULT_MODEL).encoder.layers)
    with pytest.raises(ConfigError, match=f"has {layers} layers already"):
        main(DEFAULT_MODEL, layers, tmp_path / "grown")
    with pytest.raises(ConfigError, match="type bert cannot"):
        main(toy_model, 12, tmp_path / "grown")
    with pytest.raises(ModelError):
        main(tmp_path, layers + 1, tmp_path / "grown")
    assert not (tmp_path / "grown").exists()
    before = {path.name: path.read_bytes() for path in toy_model.iterdir()}
    with pytest.raises(ConfigError, match="is there already"):
        main(DEFAULT_MODEL, layers + 1, toy_model)
    assert {path.name: path.read_bytes() for path in toy_model.iterdir()} == before
