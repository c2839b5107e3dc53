"""Compile the hand-written sources of the corpus into one JSONL file a split: ``python training/compile_corpus.py``.

Writes nothing and exits with 1 if a source breaks a rule; every problem is printed with its file and line.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import arabie.formats
from arabie.document import Document
from arabie.errors import ArabieError, FileError
from arabie.formats.files import read_text
from arabie.schema import Schema, default_schema
from arabie.validation import Counts, validate

CORPUS = Path(__file__).parent / "corpus"
SPLITS = ("train", "dev", "test")


def main(
    corpus: Annotated[Path, typer.Argument(help="The folder of the sources and of split.json.")] = CORPUS,
    out: Annotated[Path | None, typer.Option(help="Where the JSONL files go; the same folder if not given.")] = None,
) -> None:
    """Compile a folder of sources into train.jsonl, dev.jsonl and test.jsonl."""
    schema = default_schema()
    try:
        splits = compile_corpus(corpus, schema)
        for name, documents in splits.items():
            arabie.formats.write(documents, (out or corpus) / f"{name}.jsonl", schema=schema)
    except ArabieError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    Console().print(table({name: Counts.of(documents) for name, documents in splits.items()}, schema))


def compile_corpus(corpus: Path, schema: Schema) -> dict[str, list[Document]]:
    """The Documents of each split, in the order of the sources. Raises FileError with all problems, one a line."""
    sources = sorted(corpus.glob("*.src"))
    if not sources:
        raise FileError(f"{corpus}: no .src file is there; name the folder that holds the sources")
    problems = validate(*sources, schema=schema).problems
    if problems:
        raise FileError("\n".join(map(str, problems)))
    held_out = _held_out(corpus / "split.json")
    splits: dict[str, list[Document]] = {name: [] for name in SPLITS}
    for source in sources:
        for document in arabie.formats.read(source, "source", schema=schema):
            name = held_out.pop(document.id, SPLITS[0])
            splits[name].append(replace(document, meta={**document.meta, "source_file": source.name}))
    if held_out:
        raise FileError(f"{corpus / 'split.json'}: no source has {', '.join(sorted(held_out))}; "
                        "put the document back, or mend its id")
    return splits


def _held_out(path: Path) -> dict[str, str]:
    """Which documents belong to which split, but for those of the first."""
    try:
        found = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise FileError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    if not isinstance(found, dict) or not set(map(str, found.values())) <= set(SPLITS[1:]):
        raise FileError(f"{path}: gives each id of a document one of {', '.join(SPLITS[1:])}")
    return found


def table(counts: dict[str, Counts], schema: Schema) -> Table:
    """How much of everything each split holds."""
    shown = Table("", *counts, title="corpus")
    for column in shown.columns[1:]:
        column.justify = "right"
    splits = counts.values()
    rows = {"documents": [c.documents for c in splits], "words": [c.words for c in splits]}
    rows |= {label: [c.spans[label] for c in splits] for label in schema.all_labels}
    rows |= {f"relation {name}": [c.relations[name] for c in splits] for name in schema.relation_names}
    for title, row in rows.items():
        shown.add_row(title, *(f"{count:,}" for count in row))
    return shown


if __name__ == "__main__":
    typer.run(main)
