"""What well-kept tools reach with the data that the model is trained on: the least it must beat.

    python benchmarks/baselines.py --write docs/accuracy.md
    python benchmarks/baselines.py --train training/corpus/train.jsonl --train more.src --also "real-c=real-c.src"

A linear-chain CRF (sklearn-crfsuite) and spaCy's NER, one model a layer, line by line, over the units that the model
labels; both find no relations. Scores come from ``arabie.evaluation``, as for the model. Each layer of each tool takes
minutes; its scores are kept in ``--out`` and used again as long as the data and the tool's settings stay the same.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from kept import fingerprint, kept
from pages import rewrite
from sets import documents, named
from tagging import Line, lines

from arabie import load
from arabie.document import Document
from arabie.encoding import Encoder
from arabie.errors import ArabieError, ConfigError, nearest
from arabie.evaluation import Report, evaluate
from arabie.formats.losses import Losses
from arabie.model_folder import DEFAULT_MODEL, FolderTokenizer
from arabie.schema import DEFAULT, Layer, Schema

CORPUS = Path(__file__).resolve().parents[1] / "training/corpus"
LayerScores = dict[str, list[float]]  # strict and relaxed F1 by set
Scores = dict[str, LayerScores]  # by layer


def taggers() -> dict[str, type]:
    """The tools by their short names."""
    try:
        from crf import CrfTagger
        from spacy_ner import SpacyTagger
    except ImportError as error:
        raise ConfigError(f"{error}; the baselines need: pip install 'arabie[bench]'") from None
    return {"crf": CrfTagger, "spacy": SpacyTagger}


class Experiment:
    """Documents to train on, to stop by (dev) and to measure on, cut into lines as the model would cut them."""

    def __init__(self, schema: Schema, train: list[Document], dev: list[Document],
                 sets: dict[str, list[Document]]) -> None:
        self.schema, self.train, self.dev, self.sets = schema, train, dev, sets
        self.encoder = Encoder(FolderTokenizer.load(DEFAULT_MODEL))
        self.left_out = Losses()

    def lines(self, documents: list[Document], layer: Layer) -> list[Line]:
        """The lines of some documents, tagged in a layer."""
        return [line for document in documents for line in lines(document, layer, self.encoder, self.left_out)]

    def scores(self, tool: Any, layer: Layer) -> LayerScores:
        """Train a tool on a layer and measure it on every set."""
        tool.fit(self.lines(self.train, layer), self.lines(self.dev, layer))
        found = {}
        for name, gold in self.sets.items():
            predicted = [self.tagged(tool, layer, document) for document in gold]
            found[name] = f1(evaluate(gold, predicted, self.schema), layer)
        return found

    def tagged(self, tool: Any, layer: Layer, document: Document) -> Document:
        """A document with a tool's spans in place of its own."""
        spans = [span for line in self.lines([document], layer) for span in line.spans(tool.tag(line.words))]
        return Document(document.text, tuple(spans), id=document.id, schema=self.schema)

    def key(self, tool: type) -> str:
        """A fingerprint of what the scores of a tool depend on: its settings, the schema and the documents."""
        parts = [[document.to_json() for document in part] for part in (self.train, self.dev, *self.sets.values())]
        return fingerprint(tool.settings, self.schema.to_dict(), list(self.sets), parts)


def f1(report: Report, layer: Layer) -> list[float]:
    """Strict and relaxed micro F1 of a layer."""
    found = report.layers[layer.name]
    return [found.strict.micro.f1, found.relaxed.micro.f1]


def baseline(experiment: Experiment, name: str, tool: type, out: Path) -> Scores:
    """The scores of a tool; those of a layer that ``out`` holds for the same data are used again."""
    def measured(layer: Layer) -> LayerScores:
        started = time.monotonic()
        scores = experiment.scores(tool(), layer)
        print(f"{tool.name}, {layer.name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        return scores

    key = experiment.key(tool)
    return {layer.name: kept(out / f"{name}-{layer.name}-{key}.json", lambda layer=layer: measured(layer))
            for layer in experiment.schema.layers}


def of_model(experiment: Experiment, folder: Path) -> Scores:
    """The same scores of an arabie model."""
    extractor = load(folder, device="cpu", engine="torch", precision="fp32")
    if extractor.schema.layers != experiment.schema.layers:
        raise ConfigError(f"{folder}: the model was made for the schema {extractor.schema.name!r}, and the data has "
                          f"{experiment.schema.name!r}; name another model, or the schema of this one (--schema)")
    reports = {name: evaluate(gold, extractor.label_many(gold), experiment.schema)
               for name, gold in experiment.sets.items()}
    return {layer.name: {name: f1(report, layer) for name, report in reports.items()}
            for layer in experiment.schema.layers}


def table(rows: dict[str, Scores], sets: list[str], layers: list[str]) -> str:
    """A Markdown table: a row for each set and tool, strict and relaxed F1 of each layer."""
    head = ["measured on", "by", *(f"{layer}<br>strict / relaxed" for layer in layers)]
    made = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * len(layers)]
    for name in sets:
        for tool, scores in rows.items():
            cells = ["{:.3f} / {:.3f}".format(*scores[layer][name]) for layer in layers]
            made.append("| " + " | ".join([name, tool, *cells]) + " |")
    return "\n".join(made) + "\n"


def main(
    train: Annotated[list[Path], typer.Option(help="Annotated files to train on (.jsonl, .src).")] = [
        CORPUS / "train.jsonl"],
    dev: Annotated[Path, typer.Option(help="The file by which a tool may stop early.")] = CORPUS / "dev.jsonl",
    test: Annotated[Path, typer.Option(help="The file to measure on, beside dev.")] = CORPUS / "test.jsonl",
    also: Annotated[list[str], typer.Option(help="NAME=FILE of another annotated set to measure on.")] = [],
    schema: Annotated[Path, typer.Option(help="The schema of the data, a TOML file.")] = DEFAULT,
    tool: Annotated[list[str], typer.Option(help="Tools to run: crf, spacy.")] = ["crf", "spacy"],
    model: Annotated[Path | None, typer.Option(help="The folder of an arabie model to put beside them.")] = None,
    out: Annotated[Path, typer.Option(help="Where scores are kept.")] = Path("runs/baselines"),
    mark: Annotated[str, typer.Option(help="The name of the marks in the pages.")] = "baselines",
    write: Annotated[list[Path], typer.Option(help="Pages in which the table between the marks is made anew.")] = [],
) -> None:
    """Train the tools, measure them, print the table, and put it into the pages named."""
    labels, known = Schema.load(schema), taggers()
    if unknown := next((name for name in tool if name not in known), None):
        raise ConfigError(f"unknown tool {unknown!r}; {nearest(unknown, known)}")
    sets = {name: documents([path], labels) for name, path in {"dev": dev, "test": test, **named(also)}.items()}
    experiment = Experiment(labels, documents(train, labels), sets["dev"], sets)
    rows = {known[name].name: baseline(experiment, name, known[name], out) for name in tool}
    if model:
        rows["arabie"] = of_model(experiment, model)
    for line in experiment.left_out.lines():
        print(f"left out: {line}", file=sys.stderr)
    made = table(rows, list(sets), [layer.name for layer in labels.layers])
    print(made)
    for page in write:
        rewrite(page, mark, made)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"baselines: {error}") from None
