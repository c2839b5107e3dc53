"""Reading WebAnno TSV."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from arabie.document import Document
from arabie.errors import DocumentError, FileError
from arabie.formats.files import read_lines
from arabie.formats.folders import files_in
from arabie.formats.losses import Losses
from arabie.formats.offsets import Offsets
from arabie.formats.tokens import Tokens
from arabie.formats.uima import ANNOTATION, Arc, Builder, Link, Mark, Reading, short_name, tokens_meta
from arabie.formats.webanno.cells import (NO_VALUE, NOTHING, Column, parse_layer, split_cell, split_suffix,
                                          unescape_text, unescape_value)
from arabie.schema import Schema

_FORMAT = re.compile(r"#FORMAT=WebAnno TSV 3\.[23]\s*")
_UNIT = re.compile(r"(\d+)-(\d+)(\.\d+)?")
_RANGE = re.compile(r"(\d+)-(\d+)")
_CHAIN = re.compile(r"(.*)->(\d+)-(\d+)", re.DOTALL)


def read(path: str | Path, *, schema: Schema, losses: Losses, layers: str = "",
         status: str = "status") -> Iterator[Document]:
    """The Document of a file, or of each .tsv file in a folder, named after the file.

    ``layers`` names the layers to read and their label features ("NamedEntity:value Span:label"), empty for all;
    ``status`` names the feature that holds a status.
    """
    reading = Reading(layers, status)
    for file, name in files_in(path, (".tsv",)):
        yield _File(file).document(name, reading, schema, losses)


@dataclass
class _Row:
    """A token or sub-token: its line in the file, its UTF-16 offsets (later code points), its form, its cells."""

    line: int
    unit: str
    start: int
    end: int
    form: str
    cells: list[str]
    marks: defaultdict[str, list[Mark]] = field(default_factory=lambda: defaultdict(list))


class _File:
    """One file: its columns, its text put together from its sentences, its rows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[Column] = []
        self.rows: dict[str, _Row] = {}
        self.sentences: list[list[_Row]] = []
        self.sentence_ids = 0
        self._text, self._length, self._waiting = [], 0, []
        self._read()
        self.text = "".join(self._text)
        self._to_code_points()

    def error(self, line: int, message: str) -> FileError:
        return FileError(f"{self.path}:{line}: {message}")

    def _read(self) -> None:
        number = 0
        for number, line in read_lines(self.path):
            if number == 1 and not _FORMAT.fullmatch(line):
                raise self.error(1, f"the first line is {line[:40]!r}, not #FORMAT=WebAnno TSV 3.2 or 3.3; "
                                    "export the document from INCEpTION as WebAnno TSV v3")
            if not line and self._waiting:
                self._add_sentence(self._length + bool(self._text))
            if number == 1 or not line:
                continue
            if line.startswith(("#T_SP=", "#T_CH=", "#T_RL=")) and not self.rows:
                self._read_layer(number, line)
            elif line.startswith("#Text="):
                self._waiting.append(unescape_text(line[6:]))
            elif line.startswith("#Sentence.id="):
                self.sentence_ids += 1
            elif not line.startswith("#"):
                self._read_row(number, line)
        if not number:
            raise self.error(1, "the file is empty; export the document again")
        if self._waiting:
            self._add_sentence(self._length + bool(self._text))

    def _read_layer(self, number: int, line: str) -> None:
        try:
            self.columns += parse_layer(line)
        except ValueError as error:
            raise self.error(number, f"the header line {error}") from None

    def _read_row(self, number: int, line: str) -> None:
        fields = line.split("\t")
        if len(fields) < 3 + len(self.columns):
            raise self.error(number, f"{len(fields)} columns where the header asks for {3 + len(self.columns)} "
                                     "(number, offsets, token, and one for each feature); the line may be cut off")
        unit, offsets = _UNIT.fullmatch(fields[0]), _RANGE.fullmatch(fields[1])
        if not unit or not offsets:
            raise self.error(number, "a row starts with its number, such as 1-2 or 1-2.1, and its offsets, such as "
                                     f"4-8, not with {fields[0]!r} and {fields[1]!r}")
        row = _Row(number, fields[0], int(offsets[1]), int(offsets[2]), fields[2], fields[3:])
        if self._waiting:
            self._add_sentence(row.start, number)
        if not self.sentences:
            raise self.error(number, "a token before any #Text= line; the text of a sentence stands above its tokens")
        if row.unit in self.rows:
            raise self.error(number, f"the number {row.unit} is given twice; number the tokens in order")
        if unit[3] is None:
            self.sentences[-1].append(row)
        self.rows[row.unit] = row

    def _add_sentence(self, start: int, line: int = 0) -> None:
        """Add the waiting text at its offset: after a line break and as many spaces as are missing."""
        gap = start - self._length
        if gap < 0:
            raise self.error(line, f"the sentence starts at {start}, inside the one before it, which ends at "
                                   f"{self._length}; offsets count UTF-16 units from the start of the document")
        between = " " * gap if not self._text else "\n" + " " * (gap - 1) if gap else ""
        sentence = "\n".join(self._waiting)
        self._text += [between, sentence]
        self._length = start + Offsets(sentence, "utf-16").length
        self._waiting = []
        self.sentences.append([])

    def _to_code_points(self) -> None:
        offsets = Offsets(self.text, "utf-16")
        for row in self.rows.values():
            try:
                row.start, row.end = offsets.to_code_points(row.start, row.end)
            except DocumentError as error:
                raise self.error(row.line, f"{error}; offsets count UTF-16 units from the document's start") from None
            if self.text[row.start:row.end] != row.form:
                raise self.error(row.line, f"the token is {row.form!r}, but at its offsets the text has "
                                           f"{self.text[row.start:row.end]!r}; offsets are UTF-16 units")

    def document(self, name: str, reading: Reading, schema: Schema, losses: Losses) -> Document:
        annotations = _Annotations(self)
        features: dict[str, list[str]] = {}
        for column in self.columns:
            listed = features.setdefault(column.layer, [])
            if column.kind == "value" and column.feature and column.feature != "referenceRelation":
                listed.append(column.feature)
        if self.sentence_ids:
            losses.add("sentence id", str(self.path), self.sentence_ids)
        builder = Builder(self.text, features, features, reading, schema, losses, str(self.path))
        placed = (tuple((row.start, row.end) for row in rows) for rows in self.sentences if rows)
        tokens = Tokens(self.text, tuple(placed))
        return builder.build(annotations.marks, annotations.arcs, name, tokens_meta(tokens))


