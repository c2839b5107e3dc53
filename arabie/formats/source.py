"""The source format: annotations written by hand, as docs/annotation.md shows under "Writing annotations by hand".

A span line gives the exact characters of its span instead of offsets; reading finds the place. In the text, a
backslash before what would else be read as markup (``=== ``, ``--- spans``, ``--- relations``, a leading ``@``, a blank
first or last line) is taken off; writing puts it there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from arabie.document import Document, Relation, Span
from arabie.errors import DocumentError, FileError, nearest
from arabie.formats.boundaries import Boundaries
from arabie.formats.files import atomic_writer, read_lines
from arabie.formats.losses import Losses
from arabie.schema import Layer, Schema

_SECTION = re.compile(r"\s*--- (spans|relations)\s*")
_ESCAPED = re.compile(rf"\\+(=== .*|@.*|{_SECTION.pattern}|)", re.DOTALL)
_MARKS = re.compile(r"(?P<surface>.*?)(?: +#(?P<place>\d{1,9}))?(?: +~(?P<status>\S+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to mend in a file: where, and in words what it is and what to do."""

    path: str
    line: int
    message: str
    document: str | None = None

    def __str__(self) -> str:
        named = "" if self.document is None else f"document {self.document!r}: "
        return f"{self.path}:{self.line}: {named}{self.message}"


@dataclass(frozen=True)
class Checked:
    """One document of a file: its first line, its id, its problems, and the Document if it has none."""

    line: int
    id: str | None
    document: Document | None
    problems: tuple[Problem, ...] = ()
    relation_lines: Mapping[Relation, int] = field(default_factory=dict)


def read(path: str | Path, *, schema: Schema, losses: Losses) -> Iterator[Document]:
    """The Documents of a source, one at a time; FileError, naming file and line, at the first that breaks a rule."""
    for checked in check(path, schema):
        if checked.problems:
            more = len(checked.problems) - 1
            told = f" (and {more} more in this document; `arabie validate {path}` lists them all)" if more else ""
            raise FileError(f"{checked.problems[0]}{told}")
        yield checked.document


def check(path: str | Path, schema: Schema) -> Iterator[Checked]:
    """Every document of a source with all its problems, in order; goes on after a broken one."""
    return (_Compiler(block, schema).compile() for block in _blocks(path))


@dataclass
class _Block:
    """The lines of one document, sorted by what they are, with their line numbers."""

    path: str
    line: int
    id: str | None
    meta: dict[str, str] = field(default_factory=dict)
    text_lines: list[str] = field(default_factory=list)
    spans: list[tuple[int, str]] = field(default_factory=list)
    relations: list[tuple[int, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.path, line, message, self.id))

    @property
    def text(self) -> str:
        lines = self.text_lines
        filled = [number for number, line in enumerate(lines) if line]
        lines = lines[filled[0]:filled[-1] + 1] if filled else []
        return "\n".join(line[1:] if _ESCAPED.fullmatch(line) else line for line in lines)


def _blocks(path: str | Path) -> Iterator[_Block]:
    block, section = None, "text"
    for number, line in read_lines(path):
        if line.startswith("=== "):
            if block:
                yield block
            block, section = _Block(str(path), number, line[4:].strip() or None), "text"
            if block.id is None:
                block.refuse(number, "the document has no id; write one after '==='")
        elif block is None and (not line.strip() or line.startswith("//")):
            continue
        elif block is None:
            block = _Block(str(path), number, None, text_lines=[line])
            block.refuse(number, f"{line[:40]!r} stands before the first document; a document starts with '=== id'")
        elif found := _SECTION.fullmatch(line):
            section = found[1]
        elif section == "text" and line.startswith("@") and not block.text_lines:
            _read_meta(block, number, line)
        elif section == "text":
            block.text_lines.append(line)
        elif line.strip() and not line.startswith("//"):
            getattr(block, section).append((number, line.strip()))
    if block:
        yield block


def _read_meta(block: _Block, number: int, line: str) -> None:
    key, _, value = line[1:].partition(" ")
    if not key or key in block.meta:
        block.refuse(number, f"'@{key}' is given twice; keep one" if key else "a line of meta data is '@key value'; "
                             "put a backslash before the @ if the text starts with it")
    block.meta[key] = value.strip()


