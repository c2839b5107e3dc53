"""The command ``arabie``: thin, and quick to start. What it runs is loaded only when it runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

from arabie.errors import ArabieError, FileError, SchemaError

if TYPE_CHECKING:
    from arabie.document import Document
    from arabie.extractor import Extractor
    from arabie.formats.losses import Losses
    from arabie.schema import Schema

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich",
    help="Reads Arabic news text and labels who, what, where and why: entities, events, causes and relations.")
ANNOTATED = {".jsonl": "jsonl", ".src": "source"}  # names' ends and the formats they stand for

ModelOption = Annotated[Optional[str], typer.Option(
    "--model", "-m", metavar="MODEL",
    help="A model folder or hub id. [dim]\\[default: the model that comes with arabie][/dim]")]
DeviceOption = Annotated[Optional[str], typer.Option(
    metavar="DEVICE", help="cpu, cuda or mps. [dim]\\[default: the best there is][/dim]")]


@app.command()
def extract(
    paths: Annotated[list[str], typer.Argument(
        metavar="PATH", help="Text files (UTF-8); .jsonl and .src files, whose documents are labelled anew; "
                             "- for a text on standard input.")],
    json_lines: Annotated[bool, typer.Option(
        "--json", help="Print JSONL, one document a line, in place of the view for the eye.")] = False,
    out: Annotated[Optional[Path], typer.Option(
        "--out", "-o", metavar="FILE", help="Write JSONL to this file, which appears only when it is whole.")] = None,
    model: ModelOption = None, device: DeviceOption = None,
) -> None:
    """Label texts and show what is found, or write it as JSONL.

    [bold]arabie extract article.txt[/bold]
    [bold]arabie extract articles/*.txt -o labelled.jsonl[/bold]
    [bold]… | arabie extract - --json[/bold]
    """
    _check_target(out)
    total, documents = _inputs(paths)
    labelled = _extractor(model, device).label_many(documents)
    if out:
        from arabie.formats import write

        write(_counted(labelled, "extract", total), out)
    elif json_lines:
        for document in labelled if sys.stdout.isatty() else _counted(labelled, "extract", total):
            print(document.to_json(), flush=True)
    else:
        _show(labelled)


@app.command()
def evaluate(
    gold: Annotated[list[Path], typer.Argument(metavar="FILE", help="Annotated files, .jsonl or .src.")],
    model: ModelOption = None, device: DeviceOption = None,
    json_file: Annotated[Optional[Path], typer.Option(
        "--json", metavar="FILE", help="Also write every figure and mistake to this file.")] = None,
    errors: Annotated[bool, typer.Option("--errors", help="List the mistakes one by one, with their context.")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=0, help="List no more mistakes than this.")] = 100,
) -> None:
    """Measure a model on annotated documents.

    Strict seqeval reports and relaxed scores for each layer, relations, status accuracy, calibration, and what was
    left out.
    """
    from rich.console import Console

    from arabie.evaluation import evaluate as measure
    from arabie.evaluation import render
    from arabie.formats.files import atomic_writer

    _check_target(json_file)
    for path in gold:
        _check_annotated(path)
    extractor = _extractor(model, device)
    documents = list(_gold(gold, extractor.schema))
    found = measure(documents, _counted(extractor.label_many(documents), "evaluate", len(documents)), extractor.schema,
                    extractor.relate_many(documents))
    if json_file:
        with atomic_writer(json_file) as stream:
            stream.write(json.dumps(found.to_dict(), ensure_ascii=False, indent=1) + "\n")
    console = Console(highlight=False)
    console.print(render.report(found))
    if errors:
        console.print(render.errors(found, limit))


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The file or folder to read.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The file or folder to write.")],
    read_as: Annotated[str, typer.Option(
        "--from", metavar="FORMAT", help="The format of SOURCE; 'arabie formats' lists them.")],
    write_as: Annotated[str, typer.Option("--to", metavar="FORMAT", help="The format of TARGET.")],
    read_options: Annotated[Optional[list[str]], typer.Option(
        "--read", metavar="KEY=VALUE", help="An option of the format read.")] = None,
    write_options: Annotated[Optional[list[str]], typer.Option(
        "--write", metavar="KEY=VALUE", help="An option of the format written.")] = None,
    schema: Annotated[Optional[Path], typer.Option(
        metavar="FILE", help="A schema file (TOML). [dim]\\[default: the schema of docs/annotation.md][/dim]")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Take the first loss for an error.")] = False,
) -> None:
    """Convert annotations between tools, and say what could not be carried.

    [bold]arabie convert ann/ tasks.json --from brat --to label-studio[/bold]
    """
    from arabie.formats import read, write
    from arabie.formats.losses import Losses
    from arabie.schema import Schema, default_schema

    labels, losses = Schema.load(schema) if schema else default_schema(), Losses(strict=strict)
    documents = _counted(read(source, read_as, schema=labels, losses=losses, **_options(read_options)), "convert")
    write(documents, target, write_as, schema=labels, losses=losses, **_options(write_options))
    for line in losses.lines():
        print(f"not carried: {line}", file=sys.stderr)


@app.command()
def formats() -> None:
    """List the formats that convert reads and writes, and their options."""
    from rich.console import Console
    from rich.table import Table

    from arabie.formats import FORMATS, options_of

    table = Table("format", "what it is", "options to read", "options to write", show_lines=True)
    for name, told in FORMATS.items():
        options = (options_of(name, action).items() for action in ("read", "write"))
        table.add_row(name, told, *("\n".join(f"{key}={value}" for key, value in found) for found in options))
    Console(highlight=False).print(table)


@app.command()
def validate(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE", help="Annotated files, .src or .jsonl.")],
    schema: Annotated[Optional[Path], typer.Option(
        metavar="FILE", help="A schema file (TOML). [dim]\\[default: the schema of docs/annotation.md][/dim]")] = None,
) -> None:
    """Check annotated files against the schema and the annotation guidelines, with line numbers.

    Problems and warnings go to standard error; the exit code is 1 if there is a problem.
    """
    from arabie.schema import Schema
    from arabie.validation import validate as check

    report = check(*paths, schema=Schema.load(schema) if schema else None)
    for problem in report.problems:
        print(problem, file=sys.stderr)
    for warning in report.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    counts = report.counts
    totals = {"sound documents": counts.documents, "words": counts.words, "spans": counts.spans.total(),
              "relations": counts.relations.total(), "problems": len(report.problems), "warnings": len(report.warnings)}
    print(", ".join(f"{name}: {count:,}" for name, count in totals.items()))
    for name, counted in (("spans", counts.spans), ("relations", counts.relations)):
        if counted:
            print(f"{name} by kind: " + ", ".join(f"{label} {count:,}" for label, count in counted.most_common()))
    if report.problems:
        raise typer.Exit(1)


@app.command()
def info(model: ModelOption = None) -> None:
    """Say what a model is: its labels, sizes, how it was made and how it scores."""
    from arabie import __version__
    from arabie.model_folder import DEFAULT_MODEL, check_folder, describe

    path = model or DEFAULT_MODEL
    check_folder(path)
    lines = describe(path)
    print(f"arabie {__version__}", *lines, sep="\n")


def _options(given: list[str] | None) -> dict[str, str | bool]:
    """KEY=VALUE pairs as keyword arguments; true and false are switches."""
    found: dict[str, str | bool] = {}
    for item in given or ():
        key, mark, value = item.partition("=")
        if not mark:
            raise ArabieError(f"{item!r} is no option; write it as KEY=VALUE")
        found[key.replace("-", "_")] = {"true": True, "false": False}.get(value, value)
    return found


def _extractor(model: str | None, device: str | None) -> Extractor:
    from arabie import load
    from arabie.model_folder import DEFAULT_MODEL

    return load(model or DEFAULT_MODEL, device)


def _inputs(paths: list[str]) -> tuple[int, Iterator[Document]]:
    """How many documents there are to label, and they. All are read through first, so a fault in any is told at once."""
    from arabie.formats.losses import Losses

    losses, held, total = Losses(), {}, 0
    for path in paths:
        if path != "-" and _check_exists(Path(path)).is_file():
            total += sum(1 for _ in _documents(path, losses))
        else:
            held[path] = held.get(path) or list(_documents(path, losses))  # a pipe can be read once
            total += len(held[path])
    _tell(losses)
    again = (held[path] if path in held else _documents(path, Losses()) for path in paths)
    return total, chain.from_iterable(again)


def _documents(path: str, losses: Losses) -> Iterator[Document]:
    """The documents of a file, or the text on standard input."""
    from arabie.document import Document
    from arabie.formats import read
    from arabie.formats.files import decode, read_text

    ending = Path(path).suffix.lower()
    if path == "-":
        if sys.stdin.isatty():
            print("Reading the text from the terminal; end it with Ctrl-D on a line of its own.", file=sys.stderr)
        yield Document(decode(sys.stdin.buffer.read(), "standard input"))
    elif ending in ANNOTATED:
        yield from read(path, ANNOTATED[ending], losses=losses)
    elif ending == ".json":
        raise FileError(f"{path}: is JSON, not text; give texts, or a .jsonl file with one object a line, "
                        'such as {"text": "…"}')
    else:
        yield Document(read_text(path), id=os.fsencode(Path(path).stem).decode("utf-8", "replace"))


def _gold(paths: Iterable[Path], schema: Schema) -> Iterator[Document]:
    """The annotated documents of files, sound by the model's schema."""
    from arabie.formats import read
    from arabie.formats.losses import Losses

    losses, number = Losses(), 0
    for path in paths:
        for number, document in enumerate(read(path, ANNOTATED[path.suffix.lower()], schema=schema, losses=losses), 1):
            if problems := schema.problems(document):
                name = f"number {number}" if document.id is None else repr(document.id)
                more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
                told = f"{path}: document {name}: {problems[0]}{more}"
                raise SchemaError(f"{told}. Mend the file, whose problems 'arabie validate' lists, or name the model it "
                                  f"was made for; this one has the schema {schema.name!r}")
            yield document
    if not number:
        raise FileError(f"{', '.join(map(str, paths))}: no document in it, so there is nothing to measure")
    _tell(losses)


def _check_exists(path: Path) -> Path:
    if path.is_dir():
        raise FileError(f"{path}: is a folder; name the files in it")
    if not path.exists():
        raise FileError(f"{path}: no such file")
    return path


def _check_annotated(path: Path) -> None:
    if _check_exists(path).suffix.lower() not in ANNOTATED:
        raise FileError(f"{path}: annotated documents are read from {' and '.join(ANNOTATED)} files")


def _check_target(path: Path | None) -> None:
    """Refuse a file that could not be written, before the work rather than after it."""
    if path and path.exists() and not path.is_file():
        raise FileError(f"{path}: cannot be written: it is there and is no file; name another")
    if path and not path.absolute().parent.is_dir():
        raise FileError(f"{path}: cannot be written: there is no folder {path.parent}; make it first")


def _tell(losses: Losses) -> None:
    for line in losses.lines():
        print(f"note: {line}", file=sys.stderr)


def _show(documents: Iterable[Document]) -> None:
    from rich.console import Console

    from arabie.terminal import render

    console = Console(highlight=False)
    for number, document in enumerate(documents):
        if number:
            console.rule()
        console.print(render(document))


def _counted(documents: Iterable[Document], what: str, total: int | None = None) -> Iterator[Document]:
    """The documents, while a bar on standard error counts them if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        yield from bar.track(documents, total=total, description=what)


def main() -> None:
    """Run the command; an error of arabie's, or of writing the output, is one line on standard error and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")
    try:
        try:
            app(prog_name="arabie")
        finally:
            sys.stdout.flush()
    except ArabieError as error:
        _fail(str(error))
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer has nowhere to go
        if isinstance(error, BrokenPipeError):
            raise SystemExit(1) from None
        _fail(f"{error.filename or 'the output cannot be written'}: {error.strerror or error}")


def _fail(told: str) -> NoReturn:
    print("arabie:", " ".join(told.splitlines()), file=sys.stderr)
    raise SystemExit(1) from None
