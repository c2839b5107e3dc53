"""A Document for the eye, on a terminal: the text with its spans in colour, then who, what, where and why as lists."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.text import Text

from arabie.document import Cause, Document, Event, Relation, Span
from arabie.evaluation.render import END_ISOLATE, isolated
from arabie.schema import Schema

RIGHT_TO_LEFT = "\u2067"
COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_red", "bright_green", "bright_blue", "bright_magenta")
LAYER_STYLES = {"events": "bold reverse", "causes": "underline"}  # laid over the colours that other layers have
# What would move the terminal's cursor or turn the lines around it, by something of one character that does not.
HARMLESS = {code: " " for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc" and code != ord("\n")}
HARMLESS |= dict.fromkeys((0x2028, 0x2029), " ")
HARMLESS |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\u200b")


class Paragraph:
    """A line of the text, wrapped to the console's width, each part set right to left by itself."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.text.wrap(console, options.max_width):
            line.rstrip()
            yield Text(RIGHT_TO_LEFT) + line + Text(END_ISOLATE) if line else line


@dataclass(frozen=True)
class Piece:
    """Words that belong together, and the punctuation that follows them."""

    text: str
    style: str = ""
    after: str = ""


class Row:
    """Pieces one after another, on as many lines as they need; no right-to-left isolate reaches over a line's end."""

    def __init__(self, indent: int, pieces: Iterable[Piece]) -> None:
        self.indent, self.pieces = indent, tuple(pieces)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for number, line in enumerate(self._lines(options.max_width - self.indent - 2)):
            text = Text(" " * (self.indent + 2 * (number > 0)))
            for place, words in groupby(line, key=itemgetter(0)):
                _, words, after = zip(*words)
                text.append(isolated(" ".join(words)), self.pieces[place].style).append(after[-1] + " ")
            text.rstrip()
            yield text

    def _lines(self, width: int) -> list[list[tuple[int, str, str]]]:
        """For each line its words: the piece's place, the word, what follows it."""
        lines, used = [[]], 0
        for place, piece in enumerate(self.pieces):
            words = piece.text.split()
            for word, after in zip(words, [""] * (len(words) - 1) + [piece.after]):
                size = cell_len(word + after)
                if used and used + size > width:
                    lines.append([])
                    used = 0
                lines[-1].append((place, word, after))
                used += size + 1
        return lines


def render(document: Document) -> Group:
    """The whole document; headings stand only over what was found."""
    parts: list = [Text(isolated(document.id.translate(HARMLESS)), style="bold")] if document.id else []
    parts += [Paragraph(line) for line in _coloured(document).split("\n", allow_blank=True)]
    for title, style, rows in _lists(document):
        rows = list(rows)
        if rows:
            parts += [Text(), Text(title, style=f"bold {style}"), *rows]
    if not document.spans:
        parts += [Text(), Text("nothing found", style="dim")]
    return Group(*parts)


def _lists(document: Document) -> Iterator[tuple[str, str, Iterator[Row]]]:
    schema = document.schema
    for layer in schema.layers:
        if layer.name not in LAYER_STYLES:
            yield layer.name.capitalize(), "", _surfaces(document, layer.labels)
    unknown = dict.fromkeys(span.label for span in document.spans if schema.layer_of(span.label) is None)
    yield "Labels that the schema does not have", "", _surfaces(document, tuple(unknown))
    yield "Events", LAYER_STYLES["events"], (row for event in document.events for row in _event(event, schema))
    linked = {cause.span for event in document.events for cause in event.causes}
    loose = [cause for cause in document.causes if cause.span not in linked]
    yield "Causes of no event found", LAYER_STYLES["causes"], (Row(2, _cause(cause, schema)) for cause in loose)
    yield "Relations", "", (Row(2, _relation(relation, schema)) for relation in _others(document))


def _coloured(document: Document) -> Text:
    text = Text(document.text.translate(HARMLESS))
    for layer in sorted(document.schema.layers, key=lambda layer: layer.name in LAYER_STYLES):
        for span in document.layer(layer.name):
            for start, end in span.fragments or ((span.start, span.end),):
                text.stylize(LAYER_STYLES.get(layer.name) or _colour(span.label, document.schema), start, end)
    text.rstrip()
    return text


def _colour(label: str, schema: Schema) -> str:
    """The colour of a label; none for those that are told otherwise."""
    layer = schema.layer_of(label)
    return "" if layer is None or layer in LAYER_STYLES else COLOURS[schema.all_labels.index(label) % len(COLOURS)]


def _named(name: str, schema: Schema) -> str:
    """A label with what people call it."""
    title = schema.titles.get(name)
    return f"{name} ({title})" if title else name


def _values(spans: Iterable[Span], schema: Schema, last: str = "") -> Iterator[Piece]:
    """The words of some spans, each once, with how often it is there; ``last`` follows them all."""
    counts = Counter((" ".join(span.text.split()), _colour(span.label, schema)) for span in spans)
    for number, ((text, colour), count) in enumerate(counts.items(), 1):
        times = f" ×{count}" if count > 1 else ""
        yield Piece(text, colour, times + (" ·" if number < len(counts) else last))


def _surfaces(document: Document, labels: Sequence[str]) -> Iterator[Row]:
    for label in labels:
        spans = [span for span in document.spans if span.label == label]
        if spans:
            name = Piece(_named(label, document.schema), _colour(label, document.schema), ":")
            yield Row(2, (name, *_values(spans, document.schema)))


def _event(event: Event, schema: Schema) -> Iterator[Row]:
    usual = event.status == schema.default_status(event.type)
    status = [] if event.status is None or usual else [Piece(_named(event.status, schema), "bold red", ":")]
    yield Row(2, (Piece(_named(event.type, schema), "bold", "," if status else ":"), *status, Piece(event.text)))
    for role, spans in event.arguments.items():
        yield Row(6, (Piece(_named(role, schema), "dim", ":"), *_values(spans, schema)))
    for cause in event.causes:
        yield Row(6, (Piece("why"), *_cause(cause, schema)))


def _cause(cause: Cause, schema: Schema) -> Iterator[Piece]:
    slots = [(name, spans) for name, spans in cause.slots.items() if spans]
    yield Piece(_named(cause.label, schema), "bold", ":")
    yield Piece(cause.text, after=" ·" if slots else "")
    for name, spans in slots:
        yield Piece(name, "dim", ":")
        yield from _values(spans, schema)


def _others(document: Document) -> Iterator[Relation]:
    """The relations that no event shows as an argument or a cause."""
    triggers = {event.trigger for event in document.events}
    causes = {cause.span for cause in document.causes}
    for relation in document.relations:
        if relation.head not in triggers and not (relation.head in causes and relation.tail in triggers):
            yield relation


def _relation(relation: Relation, schema: Schema) -> Iterator[Piece]:
    yield from _values([relation.head], schema)
    yield Piece(_named(relation.type, schema), "dim", " →")
    yield from _values([relation.tail], schema)
