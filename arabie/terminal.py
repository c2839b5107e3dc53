"""A Document for the eye, on a terminal: the text with its spans in colour, then who, what, where and why as a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.text import Text

from arabie.document import Document, Event, Span
from arabie.evaluation.render import END_ISOLATE, isolated
from arabie.schema import Schema

RIGHT_TO_LEFT = "\u2067"
COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_red", "bright_green", "bright_blue", "bright_magenta")
LAYER_STYLES = ("", "bold reverse", "underline")  # entities by colour, then events and causes laid over them


class RightToLeft:
    """A paragraph wrapped to the console's width, each line set right to left by itself."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.text.wrap(console, max(20, options.max_width - 2)):
            yield Text(RIGHT_TO_LEFT) + line + Text(END_ISOLATE)


def render(document: Document) -> Group:
    """The whole document; headings stand only over what was found."""
    parts: list = [Text(document.id, style="bold")] if document.id else []
    parts += [RightToLeft(line) for line in _coloured(document).split("\n", allow_blank=True)]
    for title, rows in (("Entities", _entities(document)), ("Events", _events(document)), ("Causes", _causes(document)),
                        ("Relations between entities", _others(document))):
        rows = list(rows)
        if rows:
            parts += [Text(), Text(title, style="bold"), *rows]
    if not document.spans:
        parts += [Text(), Text("nothing found", style="dim")]
    return Group(*parts)


def _coloured(document: Document) -> Text:
    text = Text(document.text)
    for layer, style in zip(document.schema.layers, LAYER_STYLES):
        for span in document.layer(layer.name):
            text.stylize(style or _colour(span.label, document.schema), span.start, span.end)
    return text


def _colour(label: str, schema: Schema) -> str:
    return COLOURS[schema.all_labels.index(label) % len(COLOURS)]


def _named(name: str, schema: Schema) -> str:
    """A label with what people call it."""
    title = schema.titles.get(name)
    return f"{name} {isolated(title)}" if title else name


def _quoted(spans: Iterable[Span]) -> str:
    return " · ".join(isolated(" ".join(span.text.split())) for span in spans)


def _entities(document: Document) -> Iterator[Text]:
    for label in document.schema.labels("entities"):
        spans = [span for span in document.entities if span.label == label]
        if spans:
            yield Text(f"  {_named(label, document.schema)}: ", style=_colour(label, document.schema)) + Text(_quoted(spans))


def _events(document: Document) -> Iterator[Text]:
    for event in document.events:
        yield from _event(event, document.schema)


def _event(event: Event, schema: Schema) -> Iterator[Text]:
    status = "" if event.status == schema.default_status(event.type) else f" — {_named(event.status, schema)}"
    yield Text(f"  {_named(event.type, schema)}{status}: ", style="bold") + Text(isolated(event.text))
    for role, spans in event.arguments.items():
        yield Text(f"      {_named(role, schema)}: ", style="dim") + Text(_quoted(spans))
    for cause in event.causes:
        yield Text(f"      why {_named(cause.label, schema)}: ", style="bold yellow") + Text(_quoted([cause.span]))


def _causes(document: Document) -> Iterator[Text]:
    """The causes that no event is said to have."""
    linked = {cause.span for event in document.events for cause in event.causes}
    for cause in document.causes:
        front = f" (front: {isolated(cause.front.text)})" if cause.front else ""
        if cause.span not in linked or front:
            yield Text(f"  {_named(cause.label, document.schema)}: ", style="bold yellow") + Text(_quoted([cause.span]) + front)


def _others(document: Document) -> Iterator[Text]:
    shown = {event.trigger for event in document.events} | {cause.span for cause in document.causes}
    for relation in document.relations:
        if relation.head not in shown:
            yield Text(f"  {isolated(relation.head.text)} ") + Text(_named(relation.type, document.schema), style="dim") + Text(f" {isolated(relation.tail.text)}")
