"""A Report for the eye: rich tables that read well in a pipe too, and right-to-left text that does not move them.

    console = rich.console.Console()
    console.print(render.report(found))
    console.print(render.errors(found))

The default schema's tables need 76 columns.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group
from rich.table import Table
from rich.text import Text

from arabie.document import Relation, Span
from arabie.evaluation.calibration import Calibration
from arabie.evaluation.errors import KINDS, Mistake
from arabie.evaluation.report import Report
from arabie.evaluation.scores import Score, Scores
from arabie.evaluation.statuses import StatusScores

ISOLATE, END_ISOLATE = "\u2068", "\u2069"  # first strong isolate, pop directional isolate
FIGURES = f"{'P':>5} {'R':>5} {'F1':>5}"
_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # one left open reaches beyond its text


def report(found: Report) -> Group:
    """All tables of a report, then its notes; the errors are counted here and listed by ``errors``."""
    parts: list[Text | Table] = [Text(f"{found.documents:,} document{'s' * (found.documents != 1)}")]
    for title, table in _tables(found):
        parts += [Text(), _text(title, "bold"), Text(), table]
    return Group(*parts, Text(), *(Text(" ".join(map(isolated, note.split(" ")))) for note in found.notes()))


def _tables(found: Report) -> Iterator[tuple[str, Table]]:
    relations, status, calibration = found.relations, found.status, found.calibration
    for name, layer in found.layers.items():
        yield name, _score_table("label", {"strict": layer.strict, "relaxed": layer.relaxed})
    if relations is not None:
        groups = {"strict": relations.strict, "relaxed": relations.relaxed, "gold spans given": relations.given}
        yield "relations", _score_table("type", {name: scores for name, scores in groups.items() if scores is not None})
    if status is not None and status.found:
        yield f"status: accuracy {status.accuracy:.3f} of {status.found:,} spans found", _status_table(status)
    if calibration is not None:
        yield (f"calibration of {calibration.scored:,} spans: expected calibration error {calibration.error:.3f}, "
               f"Brier score {calibration.brier:.3f}", _calibration_table(calibration))
    yield "errors", _error_counts(found)


def errors(found: Report, limit: int | None = None) -> Group:
    """The errors one by one, at most ``limit`` of them, with a last line that says how many more there are."""
    shown = found.errors if limit is None else found.errors[:limit]
    rest = len(found.errors) - len(shown)
    return Group(*map(_Listed, shown), *([Text(f"… and {rest:,} more", style="dim")] if rest else []))


def isolated(text: str) -> str:
    """The text in one line's isolate if it has right-to-left letters; direction and control characters are taken out.

    >>> isolated("LOC"), len(isolated("دير الزور")) - len("دير الزور")
    ('LOC', 2)
    """
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Cc" and letter not in _CONTROLS)
    right_to_left = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)
    return f"{ISOLATE}{text}{END_ISOLATE}" if right_to_left else text


def _table(first: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(Text(first), vertical="bottom", no_wrap=True)
    for column in columns:
        table.add_column(Text(column), justify="right", vertical="bottom", no_wrap=True)
    return table


def _text(text: str, style: str = "") -> Text:
    return Text(isolated(text), style=style)


def _row(table: Table, name: str, *cells: str, style: str | None = None) -> None:
    table.add_row(_text(name), *map(Text, cells), style=style)


def _score_table(first: str, groups: dict[str, Scores]) -> Table:
    """One row a label; a group's three figures share a column, so that its name can stand over them."""
    heads = [f"{name:^17}\n{FIGURES}" for name in groups]
    table = _table(first, *heads, "gold")
    rows = [(label, [scores.labels.get(label) for scores in groups.values()])
            for label in dict.fromkeys(label for scores in groups.values() for label in scores.labels)]
    for label, scores in rows:
        _row(table, label, *_figures(scores))
    table.add_section()
    _row(table, "micro", *_figures([scores.micro for scores in groups.values()]), style="bold")
    _row(table, "macro", *_figures([scores.macro for scores in groups.values()]))
    return table


def _figures(scores: Sequence[Score | None]) -> list[str]:
    cells = [f"{s.precision:5.3f} {s.recall:5.3f} {s.f1:5.3f}" if s else f"{'–':>5} {'–':>5} {'–':>5}" for s in scores]
    return [*cells, f"{max(score.support for score in scores if score):,}"]


def _status_table(status: StatusScores) -> Table:
    """Scores by status, and beside them what each gold status was taken for."""
    labels = list(status.confusion)
    table = _table("gold status", FIGURES, "gold", *(isolated(f"as {label}") for label in labels))
    for label, score in status.scores.labels.items():
        _row(table, label, *_figures([score]), *(f"{status.confusion[label][other]:,}" for other in labels))
    return table


def _calibration_table(calibration: Calibration) -> Table:
    table = _table("score", "spans", "mean score", "right")
    for part in calibration.bins:
        if part.count:
            limits = f"{part.lower:.2f}–{part.upper:.2f}"
            _row(table, limits, f"{part.count:,}", f"{part.score:.3f}", f"{part.accuracy:.3f}")
    return table


def _error_counts(found: Report) -> Table:
    counts = found.error_counts()
    kinds = [kind for kind in KINDS if any(row[kind] for row in counts.values())]
    table = _table("layer", *kinds, "all")
    for layer, row in counts.items():
        _row(table, layer or "relations", *(f"{row[kind]:,}" for kind in kinds), f"{row.total():,}")
    return table


class _Listed:
    """One error as a few lines, each right-to-left stretch closed on its own line."""

    def __init__(self, error: Mistake) -> None:
        self.error = error

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        error = self.error
        yield Text(" · ").join([_text(error.layer or "relations", "bold"), Text(error.kind), _text(error.document)])
        for name, item, style in (("gold", error.gold, "green"), ("predicted", error.predicted, "red")):
            if item is not None:
                yield from _lines(name, _told(item), options.max_width, style)
        yield from _lines("context", [error.context], options.max_width, "dim")
        yield Text()


def _told(item: Span | Relation) -> list[str]:
    """The parts of a span or relation, each of one direction."""
    if isinstance(item, Relation):
        return [item.type, *_told(item.head), "→", *_told(item.tail)]
    return [item.label, " ".join(item.text.split())]


def _lines(name: str, parts: list[str], width: int, style: str) -> Iterator[Text]:
    indent = 12
    lines, room = [[]], width - indent
    for part in parts:
        for piece in textwrap.wrap(part, max(width - indent, 20)):
            if cell_len(piece) > room:
                lines.append([])
                room = width - indent
            lines[-1].append(isolated(piece))
            room -= cell_len(piece) + 1
    for number, line in enumerate(lines):
        yield Text(f"  {name if not number else '':<{indent - 2}}").append(" ".join(line), style=style)
