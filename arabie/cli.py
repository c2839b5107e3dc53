"""The command ``arabie``: thin, and quick to start. What it runs is loaded only when it runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Optional

import typer

from arabie.errors import ArabieError, FileError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich",
                  help="Reads Arabic news text and labels who, what, where and why: entities, events, causes and relations.")

ModelOption = Annotated[Optional[str], typer.Option("--model", "-m", help="A model folder or hub id; the model that comes with arabie if not given.")]
DeviceOption = Annotated[Optional[str], typer.Option(help="cpu, cuda or mps; the best there is if not given.")]
OutOption = Annotated[Optional[Path], typer.Option("--out", "-o", help="Write JSONL to this file; it appears only when it is whole.")]


@app.command()
def extract(paths: Annotated[list[str], typer.Argument(help="Text files, .jsonl files (read as arabie's own, labelled anew), or - for standard input.")],
            json_lines: Annotated[bool, typer.Option("--json", help="Print JSONL, one document a line, instead of the view for the eye.")] = False,
            out: OutOption = None, model: ModelOption = None, device: DeviceOption = None) -> None:
    """Label texts: [bold]arabie extract article.txt[/bold], or [bold]… | arabie extract - --json[/bold]."""
    documents = _read_inputs(paths)
    labelled = _extractor(model, device).label_many(documents)
    if out:
        from arabie.formats import write

        write(_counted(labelled, "extract"), out)
    elif json_lines:
        for document in labelled:
            print(document.to_json(), flush=True)
    else:
        from rich.console import Console

        from arabie.terminal import render

        console = Console(highlight=False)
        for number, document in enumerate(labelled):
            if number:
                console.rule()
            console.print(render(document))


@app.command()
def evaluate(gold: Annotated[list[Path], typer.Argument(help="Annotated files, .jsonl or .src.")],
             model: ModelOption = None, device: DeviceOption = None,
             json_file: Annotated[Optional[Path], typer.Option("--json", help="Also write every figure to this file.")] = None,
             errors: Annotated[bool, typer.Option("--errors", help="List the mistakes one by one, by kind.")] = False,
             limit: Annotated[int, typer.Option(help="At most so many mistakes.")] = 100) -> None:
    """Measure a model on annotated documents: strict seqeval reports, relaxed scores, relations, status, calibration."""
    from rich.console import Console

    from arabie.evaluation import evaluate as measure
    from arabie.evaluation import render
    from arabie.formats.files import atomic_writer

    extractor = _extractor(model, device)
    documents = [document for path in gold for document in _annotated(path, extractor.schema)]
    if not documents:
        raise FileError(f"{', '.join(map(str, gold))}: no documents in it; there is nothing to measure")
    found = measure(documents, _counted(extractor.label_many(documents), "evaluate", len(documents)), extractor.schema,
                    extractor.relate_many(documents))
    console = Console(highlight=False)
    console.print(render.report(found))
    if errors:
        console.print(render.errors(found, limit))
    if json_file:
        with atomic_writer(json_file) as stream:
            stream.write(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) + "\n")


@app.command()
def validate(paths: Annotated[list[Path], typer.Argument(help="Annotated files, .src or .jsonl.")],
             schema: Annotated[Optional[Path], typer.Option(help="A schema file (TOML); arabie's own if not given.")] = None) -> None:
    """Check annotated files against the schema and the annotation guidelines, with line numbers."""
    from arabie.schema import Schema
    from arabie.validation import validate as check

    report = check(*paths, schema=Schema.load(schema) if schema else None)
    for problem in report.problems:
        print(problem, file=sys.stderr)
    for warning in report.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    counts = report.counts
    print(f"{counts.documents:,} sound documents, {counts.words:,} words, {sum(counts.spans.values()):,} spans, "
          f"{sum(counts.relations.values()):,} relations; {len(report.problems):,} problems, {len(report.warnings):,} warnings")
    for name, counted in (("spans", counts.spans), ("relations", counts.relations)):
        if counted:
            print(f"  {name}: " + ", ".join(f"{label} {count:,}" for label, count in counted.most_common()))
    if report.problems:
        raise typer.Exit(1)


@app.command()
def info(model: ModelOption = None) -> None:
    """Say what a model is: its labels, sizes, how it was made and how it scores."""
    from arabie import __version__
    from arabie.model_folder import DEFAULT_MODEL, check_folder, describe

    path = model or DEFAULT_MODEL
    check_folder(path)
    print(f"arabie {__version__}")
    for line in describe(path):
        print(line)


def _extractor(model: str | None, device: str | None):
    from arabie import load
    from arabie.model_folder import DEFAULT_MODEL

    _quiet_libraries()
    return load(model or DEFAULT_MODEL, device)


def _quiet_libraries() -> None:
    """Keep the progress bars and notices of libraries off the terminal; errors still come as exceptions."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _read_inputs(paths: Iterable[str]) -> Iterator:
    """Documents to label; every file is looked for before the first is read."""
    paths = list(paths)
    for path in paths:
        if path != "-" and not Path(path).is_file():
            raise FileError(f"{path}: {'is a folder; name the files in it' if Path(path).is_dir() else 'no such file'}")
    return (document for path in paths for document in _documents(path))


def _documents(path: str) -> Iterator:
    from arabie.document import Document
    from arabie.formats import read
    from arabie.formats.files import decode, read_text

    if path == "-":
        yield Document(decode(sys.stdin.buffer.read(), "standard input"))
    elif path.endswith(".jsonl"):
        yield from read(path)
    else:
        yield Document(read_text(path), id=Path(path).stem)


def _annotated(path: Path, schema) -> Iterator:
    """The gold Documents of a file, each checked against the model's schema."""
    from arabie.errors import SchemaError
    from arabie.formats import read

    if not path.is_file():
        raise FileError(f"{path}: no such file")
    for document in read(path, "source" if path.suffix == ".src" else "jsonl", schema=schema):
        problems = [problem for problem in schema.problems(document) if "unknown" in problem]
        if problems:
            raise SchemaError(f"{path}: document {document.id!r}: {problems[0]}; the model was made for the schema {schema.name!r}")
        yield document


def _counted(documents: Iterable, what: str, total: int | None = None) -> Iterator:
    """The documents, while a bar on standard error counts them if that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    yield from track(documents, what, total=total, console=Console(stderr=True), disable=not sys.stderr.isatty())


def main() -> None:
    """Run the command; an error of arabie's is one line on standard error and exit code 1."""
    try:
        app()
    except ArabieError as error:
        print(f"arabie: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(1) from None
