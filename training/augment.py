"""Look at what augmentation makes of annotated documents.

    python training/augment.py training/corpus/dev.jsonl --config configs/default.toml --show 5 --set listed=0.5
"""

from __future__ import annotations

import random
import sys
from dataclasses import fields, replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.errors import ArabieError, ConfigError, nearest
from arabie.schema import DEFAULT, Schema
from arabie.terminal import render
from training.augmentation import AugmentationSettings, Augmenter
from training.settings import load_settings
from training.train import TrainSettings, read_documents


def main(file: Annotated[Path, typer.Argument(help="Annotated documents (.jsonl, .src).")],
         config: Annotated[Path, typer.Option(help="An experiment file; its training files lend names.")],
         show: Annotated[int, typer.Option(help="How many documents to show.")] = 5,
         seed: Annotated[int, typer.Option(help="Another seed, another outcome.")] = 1,
         rates: Annotated[list[str], typer.Option("--set", help="NAME=RATE in place of the config's.")] = []) -> None:
    """Print documents as they are and as augmentation makes them."""
    settings = load_settings(config, TrainSettings)
    augmentation = replace(settings.augmentation, **dict(_rate(told) for told in rates))
    if not augmentation.is_on:
        raise ConfigError(f"{config}: nothing is switched on under [augmentation]; add a rate, or --set listed=0.5")
    schema = Schema.load(DEFAULT if settings.model.schema == "default" else settings.model.schema)
    documents = read_documents([file], schema)
    lending = read_documents([Path(path) for path in settings.data.train], schema) or documents
    augmenter, console = Augmenter(augmentation, lending), Console()
    for number, document in enumerate(islice(documents, show)):
        augmented = augmenter(document, random.Random(f"{seed} {number}"))
        for title, shown in (("as it is", document), ("augmented", augmented)):
            console.rule(title)
            console.print(render(shown))


def _rate(told: str) -> tuple[str, float]:
    """A setting given as NAME=RATE."""
    name, _, rate = told.partition("=")
    known = [field.name for field in fields(AugmentationSettings)]
    if name not in known:
        raise ConfigError(f"--set {told}: unknown name {name!r}; {nearest(name, known)}")
    try:
        return name, float(rate)
    except ValueError:
        raise ConfigError(f"--set {told}: {rate!r} is no number; write {name}=0.1, say") from None


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"augment: {error}") from None
