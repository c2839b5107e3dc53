"""What each setting does to the scores on dev: a table of runs of training/train.py, from what their models say of themselves.

    python benchmarks/ablations.py arabie/weights/training.json benchmarks/runs/*.json runs/mine
    python benchmarks/ablations.py default=arabie/weights/training.json mine=runs/mine

A run is its folder, or the training.json of its model alone; those that docs/accuracy.md tells of are kept in benchmarks/runs. A row says what differs from the first run, or the name that
stands before the file. Runs that differ in their seed alone make one row, of means and, with three runs or more, standard deviations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Any

import typer
from pages import markdown, rewrite

from arabie.errors import ArabieError
from arabie.formats.files import read_text

Settings = dict[str, Any]  # by dotted name, such as training.seed
# The seed, and what changes no result or is told in another way.
UNTOLD = "training.seed", "name", "model.encoder", "model.letter_size", "training.compile"


def flat(settings: Mapping[str, Any], prefix: str = "") -> Settings:
    """Settings by their dotted names.

    >>> flat({"training": {"epochs": 14}, "name": "a"})
    {'training.epochs': 14, 'name': 'a'}
    """
    found: Settings = {}
    for key, value in settings.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def named(run: str) -> tuple[str, Path]:
    """The name, which may be empty, and the file of [NAME=]FILE.

    >>> named("mine=runs/mine")[0], named("runs/mine")[0]
    ('mine', '')
    """
    name, equals, path = run.partition("=")
    return (name, Path(path)) if equals else ("", Path(run))


def read_run(path: Path, name: str = "") -> tuple[Settings, dict[str, float]]:
    """The settings of a run that are set to something, with its encoder and its data in short, and its dev scores. A
    ``name`` is one of the settings. Raises ArabieError for a file that training/train.py did not write."""
    path = path if path.suffix == ".json" else path / "model" / "training.json"
    try:
        told = json.loads(read_text(path))
        settings, scores = flat(told["settings"]), told["dev"]
    except (ValueError, KeyError) as error:
        raise ArabieError(f"{path}: not what training/train.py writes ({error!r})") from None
    encoder, before = told["encoder"] if isinstance(told["encoder"], dict) else {}, []
    while "data" in encoder:  # a model that was gone on from, which gives all that belongs to a model
        settings |= {name: value for name, value in flat(encoder["settings"]).items() if name.startswith("model.")}
        if "grown_to_layers" in encoder:
            settings.setdefault("grown to layers", encoder["grown_to_layers"])
        before.append(f"{encoder['data']['train_documents']:,}")
        encoder = encoder["encoder"] if isinstance(encoder["encoder"], dict) else {}
    settings["going on from a model of"] = f"{', before of '.join(before)} documents" if before else None
    settings["data.without"] = f"{len(settings['data.without'])} sources" if settings.get("data.without") else None
    settings["averaged models"] = len(told.get("averaged", ()))
    settings["data.documents"] = told["data"]["train_documents"]
    settings["encoder's pieces seen"] = encoder.get("pieces_seen")
    settings["encoder's perplexity"] = encoder.get("held_out_perplexity")
    settings["model.letter_vectors"] = Path(settings.get("model.letter_vectors", "")).name
    settings = {key: value for key, value in settings.items() if value and key not in UNTOLD} | ({"name": name} if name else {})
    if not _augmented(settings) - {"augmentation.share"}:
        settings.pop("augmentation.share", None)
    return settings, scores


def _augmented(settings: Settings) -> set[str]:
    return {name for name in settings if name.startswith("augmentation.")}


def rows(runs: Sequence[tuple[Settings, dict[str, float]]]) -> list[tuple[str, list[dict[str, float]]]]:
    """The name of each group of runs, or what of it differs from the first, and the scores of its runs."""
    groups: list[tuple[Settings, list[dict[str, float]]]] = []
    for settings, scores in runs:
        same = next((group for group in groups if group[0] == settings), None)
        if same:
            same[1].append(scores)
        else:
            groups.append((settings, [scores]))
    first = groups[0][0]
    return [(settings.get("name") or _difference(first, settings), scores) for settings, scores in groups]


def _difference(first: Settings, other: Settings) -> str:
    names = [name for name in {**first, **other} if first.get(name) != other.get(name) and name != "name"]
    if _augmented(first) and not _augmented(other):
        names = [*(name for name in names if name not in _augmented(first)), "augmentation"]
    if "model.letters" not in other:
        names = [name for name in names if name != "model.letter_vectors"]
    return ", ".join(f"{name} {_short(other.get(name))}" for name in names) or "–"


def _short(value: Any) -> str:
    """A value in a cell; of a path its last part."""
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return Path(value).name if isinstance(value, str) and value else "none" if not value else str(value)


def table(found: Sequence[tuple[str, list[dict[str, float]]]], rows_are: str = "what differs") -> str:
    """A Markdown table, strict F1 of layers and relaxed F1 of relations; ``rows_are`` heads its first column."""
    names = [name for name in found[0][1][0] if name.endswith("_f1") and "relaxed" not in name and not name.startswith("relations")]
    names += [name for name in ("causes_relaxed_f1", "relations_relaxed_f1", "status_accuracy") if name in found[0][1][0]]
    head = [rows_are, "runs", *(name.removesuffix("_f1").replace("_", " ") for name in names)]
    return markdown(head, ([told, str(len(scores)), *(_cell([run[name] for run in scores if name in run]) for name in names)]
                           for told, scores in found))


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "–"
    return f"{fmean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 2 else "")


def main(runs: Annotated[list[str], typer.Argument(metavar="[NAME=]FILE",
                                                   help="Folders of runs, or their training.json; those without a name are compared with the first.")],
         write: Annotated[list[Path], typer.Option(help="Pages in which the table between the marks is made anew.")] = [],
         mark: Annotated[str, typer.Option(help="The name of the marks in the pages.")] = "ablations") -> None:
    """Print the table, and put it into the pages named."""
    chosen = [named(run) for run in runs]
    made = table(rows([read_run(path, name) for name, path in chosen]), "name" if any(name for name, _ in chosen) else "what differs")
    print(made)
    for page in write:
        rewrite(page, mark, made)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"ablations: {error}") from None
