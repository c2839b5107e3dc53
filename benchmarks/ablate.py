"""What single settings are worth: an experiment and changed copies of it, each trained with several seeds on a part of the documents.

    python benchmarks/ablate.py configs/default.toml --percent 15 --with training.epochs=8 \\
        --vary model.crf=false --vary model.letters=0 --seeds 3 --write docs/accuracy.md

A change is NAME=VALUE as in an experiment's file, several of one copy joined by commas. What is done is kept in ``--out``, and a
training that was killed goes on from its last checkpoint. The scores are those on the experiment's dev; see benchmarks/ablations.py.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from ablations import read_run, rows, table
from kept import fingerprint
from learning_curve import encoder_content, part, trained_on
from pages import rewrite
from sets import documents

from arabie.document import Document
from arabie.errors import ArabieError, ConfigError
from arabie.schema import DEFAULT, Schema
from training.settings import build, load_settings
from training.train import TrainSettings


def changed(settings: TrainSettings, change: str) -> TrainSettings:
    """The settings with NAME=VALUE, or several joined by commas, in place of what they say. Raises ConfigError."""
    tables = _told(asdict(settings))
    for item in filter(None, change.split(",")):
        name, _, value = item.partition("=")
        *path, last = name.split(".")
        try:
            table = tables
            for step in path:
                table = table[step]
            table[last] = tomllib.loads(f"value = {value}")["value"]
        except (tomllib.TOMLDecodeError, KeyError, TypeError):
            raise ConfigError(f"{item!r} is not NAME=VALUE, such as model.crf=false") from None
    return build(tables, TrainSettings, change)


def _told(table: dict[str, Any]) -> dict[str, Any]:
    """Settings as a file could say them, in which there is no None."""
    return {key: _told(value) if isinstance(value, dict) else value for key, value in table.items() if value is not None}


def trained(settings: TrainSettings, chosen: list[Document], schema: Schema, out: Path) -> Path:
    """The folder of a run with these settings on these documents, trained unless it is there."""
    told = [[document.to_json() for document in some] for some in (chosen, documents(map(Path, settings.data.dev), schema))]
    run = out / fingerprint(asdict(settings), encoder_content(settings), told)
    if not (run / "model" / "training.json").exists():
        trained_on(chosen, settings, schema, run)
    return run


def runs(base: TrainSettings, vary: Iterable[str], seeds: int) -> Iterator[TrainSettings]:
    """The experiment and its changed copies with the first seed, then all with the next."""
    copies = [base, *(changed(base, change) for change in vary)]
    for seed in range(1, seeds + 1):
        yield from (replace(copy, training=replace(copy.training, seed=seed)) for copy in copies)


def main(
    config: Annotated[Path, typer.Argument(help="An experiment file, such as configs/default.toml.")],
    vary: Annotated[list[str], typer.Option(help="NAME=VALUE of a changed copy, such as model.crf=false.")],
    common: Annotated[list[str], typer.Option("--with", help="NAME=VALUE of all copies, such as training.epochs=8.")] = [],
    train: Annotated[list[Path], typer.Option(help="More annotated files to train on, beside the config's.")] = [],
    percent: Annotated[int, typer.Option(min=1, max=100, help="How much of the documents to train on.")] = 15,
    seeds: Annotated[int, typer.Option(min=1, help="How many trainings of each copy.")] = 3,
    out: Annotated[Path, typer.Option(help="Where the runs are kept.")] = Path("runs/ablate"),
    write: Annotated[list[Path], typer.Option(help="Pages whose marks «ablate» get the table.")] = [],
) -> None:
    """Train each copy with each seed, print the table of means and deviations, and put it into the pages named."""
    settings = changed(load_settings(config, TrainSettings), ",".join(common))
    schema = Schema.load(DEFAULT if settings.model.schema == "default" else settings.model.schema)
    chosen = part(documents([Path(path) for path in settings.data.train] + train, schema), percent)
    if not chosen:
        raise ConfigError(f"{percent} % of the documents is none; take a greater part")
    made = table(rows([read_run(trained(copy, chosen, schema, out)) for copy in runs(settings, vary, seeds)]))
    print(made)
    for page in write:
        rewrite(page, "ablate", made)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"ablate: {error}") from None