class _Annotations:
    """The marks and arcs of a file's rows."""

    def __init__(self, file: _File) -> None:
        self.file = file
        self.marks: list[Mark] = []
        self.arcs: list[Arc] = []
        self._numbered: dict[int, Mark] = {}
        self._chained: dict[str, dict[tuple[int, int], Mark]] = {}
        self._later: list[partial] = []
        layers: dict[str, list[tuple[int, Column]]] = {}
        for place, column in enumerate(file.columns):
            layers.setdefault(column.layer, []).append((place, column))
        for row in file.rows.values():
            for columns in layers.values():
                self._read_layer(row, columns)
        for resolve in self._later:
            resolve()
        for layer, chained in self._chained.items():
            self._join_chains(layer, chained)

    def _read_layer(self, row: _Row, columns: list[tuple[int, Column]]) -> None:
        """Read what a row says of one layer: one annotation for each item of its cells."""
        stacks = [(column, split_cell(row.cells[place], "|")) for place, column in columns]
        read = {"SP": self._read_span, "CH": self._read_link, "RL": self._read_relation}[columns[0][1].group]
        for number in range(max(len(items) for _, items in stacks)):
            read(row, {column: items[number] for column, items in stacks if number < len(items)})

    def _features(self, items: dict[Column, str]) -> dict[str, str]:
        values = {column.feature: split_suffix(item)[0] for column, item in items.items() if column.kind == "value"}
        return {name: unescape_value(value) for name, value in values.items() if name and value != NO_VALUE}

    def _read_span(self, row: _Row, items: dict[Column, str]) -> None:
        layer = next(iter(items)).layer
        numbers = [split_suffix(item)[1] for column, item in items.items() if column.kind != "target"]
        number = int(next((found for found in numbers if found and found.isdecimal()), 0))
        mark = self._numbered.get(number)
        if mark is None:
            mark = Mark(layer, row.start, row.end, self._features(items))
            self.marks.append(mark)
            self._later.append(partial(self._fill_slots, row, mark, items))
            if number:
                self._numbered[number] = mark
        elif mark.layer != layer:
            raise self.file.error(row.line, f"[{number}] marks annotations of {mark.layer} and of {layer}; "
                                            "the number in brackets belongs to one annotation")
        mark.end = row.end
        row.marks[layer].append(mark)

    def _fill_slots(self, row: _Row, mark: Mark, items: dict[Column, str]) -> None:
        for column, item in items.items():
            if column.kind == "target":
                roles = next((other for place, other in items.items()
                              if place.kind == "role" and place.feature == column.feature), NOTHING)
                roles = split_cell(split_suffix(roles)[0], ";")
                targets = split_cell(item, ";") if roles else []
                if len(roles) != len(targets):
                    raise self.file.error(row.line, f"{column.feature} has {len(roles)} roles but {len(targets)} "
                                                    "targets; write one target for each role, separated by ';'")
                for role, target in zip(roles, targets):
                    unit, number = split_suffix(target)
                    mark.links.append(Link(column.feature, None if role == NO_VALUE else unescape_value(role),
                                           self._resolve(row, unit, int(number or 0), column.points_to)))

    def _read_relation(self, row: _Row, items: dict[Column, str]) -> None:
        source = next((column for column in items if column.kind == "source"), None)
        if source is None:
            raise self.file.error(row.line, f"a relation of {next(iter(items)).layer} has no source; "
                                            "its last column names the token that it comes from")
        unit, numbers = split_suffix(items[source])
        first, _, second = (numbers or "0_0").partition("_")
        arc = Arc(source.layer, None, None, self._features(items))
        self.arcs.append(arc)

        def resolve() -> None:
            arc.source = self._resolve(row, unit, int(first), source.points_to)
            arc.target = self._resolve(row, row.unit, int(second or 0), source.points_to)
        self._later.append(partial(resolve))

    def _resolve(self, row: _Row, unit: str, number: int, layer: str) -> Mark | None:
        """The annotation with that number, or else the one of that layer (or the only one) at that unit."""
        if number:
            if number not in self._numbered:
                raise self.file.error(row.line, f"no annotation is numbered [{number}]; mend the number in brackets")
            return self._numbered[number]
        if unit not in self.file.rows:
            raise self.file.error(row.line, f"no token is numbered {unit!r}; mend the number that is pointed to")
        marks = self.file.rows[unit].marks
        if layer != ANNOTATION:
            return next(iter(marks.get(layer, ())), None)
        return next((found[0] for found in marks.values()), None) if sum(map(len, marks.values())) == 1 else None

    def _read_link(self, row: _Row, items: dict[Column, str]) -> None:
        """Read one link of a chain; its place is written after the relation's name: ``coref->1-2``."""
        layer = next(iter(items)).layer
        places = [item for column, item in items.items() if column.feature == "referenceRelation"]
        found = _CHAIN.fullmatch(places[0]) if places else None
        if not found:
            raise self.file.error(row.line, f"an element of {layer} has no place in its chain; its relation is "
                                            "written such as coref->1-2")
        chained = self._chained.setdefault(layer, {})
        place = int(found[2]), int(found[3])
        if place not in chained:
            chained[place] = Mark(layer, row.start, row.end, self._features(items))
            chained[place].features.pop("referenceRelation", None)
            relation = None if found[1] == NO_VALUE else unescape_value(found[1])
            chained[place].links.append(Link(short_name(layer).removesuffix("Link"), relation, None))
            self.marks.append(chained[place])
        chained[place].end = row.end
        row.marks[layer].append(chained[place])

    def _join_chains(self, layer: str, chained: dict[tuple[int, int], Mark]) -> None:
        """Point each element to the next of its chain; the last one points nowhere."""
        places = sorted(chained)
        for place, after in zip(places, [*places[1:], None]):
            if after and after[0] == place[0]:
                chained[place].links[0].target = chained[after]
            else:
                chained[place].links.clear()
