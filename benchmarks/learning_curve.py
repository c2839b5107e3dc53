"""What more training documents bring: a model trained on a quarter of them, on half, and on all.

    python benchmarks/learning_curve.py configs/default.toml
    python benchmarks/learning_curve.py configs/default.toml --train more.src --also "real-c=real-c.src"

The parts are nested and always the same: documents in the order of a hash of their ids. Every model takes as long as a
training; what is done is kept in ``--out``, and a training that was killed goes on from its last checkpoint.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from kept import fingerprint, kept
from pages import rewrite
from sets import documents, named

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # run as a script: training/ is not installed

from arabie import load
from arabie.document import Document
from arabie.errors import ArabieError, ConfigError
from arabie.evaluation import evaluate
from arabie.formats import write as write_documents
from arabie.schema import DEFAULT, Schema
from training.models import encoder_path
from training.settings import load_settings
from training.train import TrainSettings, run_training


def part(documents: list[Document], percent: int) -> list[Document]:
    """So many per cent of the documents; those of a smaller part are in every greater one."""
    ranked = sorted(documents, key=lambda d: hashlib.sha256((d.id or d.text).encode()).digest())
    return ranked[:round(len(ranked) * percent / 100)]


def trained_on(chosen: list[Document], settings: TrainSettings, schema: Schema, run: Path) -> Path:
    """The folder of a model trained on these documents alone, by what else an experiment says; a run that was killed goes on."""
    run.mkdir(parents=True, exist_ok=True)
    write_documents(chosen, run / "train.jsonl", schema=schema)
    begun = any((run / "checkpoints").glob("checkpoint-*"))
    return run_training(settings, [run / "train.jsonl"], [Path(path) for path in settings.data.dev], run, resume=begun)


class Curve:
    """One experiment, trained on parts of its documents and measured on some sets."""

    def __init__(self, settings: TrainSettings, train: list[Path], sets: dict[str, Path], out: Path) -> None:
        self.settings, self.out = settings, out
        self.schema = Schema.load(DEFAULT if settings.model.schema == "default" else settings.model.schema)
        self.train = documents(train, self.schema)
        self.sets = {name: documents([path], self.schema) for name, path in sets.items()}

    def point(self, percent: int) -> dict[str, Any]:
        """How many documents and words a part has, and the headline scores of its model on each set."""
        chosen = part(self.train, percent)
        told = (chosen, documents(map(Path, self.settings.data.dev), self.schema), *self.sets.values())
        parts = [[document.to_json() for document in some] for some in told]
        key = fingerprint(asdict(self.settings), encoder_content(self.settings), list(self.sets), parts)
        run = self.out / f"{percent}-{key}"
        return kept(run / "scores.json", lambda: self._measured(chosen, run))

    def _measured(self, chosen: list[Document], run: Path) -> dict[str, Any]:
        extractor = load(trained_on(chosen, self.settings, self.schema, run))
        scores = {name: evaluate(gold, extractor.label_many(gold), self.schema).summary()
                  for name, gold in self.sets.items()}
        return {"documents": len(chosen), "words": sum(len(d.text.split()) for d in chosen), "scores": scores}


def encoder_content(settings: TrainSettings) -> list[str]:
    """What stands in the folder of the encoder, file by file, as a hash; nothing for one of the hub."""
    folder = Path(encoder_path(settings.model))
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*")) if path.is_file()]


def table(points: dict[int, dict[str, Any]], columns: list[str]) -> str:
    """A Markdown table: a row for each set and part, strict and relaxed F1 in each column."""
    head = ["measured on", "of training", "documents", "words", *(f"{name}<br>strict / relaxed" for name in columns)]
    rows = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for name in next(iter(points.values()))["scores"]:
        for percent, point in points.items():
            scores = point["scores"][name]
            cells = [name, f"{percent} %", f"{point['documents']:,}", f"{point['words']:,}"]
            cells += [f"{scores[f'{column}_f1']:.3f} / {scores[f'{column}_relaxed_f1']:.3f}" for column in columns]
            rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def main(
    config: Annotated[Path, typer.Argument(help="An experiment file, such as configs/default.toml.")],
    train: Annotated[list[Path], typer.Option(help="More annotated files to train on, beside the config's.")] = [],
    test: Annotated[Path, typer.Option(help="The file to measure on.")] = ROOT / "training/corpus/test.jsonl",
    also: Annotated[list[str], typer.Option(help="NAME=FILE of another annotated set to measure on.")] = [],
    percent: Annotated[list[int], typer.Option(min=1, max=100, help="The parts.")] = [25, 50, 100],
    out: Annotated[Path, typer.Option(help="Where models and scores are kept.")] = Path("runs/learning-curve"),
    write: Annotated[list[Path], typer.Option(help="Pages in which the table between the marks is made anew.")] = [],
) -> None:
    """Train on each part, measure, print the table, and put it into the pages named."""
    settings = load_settings(config, TrainSettings)
    files = [Path(path) for path in settings.data.train] + train
    curve = Curve(settings, files, {"test": test, **named(also)}, out)
    if not part(curve.train, min(percent)):
        raise ConfigError(f"{min(percent)} % of {len(curve.train)} documents is none; take a greater part")
    points = {share: curve.point(share) for share in sorted(percent)}
    layers = [layer.name for layer in curve.schema.layers]
    made = table(points, layers + (["relations"] if curve.schema.relations else []))
    print(made)
    for page in write:
        rewrite(page, "learning-curve", made)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"learning_curve: {error}") from None
