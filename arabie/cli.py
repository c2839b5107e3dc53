"""The command ``arabie``: thin, and quick to start. What it runs is loaded only when it runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

from arabie.errors import ArabieError, ModelError

if TYPE_CHECKING:
    from arabie.document import Document
    from arabie.engines.agreement import Status
    from arabie.engines.choice import Choice
    from arabie.evaluation import Report
    from arabie.extractor import Extractor

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich",
    help="Reads Arabic news text and labels who, what, where and why: entities, events, causes and relations.")

ModelOption = Annotated[Optional[str], typer.Option(
    "--model", "-m", metavar="MODEL",
    help="A model folder or hub id. [dim]\\[default: the model that comes with arabie][/dim]")]
DeviceOption = Annotated[Optional[str], typer.Option(
    metavar="DEVICE", help="cpu, cuda or mps. [dim]\\[default: the best there is][/dim]")]
EngineOption = Annotated[Optional[str], typer.Option(
    metavar="ENGINE", help="torch, openvino or onnx. [dim]\\[default: the fastest that agrees with torch][/dim]")]
PrecisionOption = Annotated[Optional[str], typer.Option(
    metavar="PRECISION", help="fp32, bf16, fp16 or int8. [dim]\\[default: what suits the engine][/dim]")]

OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the file to write if it is there.")]


@app.command()
def extract(
    paths: Annotated[list[str], typer.Argument(
        metavar="PATH", help="Text files (UTF-8); .jsonl and .src files, whose documents are labelled anew; "
                             "folders, for the .txt, .jsonl, .ndjson and .src files in them; "
                             "- for standard input, a text or JSONL.")],
    json_lines: Annotated[bool, typer.Option(
        "--json", help="Print JSONL, one document a line, in place of the view for the eye.")] = False,
    out: Annotated[Optional[Path], typer.Option(
        "--out", "-o", metavar="FILE", help="Write JSONL to this file, which appears only when it is whole; until then "
                                            "FILE.part holds what is done.")] = None,
    resume: Annotated[bool, typer.Option(
        "--resume", help="Go on with the FILE.part of a run that was broken off.")] = False,
    overwrite: OverwriteOption = False,
    text_key: Annotated[str, typer.Option(
        metavar="KEY", help="Where an object of JSONL has its text.")] = "text",
    workers: Annotated[int, typer.Option(
        metavar="N", min=1, help="Processes to label in, each with a model of its own; with --json or -o.")] = 1,
    model: ModelOption = None, device: DeviceOption = None, engine: EngineOption = None,
    precision: PrecisionOption = None,
) -> None:
    """Label texts and show what is found, or write it as JSONL.

    [bold]arabie extract article.txt[/bold]
    [bold]arabie extract articles/*.txt -o labelled.jsonl[/bold]
    [bold]arabie extract posts.jsonl -o labelled.jsonl --workers 4[/bold]
    [bold]… | arabie extract - --json[/bold]
    """
    from arabie.streaming import Labeller, label_to_file, label_to_lines
    from arabie.streaming.heap import share_heap
    from arabie.streaming.inputs import Faults, expand, read_through
    from arabie.streaming.progress import counted
    from arabie.streaming.targets import tell_written

    paths = expand(paths)
    _check_streaming(paths, out, json_lines, resume, overwrite, workers)
    share_heap()
    try:
        total, documents = read_through(paths, text_key)
    except Faults as faults:
        _fail(*faults.lines())
    labeller = Labeller(model, device, engine, precision)
    if out:
        done = label_to_file(documents, out, labeller, workers=workers, resume=resume, total=total)
        tell_written(done.documents, out)
    elif json_lines:
        with closing(label_to_lines(documents, labeller, workers=workers)) as lines:
            for line in lines if sys.stdout.isatty() else counted(lines, "extract", total and total.documents):
                print(line, flush=True)
    else:
        _show(labeller.extractor().label_many(documents))


@app.command()
def evaluate(
    gold: Annotated[list[Path], typer.Argument(metavar="FILE", help="Annotated files, .jsonl or .src.")],
    model: ModelOption = None, device: DeviceOption = None, engine: EngineOption = None,
    precision: PrecisionOption = None,
    predictions: Annotated[Optional[list[Path]], typer.Option(
        "--predictions", metavar="FILE", help="Measure the annotations of this file in place of a model's: another "
                                              "reader's, another tool's. May be given several times.")] = None,
    schema: Annotated[Optional[Path], typer.Option(
        metavar="FILE", help="With --predictions: a schema file (TOML). [dim]\\[default: the schema of "
                             "docs/annotation.md][/dim]")] = None,
    json_file: Annotated[Optional[Path], typer.Option(
        "--json", metavar="FILE", help="Also write every figure and mistake to this file.")] = None,
    errors: Annotated[bool, typer.Option("--errors", help="List the mistakes one by one, with their context.")] = False,
    limit: Annotated[int, typer.Option(metavar="N", min=0, help="List no more mistakes than this.")] = 100,
) -> None:
    """Measure a model, another tool or another reader on annotated documents.

    Strict seqeval reports and relaxed scores for each layer, relations, status accuracy, calibration, and what was
    left out.

    [bold]arabie evaluate held-out.jsonl --model runs/mine/model --errors[/bold]
    [bold]arabie evaluate mine.jsonl --predictions colleague.jsonl[/bold]
    """
    from rich.console import Console

    from arabie.evaluation import render
    from arabie.formats.files import atomic_writer
    from arabie.streaming import Labeller
    from arabie.streaming.inputs import check_annotated
    from arabie.streaming.targets import check_target

    _check_evaluation(predictions, schema, model, device, engine, precision)
    if json_file:
        check_target(json_file)
    for path in (*gold, *(predictions or ())):
        check_annotated(path)
    if predictions:
        found = _compared(gold, predictions, schema)
    else:
        found = _measured(gold, Labeller(model, device, engine, precision).extractor())
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
    overwrite: OverwriteOption = False,
) -> None:
    """Convert annotations between tools, and say what could not be carried.

    [bold]arabie convert ann/ tasks.json --from brat --to label-studio[/bold]
    """
    from arabie.formats import read, targets_of, write
    from arabie.formats.losses import Losses
    from arabie.schema import Schema, default_schema
    from arabie.streaming.progress import Amount, counted
    from arabie.streaming.targets import check_new, tell_written

    targets = targets_of(target, write_as)
    for path in targets:
        check_new(path, [source], overwrite)
    labels, losses, done = Schema.load(schema) if schema else default_schema(), Losses(strict=strict), Amount()
    documents = counted(read(source, read_as, schema=labels, losses=losses, **_options(read_options)), "convert")
    write(done.counting(documents), target, write_as, schema=labels, losses=losses, **_options(write_options))
    for line in losses.lines():
        print(f"not carried: {line}", file=sys.stderr)
    tell_written(done.documents, *targets)


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
def engines(
    check: Annotated[Optional[list[Path]], typer.Option(
        "--check", metavar="FILE", help="Measure them on the documents of an annotated .jsonl or .src file, and keep "
                                        "what is found. May be given several times.")] = None,
    engine: EngineOption = None, precision: PrecisionOption = None, model: ModelOption = None,
) -> None:
    """List the engines for a CPU, and whether each gives the answers of torch in fp32 with a model.

    Of those that were measured and do, the fastest is taken where none is named. --engine and --precision say which
    are measured; all that are installed, if they are not given.

    [bold]arabie engines --check held-out.jsonl[/bold]
    """
    from arabie.engines.agreement import survey
    from arabie.streaming import Labeller

    labeller = Labeller(model, "cpu")
    if check:
        _check_engines(labeller.folder(), check, engine, precision)
    _show_engines(survey(labeller.folder()), labeller.choice())


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


def _check_streaming(paths: list[str], out: Path | None, json_lines: bool, resume: bool, overwrite: bool,
                     workers: int) -> None:
    """Refuse options that do not go together, and a file that is in the way of the one to write, before the work."""
    from arabie.streaming.part import check_part
    from arabie.streaming.targets import check_new, check_target

    if resume and not out:
        raise ArabieError("--resume goes on with a file; name it with -o")
    if overwrite and not out:
        raise ArabieError("--overwrite replaces a file; name it with -o")
    if workers > 1 and not (out or json_lines):
        raise ArabieError("--workers is for many texts; write them with -o FILE or --json")
    if out:
        check_target(out)
        check_part(out, resume)
        check_new(out, paths, overwrite)


def _check_evaluation(predictions: list[Path] | None, schema: Path | None, *of_model: str | None) -> None:
    """Refuse options that do not go together."""
    if predictions and any(of_model):
        raise ArabieError("--predictions measures files, without a model; take away --model, --device, --engine and "
                          "--precision, or --predictions")
    if schema and not predictions:
        raise ArabieError("--schema goes with --predictions; a model has a schema of its own")


def _measured(gold: list[Path], extractor: Extractor) -> Report:
    """What a model finds in annotated files, beside what they say."""
    from arabie.evaluation import evaluate
    from arabie.streaming.inputs import gold_of
    from arabie.streaming.progress import counted

    documents = list(gold_of(gold, extractor.schema))
    labelled = counted(extractor.label_many(documents), "evaluate", len(documents))
    return evaluate(documents, labelled, extractor.schema, extractor.relate_many(documents))


def _compared(gold: list[Path], predictions: list[Path], schema: Path | None) -> Report:
    """What some annotated files say beside others of the same texts; documents of one side alone are told."""
    from arabie.evaluation import evaluate, same_texts
    from arabie.formats.losses import Losses
    from arabie.schema import Schema, default_schema
    from arabie.streaming.inputs import gold_of, tell

    labels, losses = Schema.load(schema) if schema else default_schema(), Losses()
    documents = same_texts(gold_of(gold, labels), gold_of(predictions, labels), losses)
    tell(losses)
    return evaluate(*documents, labels)


def _check_engines(folder: Path, gold: list[Path], engine: str | None, precision: str | None) -> None:
    """Measure engines on annotated files; one that cannot be used is told and passed over."""
    from arabie.engines.agreement import REFERENCE, is_native
    from arabie.engines.choice import offered
    from arabie.extractor import EngineCheck
    from arabie.model_folder import ModelFacts
    from arabie.streaming.inputs import check_annotated, gold_of
    from arabie.streaming.progress import counted

    choices = [choice for choice in offered(engine, "cpu", precision) if choice != REFERENCE and is_native(choice)]
    for path in gold:
        check_annotated(path)
    checker = EngineCheck(folder, gold_of(gold, ModelFacts.load(folder).schema))
    for choice in counted(choices, "check", len(choices), vanishes=True):
        try:
            checker.run(choice)
        except ModelError as error:
            print(f"note: {choice}: {error}", file=sys.stderr)


def _show_engines(statuses: Iterable[Status], chosen: Choice) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from arabie.engines.agreement import REFERENCE

    table = Table("engine", "here", "same spans", "F1 off by", "times as fast", "agrees")
    for status in statuses:
        here = "installed" if status.installed else escape(f"pip install {status.choice.kind.install}")
        found = status.agreement
        figures = "the reference" if status.choice == REFERENCE else "not measured", "", "", ""
        if found:
            apart = max(abs(found.f1[layer] - f1) for layer, f1 in found.reference_f1.items() if layer != "relations")
            figures = f"{found.spans:.2%}", f"{apart:.4f}", f"{found.speed:.1f}", "yes" if found.passed else "no"
        table.add_row(f"{status.choice.engine} {status.choice.precision}", here, *figures)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"taken on a CPU where none is named: {chosen}")


def _show(documents: Iterable[Document]) -> None:
    from rich.console import Console

    from arabie.terminal import render

    console = Console(highlight=False)
    for number, document in enumerate(documents):
        if number:
            console.rule()
        console.print(render(document))


def main() -> None:
    """Run the command; an error of arabie's, or of writing the output, is a line on standard error and exit code 1."""
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


def _fail(*told: str) -> NoReturn:
    for fault in told:
        print("arabie:", " ".join(fault.splitlines()), file=sys.stderr)
    raise SystemExit(1) from None