class _Compiler:
    """Turns one block into a Document, line by line, gathering problems."""

    def __init__(self, block: _Block, schema: Schema) -> None:
        self.block, self.schema, self.text = block, schema, block.text
        self.boundaries = Boundaries(self.text)
        self.layers = _layers(schema)
        self.reached: dict[str, int] = {}
        self.spans: dict[str, Span] = {}
        self.relations: dict[Relation, int] = {}
        self.refused: set[str] = set()

    def compile(self) -> Checked:
        block = self.block
        for number, line in block.spans:
            self._read_span(number, line)
        for number, line in block.relations:
            self._read_relation(number, line)
        document = None
        if not block.problems:
            spans, relations = tuple(self.spans.values()), tuple(self.relations)
            document = Document(self.text, spans, relations, block.id, block.meta, self.schema)
        return Checked(block.line, block.id, document, tuple(block.problems), self.relations)

    def _read_span(self, number: int, line: str) -> None:
        name, *fields = line.split(None, 2)
        if len(fields) < 2:
            span = self.block.refuse(number, f"a span line is 'ID LABEL text', not {line!r}")
        else:
            span = self._span(number, name, *fields)
        if span is None:
            self.refused.add(name)
            return
        told, layer = f"{name} {span.label} «{span.text}»", self.layers[span.label]
        if fault := self.boundaries.fault(span.start, span.end, one_word=layer.one_word):
            self.block.refuse(number, f"{told} {fault}")
        if name in self.spans:
            self.block.refuse(number, f"{name} is the name of two spans; give one another name")
        clash = next((other for other in self.spans.values() if other.label in layer.labels
                      and other.start < span.end and span.start < other.end), None)
        if clash:
            self.block.refuse(number, f"{told} overlaps {clash.id} «{clash.text}»; spans of {layer.name} may not")
        self.spans.setdefault(name, span)
        self.reached[layer.name] = span.start

    def _span(self, number: int, name: str, label: str, rest: str) -> Span | None:
        """The span of a span line, or None with the problem noted."""
        layer = self.layers.get(label)
        if layer is None:
            return self.block.refuse(number, f"{name}: unknown label {label!r}; {nearest(label, self.layers)}")
        surface, place, status = _parse_marks(rest)
        told = f"{name} {label} «{surface}»"
        if status is not None and status not in layer.statuses:
            known = f"known: {', '.join(layer.statuses)}" if layer.statuses else f"spans of {layer.name} have none"
            self.block.refuse(number, f"{told}: ~{status} is no status of {label}; {known}")
        after = self.reached.get(layer.name, 0)
        places = list(self.boundaries.places(surface))
        chosen = [at for at in places if at >= after] if place is None else places[place - 1:place] if place else []
        if not chosen:
            return self.block.refuse(number, f"{told} {self._why_absent(surface, place, places)}")
        status = status or self.schema.default_status(label)
        return Span(chosen[0], chosen[0] + len(surface), label, status, id=name, text=surface)

    def _why_absent(self, surface: str, place: int | None, places: list[int]) -> str:
        if surface not in self.text:
            return "is not in the text; copy its exact characters"
        if not places:
            return "stands in the text only as a part of longer words; annotate whole words"
        if place is not None:
            return f"has no place #{place}; its places are #1 to #{len(places)}"
        return "stands only before the span listed above it; list the spans of a layer in text order, or add #n"

    def _read_relation(self, number: int, line: str) -> None:
        fields = line.split()
        if len(fields) != 3:
            return self.block.refuse(number, f"a relation line is 'HEAD TYPE TAIL', not {line!r}")
        head, kind, tail = fields
        if kind not in self.schema.relation_names:
            known = nearest(kind, self.schema.relation_names)
            return self.block.refuse(number, f"{line}: unknown relation {kind!r}; {known}")
        if self.refused & {head, tail}:
            return None  # its span has a problem already
        for name in (head, tail):
            if name not in self.spans:
                return self.block.refuse(number, f"{line}: no span is named {name!r}; add it or mend the name")
        relation = Relation(kind, self.spans[head], self.spans[tail])
        labels = relation.head.label, relation.tail.label
        if not self.schema.allows(kind, *labels):
            return self.block.refuse(number, f"{line}: {kind} does not join {' to '.join(labels)}")
        if relation in self.relations:
            return self.block.refuse(number, f"{line}: is there twice; remove one")
        self.relations[relation] = number


def _layers(schema: Schema) -> dict[str, Layer]:
    return {label: layer for layer in schema.layers for label in layer.labels}


def _parse_marks(rest: str) -> tuple[str, int | None, str | None]:
    """The characters of a span line, its ``#n`` and its ``~STATUS``."""
    found = _MARKS.fullmatch(rest)
    return found["surface"], found["place"] and int(found["place"]), found["status"]


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses) -> None:
    """Write Documents as sources that read back equal; ``losses`` counts what a source cannot say.

    Raises DocumentError for a text with a carriage return before a line end, which reading would take off.
    """
    with atomic_writer(path) as stream:
        for number, document in enumerate(documents, 1):
            stream.write("\n" if number > 1 else "")
            stream.writelines(f"{line}\n" for line in _Writer(document, number, schema, losses).lines())


