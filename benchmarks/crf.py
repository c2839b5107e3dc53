"""What a linear-chain CRF does with the same data: the least that the model must beat.

    python benchmarks/crf.py --train training/corpus/train.jsonl --test training/corpus/dev.jsonl

One CRF a layer (sklearn-crfsuite), line by line; features are words with their affixes and shape in a window of three.
It finds no relations. Scores come from ``arabie.evaluation``, as for the model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import sklearn_crfsuite
import typer
from rich.console import Console

from arabie.document import Document, Span
from arabie.evaluation import evaluate, render
from arabie.formats import read
from arabie.schema import Layer, default_schema
from arabie.text import view, words

SCHEMA = default_schema()


def features(tokens: list[str], at: int) -> dict[str, str | bool]:
    """What the CRF sees at a word: itself and two words to either side."""
    found: dict[str, str | bool] = {"start": at == 0, "end": at == len(tokens) - 1}
    for offset in (-2, -1, 0, 1, 2):
        if 0 <= at + offset < len(tokens):
            word = tokens[at + offset]
            found[f"{offset}:word"] = word
            found[f"{offset}:digit"] = word.isdigit()
            for length in (1, 2, 3):
                found[f"{offset}:prefix{length}"], found[f"{offset}:suffix{length}"] = word[:length], word[-length:]
    return found


def lines(document: Document, layer: Layer | None = None) -> list[tuple[list[str], list[str], list[tuple[int, int]]]]:
    """For each line its words as the default view spells them, their IOB2 tags in a layer, and their raw ranges."""
    seen = view(document.text)
    units = words(seen)
    tags = ["O"] * len(units)
    for span in document.layer(layer.name) if layer else ():
        inside = np.flatnonzero((units.raw_starts >= span.start) & (units.raw_ends <= span.end))
        for n, place in enumerate(inside.tolist()):
            tags[place] = f"{'I' if n else 'B'}-{span.label}"
    tokens = [seen.text[start:end] for start, end in zip(units.view_starts, units.view_ends)]
    ranges = list(zip(units.raw_starts.tolist(), units.raw_ends.tolist()))
    rows = [np.flatnonzero(units.line == line) for line in np.unique(units.line)]
    return [([tokens[n] for n in row], [tags[n] for n in row], [ranges[n] for n in row]) for row in rows]


def spans_of(tags: list[str], ranges: list[tuple[int, int]]) -> list[Span]:
    """The spans of IOB2 tags; an I without its B starts a span."""
    found: list[Span] = []
    open_label = None
    for tag, (start, end) in zip(tags, ranges):
        kind, _, label = tag.partition("-")
        if kind == "I" and label == open_label:
            found[-1] = Span(found[-1].start, end, label)
        elif kind in "BI":
            found.append(Span(start, end, label))
        open_label = label or None
    return found


def main(train: Annotated[list[Path], typer.Option(help="Annotated files, .jsonl or .src.")],
         test: Annotated[list[Path], typer.Option(help="Annotated files to measure on.")],
         json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None) -> None:
    """Train a CRF for each layer and measure it."""
    training, gold = ([d for p in paths for d in read(p, "source" if p.suffix == ".src" else "jsonl")] for paths in (train, test))
    found: list[list[Span]] = [[] for _ in gold]
    for layer in SCHEMA.layers:
        rows = [row for document in training for row in lines(document, layer)]
        model = sklearn_crfsuite.CRF(algorithm="lbfgs", c1=0.1, c2=0.1, max_iterations=80)
        model.fit([[features(tokens, n) for n in range(len(tokens))] for tokens, _, _ in rows], [tags for _, tags, _ in rows])
        for spans, document in zip(found, gold):
            for tokens, _, ranges in lines(document):
                spans += spans_of(model.predict_single([features(tokens, n) for n in range(len(tokens))]), ranges)
    predicted = [Document(document.text, tuple(spans), id=document.id) for document, spans in zip(gold, found)]
    report = evaluate(gold, predicted, SCHEMA)
    Console(highlight=False).print(render.report(report))
    if json_file:
        json_file.write_text(json.dumps(report.summary(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
