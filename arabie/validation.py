"""What in annotated files breaks the schema or the annotation guidelines, line by line, and what the files hold."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from arabie.document import Document
from arabie.errors import DocumentError, FileError
from arabie.formats import source
from arabie.formats.boundaries import Boundaries
from arabie.formats.files import read_lines
from arabie.formats.source import Checked, Problem
from arabie.schema import Schema, default_schema

REACH = 160  # words between the ends of a relation; about what one window of the default model holds


@dataclass
class Counts:
    """How much there is of everything in some Documents."""

    documents: int = 0
    words: int = 0
    spans: Counter[str] = field(default_factory=Counter)
    relations: Counter[str] = field(default_factory=Counter)

    def add(self, document: Document) -> None:
        self.documents += 1
        self.words += Boundaries(document.text).total
        self.spans.update(span.label for span in document.spans)
        self.relations.update(relation.type for relation in document.relations)

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Counts:
        counts = cls()
        for document in documents:
            counts.add(document)
        return counts


@dataclass
class Report:
    """What validation found: ``problems`` to mend, ``warnings`` to look at, ``counts`` of the sound documents."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)


def validate(*paths: str | Path, schema: Schema | None = None) -> Report:
    """Check annotated files, ``.src`` sources and ``.jsonl``, to their ends.

    Raises FileError for a file that cannot be read, is not UTF-8, or has another extension.
    """
    schema = schema or default_schema()
    report, homes = Report(), {}
    for path in paths:
        for checked in _checker(path)(path, schema):
            report.problems += checked.problems
            here = f"{path}:{checked.line}"
            home = homes.setdefault(checked.id, here)
            if checked.id is not None and home != here:
                told = f"{home} has the same id; give each document its own"
                report.problems.append(Problem(str(path), checked.line, told, checked.id))
            if checked.document:
                report.counts.add(checked.document)
                report.warnings += _far_relations(path, checked)
    return report


def _checker(path: str | Path):
    checkers = {".src": source.check, ".jsonl": _check_jsonl}
    try:
        return checkers[Path(path).suffix.lower()]
    except KeyError:
        raise FileError(f"{path}: cannot be validated: its name ends neither in {' nor in '.join(checkers)}; "
                        "name the file for what it holds") from None


def _check_jsonl(path: str | Path, schema: Schema) -> Iterator[Checked]:
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            document = Document.from_dict(json.loads(line), schema)
        except json.JSONDecodeError as error:
            told = f"not JSON: {error.msg} at column {error.colno}; each line is one whole object"
            yield Checked(number, None, None, (Problem(str(path), number, told),))
        except DocumentError as error:
            yield Checked(number, None, None, (Problem(str(path), number, str(error)),))
        except (ValueError, RecursionError) as error:
            yield Checked(number, None, None, (Problem(str(path), number, f"JSON that cannot be read: {error}"),))
        else:
            found = [*schema.problems(document), *boundary_problems(document, schema)]
            problems = tuple(Problem(str(path), number, message, document.id) for message in found)
            yield Checked(number, document.id, None if problems else document, problems)


def boundary_problems(document: Document, schema: Schema) -> Iterator[str]:
    """What is wrong with where the spans of a document start and end, in words."""
    boundaries = Boundaries(document.text)
    one_word = {label for layer in schema.layers if layer.one_word for label in layer.labels}
    for span in document.spans:
        for start, end in span.fragments or ((span.start, span.end),):
            if fault := boundaries.fault(start, end, one_word=span.label in one_word):
                yield f"{span.label} «{document.text[start:end]}» at {start}–{end} {fault}"


def _far_relations(path: str | Path, checked: Checked) -> Iterator[Problem]:
    document = checked.document
    boundaries = Boundaries(document.text)
    for relation in document.relations:
        near, far = sorted((relation.head, relation.tail), key=lambda span: span.start)
        between = boundaries.count(near.end, far.start)
        if between > REACH:
            told = (f"{relation.type} «{relation.head.text}» → «{relation.tail.text}»: {between} words lie between; "
                    "a model may not see both ends at once; join nearer mentions if there are any")
            yield Problem(str(path), checked.relation_lines.get(relation, checked.line), told, document.id)