class _Writer:
    """The lines of one document, and the losses on the way."""

    def __init__(self, document: Document, number: int, schema: Schema, losses: Losses) -> None:
        self.document, self.number, self.schema, self.losses = document, number, schema, losses
        self.layers = _layers(schema)
        self.boundaries = Boundaries(document.text)

    def lines(self) -> Iterator[str]:
        yield f"=== {self._id()}"
        yield from self._meta_lines()
        yield from self._text_lines()
        spans = self._spans()
        names = self._names(spans)
        relations = [relation for relation in self.document.relations if self._carries(relation, names)]
        if spans:
            yield "--- spans"
            yield from self._span_lines(spans, names)
        if relations:
            yield "--- relations"
            yield from (f"{names[r.head]} {r.type} {names[r.tail]}" for r in relations)

    def _lose(self, cause: str, what: object) -> None:
        self.losses.add(cause, f"document {self.document.id!r}: {what}")

    def _id(self) -> str:
        found = self.document.id
        if isinstance(found, str) and _is_line(found) and found:
            return found
        self._lose("document id that is not a line of text, replaced", repr(found))
        return f"document-{self.number}"

    def _meta_lines(self) -> Iterator[str]:
        for key, value in self.document.meta.items():
            if not _is_token(key):
                self._lose("meta key that is not one word, left out", repr(key))
                continue
            if not (isinstance(value, str) and _is_line(value)):
                self._lose("meta value that is not a line of text, written as JSON", f"{key}={value!r}")
                value = json.dumps(value, ensure_ascii=False, default=str)
            yield f"@{key} {value}".rstrip()

    def _text_lines(self) -> Iterator[str]:
        lines = self.document.text.split("\n") if self.document.text else []
        for number, line in enumerate(lines):
            if line.endswith("\r"):
                raise DocumentError(f"document {self.document.id!r}: line {number + 1} of its text ends in a carriage "
                                    "return, which a source cannot keep; write another format, such as jsonl")
            edge = number in (0, len(lines) - 1)
            markup = (line.startswith("=== ") or _SECTION.fullmatch(line) or _ESCAPED.fullmatch(line)
                      or (number == 0 and line.startswith("@")) or (edge and not line))
            yield f"\\{line}" if markup else line

    def _spans(self) -> list[Span]:
        """The spans that a source can say."""
        kept, reached = [], {}
        for span in self.document.spans:
            layer = self.layers.get(span.label)
            if layer is None or not _is_token(span.label):
                cause = "span whose label the schema does not have, or has in several words"
            elif fault := self.boundaries.fault(span.start, span.end, one_word=layer.one_word):
                cause = f"span that {fault.partition(';')[0]}"
            elif span.start < reached.get(layer.name, 0):
                cause = "span that overlaps another of its layer"
            else:
                reached[layer.name] = span.end
                kept.append(span)
                continue
            self._lose(cause, f"{span.label} «{span.text}» at {span.start}–{span.end}")
        return kept

    def _names(self, spans: list[Span]) -> dict[Span, str]:
        """A name for each span: its own id where that is one word and its alone, else the next free T number."""
        named = {}
        for span in spans:
            if span.id is not None and _is_name(span.id) and span.id not in named:
                named[span.id] = span
            elif span.id is not None:
                self._lose("span id that is not one word of its own, replaced", repr(span.id))
        names = {span: name for name, span in named.items()}
        free = (name for name in (f"T{n}" for n in range(1, 2 * len(spans) + 1)) if name not in named)
        return {span: names[span] if span in names else next(free) for span in spans}

    def _carries(self, relation: Relation, names: Mapping[Span, str]) -> bool:
        head, tail = relation.head, relation.tail
        told = f"{relation.type} «{head.text}» → «{tail.text}»"
        if head not in names or tail not in names:
            self._lose("relation of a span that is left out", told)
        elif not (_is_token(relation.type) and self.schema.allows(relation.type, head.label, tail.label)):
            self._lose("relation that the schema does not allow", told)
        else:
            if relation.score is not None:
                self._lose("score of a relation", told)
            return True
        return False

    def _span_lines(self, spans: list[Span], names: Mapping[Span, str]) -> Iterator[str]:
        reached = {}
        for span in spans:
            told, layer = f"{span.label} «{span.text}» at {span.start}–{span.end}", self.layers[span.label]
            if span.score is not None:
                self._lose("score of a span", told)
            if span.fragments:
                self._lose("fragments of a span, written as one stretch", told)
            status = span.status if span.status in layer.statuses and _is_token(span.status) else None
            if status != span.status:
                self._lose("status that the schema does not have", f"{told} ~{span.status}")
            mark = f" ~{status}" if status and status != layer.statuses[0] else ""
            first = next(self.boundaries.places(span.text, reached.get(layer.name, 0)))
            if first != span.start or _parse_marks(span.text + mark)[0] != span.text:
                mark = f" #{list(self.boundaries.places(span.text)).index(span.start) + 1}{mark}"
            reached[layer.name] = span.start
            yield f"{names[span]} {span.label} {span.text}{mark}"


def _is_line(value: str) -> bool:
    return "\n" not in value and value == value.strip()


def _is_token(value: object) -> bool:
    return isinstance(value, str) and value.split() == [value]


def _is_name(value: object) -> bool:
    return _is_token(value) and not value.startswith("//") and value != "==="
