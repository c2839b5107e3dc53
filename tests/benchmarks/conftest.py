"""The scripts of benchmarks/ are run from their folder, and import one another as if from there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from training.settings import load_settings
from training.train import TrainSettings

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))


@pytest.fixture
def toy_settings(toy_encoder, tmp_path) -> Callable[[Path], TrainSettings]:
    """An experiment of seconds, over the toy encoder, that is measured on the file named."""

    def made(dev: Path) -> TrainSettings:
        config = tmp_path / "toy.toml"
        config.write_text(f"""
name = "toy"
[model]
encoder = "{toy_encoder}"
window = 128
overlap = 32
relation_size = 16
[data]
dev = ["{dev}"]
[training]
epochs = 1
batch_size = 2""", encoding="utf-8")
        return load_settings(config, TrainSettings)

    return made
