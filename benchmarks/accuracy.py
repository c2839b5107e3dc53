"""How a model scores on annotated sets, as the table of the README and docs/accuracy.md.

    python benchmarks/accuracy.py                                       # the default model on dev and test
    python benchmarks/accuracy.py --also "real-c=../shared/real/real-c.src" --write README.md
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from pages import markdown, rewrite
from rich.progress import track

from arabie import load, read
from arabie.errors import ArabieError
from arabie.evaluation import evaluate
from arabie.extractor import Extractor
from arabie.model_folder import DEFAULT_MODEL

ROOT = Path(__file__).resolve().parents[1]


def scores(extractor: Extractor, path: Path) -> tuple[int, dict[str, float]]:
    """How many documents a set has, and the headline figures on it."""
    documents = list(read(path, "source" if path.suffix == ".src" else "jsonl", schema=extractor.schema))
    report = evaluate(documents, extractor.label_many(documents), extractor.schema, extractor.relate_many(documents))
    return len(documents), report.summary()


def table(rows: dict[str, tuple[int, dict[str, float]]], layers: list[str]) -> str:
    """A Markdown table: a row a set, strict F1 and relaxed F1 of each layer, relations, status accuracy, calibration."""
    columns = [(f"{layer}", f"{layer}_f1", f"{layer}_relaxed_f1") for layer in layers]
    columns.append(("relations", "relations_f1", "relations_relaxed_f1"))
    head = ["measured on", "documents", *(f"{name}<br>strict / relaxed" for name, *_ in columns), "relations,<br>gold spans given", "status<br>accuracy",
            "calibration<br>error"]
    lines = []
    for name, (count, summary) in rows.items():
        cells = [name, str(count), *(f"{summary[strict]:.3f} / {summary[relaxed]:.3f}" for _, strict, relaxed in columns)]
        lines.append(cells + [f"{summary[key]:.3f}" if key in summary else "–" for key in ("relations_given_f1", "status_accuracy", "calibration_error")])
    return markdown(head, lines)


def main(model: Annotated[Path, typer.Option(help="A model folder.")] = DEFAULT_MODEL,
         also: Annotated[list[str], typer.Option(help="NAME=FILE of another annotated set.")] = [],
         write: Annotated[list[Path], typer.Option(help="Pages in which the table between the marks is made anew.")] = []) -> None:
    """Measure, print the table, and put it into the pages named."""
    sets = {"dev": ROOT / "training/corpus/dev.jsonl", "test": ROOT / "training/corpus/test.jsonl"}
    sets |= {name: Path(path) for name, path in (item.split("=", 1) for item in also)}
    extractor = load(model, device="cpu", engine="torch", precision="fp32")
    rows = {name: scores(extractor, path) for name, path in track(sets.items(), "measure")}
    made = table(rows, [layer.name for layer in extractor.schema.layers])
    print(made)
    for page in write:
        rewrite(page, "accuracy", made)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"accuracy: {error}") from None
