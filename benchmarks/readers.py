"""How far two readers agree who annotated the same texts by the same guidelines, and how far a model agrees with either.

    python benchmarks/readers.py --first test=training/corpus/test.jsonl --second test=benchmarks/readings/test.jsonl

The agreement of readers is about what a model can reach at most: where they differ, one of them is wrong, or the guidelines
leave it open. Texts of the first reader that the second has not read are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pages import markdown, rewrite
from sets import documents, named

from arabie import load
from arabie.document import Document
from arabie.errors import ArabieError, ConfigError
from arabie.evaluation import evaluate, same_texts
from arabie.extractor import Extractor
from arabie.formats.losses import Losses
from arabie.model_folder import DEFAULT_MODEL

Summary = dict[str, float]


def compared(extractor: Extractor, first: list[Document], second: list[Document]) -> dict[str, Summary]:
    """The headline figures of the second reader, and of a model, on the texts that both have read."""
    first, second = same_texts(first, second, Losses())
    found = list(extractor.label_many(first))
    sides = {"second reader by the first": (first, second), "arabie by the first": (first, found), "arabie by the second": (second, found)}
    return {name: evaluate(*side, extractor.schema).summary() for name, side in sides.items()}


def table(rows: dict[str, dict[str, Summary]], layers: list[str]) -> str:
    """A Markdown table: for each set the agreement of each two, strict and relaxed F1 and the share of like statuses."""
    columns = [*layers, "relations"]
    head = ["measured on", *(f"{name}<br>strict / relaxed" for name in columns), "status<br>accuracy"]
    lines = [[f"{name}: {side}", *(f"{found[f'{column}_f1']:.3f} / {found[f'{column}_relaxed_f1']:.3f}" for column in columns),
              f"{found['status_accuracy']:.3f}"] for name, sides in rows.items() for side, found in sides.items()]
    return markdown(head, lines)


def main(first: Annotated[list[str], typer.Option(help="NAME=FILE of what one reader annotated.")],
         second: Annotated[list[str], typer.Option(help="NAME=FILE of what another annotated, under the same name.")],
         model: Annotated[Path, typer.Option(help="A model folder.")] = DEFAULT_MODEL,
         write: Annotated[list[Path], typer.Option(help="Pages in which the table between the marks is made anew.")] = []) -> None:
    """Compare the readings, print the table, and put it into the pages named."""
    ours, theirs = named(first), named(second)
    if alone := sorted(ours.keys() ^ theirs.keys()):
        raise ConfigError(f"{alone[0]}: read by one reader only; give --first and --second the same names")
    extractor = load(model, device="cpu", engine="torch", precision="fp32")
    rows = {name: compared(extractor, *(documents([side[name]], extractor.schema) for side in (ours, theirs))) for name in ours}
    made = table(rows, [layer.name for layer in extractor.schema.layers])
    print(made)
    for page in write:
        rewrite(page, "readers", made)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"readers: {error}") from None
