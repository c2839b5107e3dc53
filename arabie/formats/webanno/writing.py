"""Writing WebAnno TSV 3.3."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from arabie.document import Document
from arabie.formats.folders import write_each
from arabie.formats.losses import Losses, name_of
from arabie.formats.offsets import Offsets
from arabie.formats.tokens import Tokens
from arabie.formats.uima import ANNOTATION, LINKS, Arc, Layers, Mark, annotations, covering, type_system
from arabie.formats.uncarried import count_uncarried
from arabie.formats.webanno.cells import NO_VALUE, NOTHING, VERSION, escape_text, escape_value
from arabie.schema import Schema

_LINE_BREAKING = re.compile(r"[\t\n\r]")
Unit = tuple[int, tuple[int, int] | None]  # the number of a token, and the part of it that is meant, None for all


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses) -> None:
    """Write one Document to a .tsv file, or each to its own file in a new folder."""
    layers = Layers(schema)
    write_each(documents, path, ".tsv", lambda document: "".join(_Page(document, layers, losses).lines()),
               {"TypeSystem.xml": type_system(schema)}, losses, carries_id=False)


class _Page:
    """One document on the way into a file."""

    def __init__(self, document: Document, layers: Layers, losses: Losses) -> None:
        self.document, self.losses, self.where = document, losses, name_of(document)
        self.text = document.text
        self.offsets = Offsets(self.text, "utf-16")
        self.tokens = self._tokens()
        self.names = [f"{number}-{place}" for number, sentence in enumerate(self.tokens.sentences, 1)
                      for place in range(1, len(sentence) + 1)]
        count_uncarried(document, losses, ("relations", "status", "score", "id"))
        marks, arcs = annotations(document, layers)
        for mark in marks:
            mark.features.pop("fragments", None)
        self.units = {mark: self._place(mark) for mark in marks}
        self.marks = [mark for mark in marks if self.units[mark]]
        self.arcs = [arc for arc in arcs if self._carries(arc.source, arc.target)]
        self._drop_links()
        self.on = self._stacks()
        self.parts: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, part in sorted(unit for unit in self.on if unit[1]):
            self.parts[number].append(part)
        self.numbers = self._numbers()

    def _tokens(self) -> Tokens:
        tokens = covering(Tokens.of(self.document, self.losses))
        if any(_LINE_BREAKING.search(self.text, start, end) for start, end in tokens.flat):
            self.losses.add("tokens with a tab or line break in them, replaced by those arabie finds", self.where)
            tokens = covering(Tokens.found(self.text))
        if self.text and not tokens.flat:
            self.losses.add("text without a word, left out", self.where)
        elif self.text and self.text[:tokens.flat[0][0]].strip(" "):
            self.losses.add("white space before the first word, written as spaces", self.where)
        return tokens

    def _place(self, mark: Mark) -> list[Unit]:
        """The tokens and parts of tokens that a mark covers; none where it covers white space only."""
        flat, told = self.tokens.flat, f"{self.where}: {mark.features['label']} at {mark.start}–{mark.end}"
        first = bisect_right(flat, mark.start, key=lambda token: token[1])
        last = bisect_left(flat, mark.end, key=lambda token: token[0]) - 1
        if first > last:
            self.losses.add("span over white space only", told)
            return []
        start, end = max(mark.start, flat[first][0]), min(mark.end, flat[last][1])
        if (start, end) != (mark.start, mark.end):
            self.losses.add("white space at the edge of a span", told)
        covered = ((max(start, token[0]), min(end, token[1])) for token in flat[first:last + 1])
        return [(number, None if part == flat[number] else part) for number, part in enumerate(covered, first)]

    def _carries(self, *ends: Mark) -> bool:
        if all(self.units[end] for end in ends):
            return True
        self.losses.add("relation of a span over white space only", self.where)
        return False

    def _drop_links(self) -> None:
        for mark in self.units:
            mark.links = [link for link in mark.links if self._carries(mark, link.target)]
            for link in mark.links:
                if link.score is not None:
                    self.losses.add("score of a relation between layers", f"{self.where}: {link.role}")

    def _stacks(self) -> dict[Unit, dict[str, list[Mark | Arc]]]:
        """What stands on each unit, layer by layer; a relation stands where its target begins."""
        on: dict[Unit, dict[str, list[Mark | Arc]]] = {}
        for mark in self.marks:
            for unit in self.units[mark]:
                on.setdefault(unit, {}).setdefault(mark.layer, []).append(mark)
        for arc in self.arcs:
            on[self.units[arc.target][0]].setdefault(arc.layer, []).append(arc)
        return on

    def _numbers(self) -> dict[Mark, int]:
        """A number for each mark that is not known without: over several units, stacked, or the target of a link."""
        targets = {link.target for mark in self.marks for link in mark.links}
        stacked = {mark for layers in self.on.values() for marks in layers.values() if len(marks) > 1 for mark in marks}
        wanted = [mark for mark in self.marks if len(self.units[mark]) > 1 or mark in stacked or mark in targets]
        return {mark: number for number, mark in enumerate(wanted, 1)}

    def lines(self) -> Iterator[str]:
        columns = self._columns()
        yield f"{VERSION}\n"
        for kind, layer, base, features in columns:
            declared = [layer, *self._declared(layer, features), *([f"BT_{base}"] if base else [])]
            yield f"#T_{kind}={'|'.join(declared)}\n"
        yield "\n"
        number = 0
        for sentence, text in zip(self.tokens.sentences, self._sentence_texts()):
            yield "\n" + "".join(f"#Text={escape_text(line)}\n" for line in text.split("\n"))
            for _ in sentence:
                yield from self._rows(number, columns)
                number += 1

    def _columns(self) -> list[tuple[str, str, str, list[str]]]:
        """(SP or RL, layer, the layer a relation joins spans of, features in use); layers with slots come later."""
        spans: dict[str, set[str]] = {}
        relations: dict[str, set[str]] = {}
        for mark in self.marks:
            spans.setdefault(mark.layer, set()).update(mark.features, [LINKS] if mark.links else [])
        for arc in self.arcs:
            relations.setdefault(arc.layer, set()).update(arc.features)
        bases = {arc.layer: arc.source.layer for arc in self.arcs}
        ordered = sorted(spans, key=lambda layer: LINKS in spans[layer])
        return ([("SP", layer, "", sorted(spans[layer])) for layer in ordered]
                + [("RL", layer, bases[layer], sorted(features)) for layer, features in relations.items()])

    @staticmethod
    def _declared(layer: str, features: list[str]) -> Iterator[str]:
        for feature in features:
            if feature == LINKS:
                yield f"ROLE_{layer}:{LINKS}_{layer}ArgumentsLink"
                yield ANNOTATION
            else:
                yield feature

    def _sentence_texts(self) -> Iterator[str]:
        """Each sentence's text up to the next one, less a line break at its end, which reading puts between them."""
        starts = [sentence[0][0] for sentence in self.tokens.sentences]
        for start, after in zip(starts, [*starts[1:], None]):
            yield self.text[start:after] if after is None else self.text[start:after].removesuffix("\n")

    def _rows(self, number: int, columns: list) -> Iterator[str]:
        """The row of a token, and those of its parts that annotations begin or end in."""
        yield self._row(self.names[number], self.tokens.flat[number], (number, None), columns)
        for place, part in enumerate(self.parts[number], 1):
            yield self._row(f"{self.names[number]}.{place}", part, (number, part), columns)

    def _row(self, name: str, token: tuple[int, int], unit: Unit, columns: list) -> str:
        start, end = self.offsets.from_code_points(*token)
        here = self.on.get(unit, {})
        cells = [cell for kind, layer, _, features in columns
                 for cell in self._cells(kind, here.get(layer, ()), features)]
        return "\t".join([name, f"{start}-{end}", self.text[token[0]:token[1]], *cells]) + "\t\n"

    def _cells(self, kind: str, items: list, features: list[str]) -> Iterator[str]:
        """The cells of one layer in a row, the items of a stack separated by bars."""
        for feature in features:
            if feature == LINKS:
                yield "|".join(self._roles(mark) for mark in items) or NOTHING
                yield "|".join(self._targets(mark) for mark in items) or NOTHING
            else:
                yield "|".join(self._value(item, feature) for item in items) or NOTHING
        if kind == "RL":
            yield "|".join(self._source(arc) for arc in items) or NOTHING

    def _value(self, item: Mark | Arc, feature: str) -> str:
        value = item.features.get(feature)
        return (NO_VALUE if value is None else escape_value(value)) + self._number(item)

    def _number(self, mark: Mark | Arc) -> str:
        return f"[{self.numbers[mark]}]" if mark in self.numbers else ""

    def _roles(self, mark: Mark) -> str:
        return (";".join(escape_value(link.role) for link in mark.links) or NOTHING) + self._number(mark)

    def _targets(self, mark: Mark) -> str:
        return ";".join(self._name(link.target) + self._number(link.target) for link in mark.links) or NO_VALUE

    def _source(self, arc: Arc) -> str:
        """The unit the relation comes from, with the numbers of both its ends where one of them has one."""
        source, target = self.numbers.get(arc.source, 0), self.numbers.get(arc.target, 0)
        return self._name(arc.source) + (f"[{source}_{target}]" if source or target else "")

    def _name(self, mark: Mark) -> str:
        """The number of the unit that an annotation begins with."""
        number, part = self.units[mark][0]
        return self.names[number] + (f".{self.parts[number].index(part) + 1}" if part else "")
