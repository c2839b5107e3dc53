"""What a report looks like on a terminal and in a pipe."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from arabie.document import Document, Relation, Span
from arabie.evaluation import evaluate, render
from arabie.schema import Schema, default_schema

REASON = "جرّاء القصف المتكرر على المقرات "
TEXT = "انشق ضابط [قوات] النظام\u202e " + REASON * 8


def report(label: str = "GROUP"):
    schema = default_schema()
    if label not in schema.all_labels:
        data = schema.to_dict()
        data["layers"][0]["labels"].append(label)
        schema = Schema.from_dict(data)
    event, group, role = Span(0, 4, "DEFECTION", score=0.7), Span(11, 23, label), Span(5, 9, "ROLE", score=0.3)
    cause = Span(TEXT.index(REASON), TEXT.index(REASON) + 4 * len(REASON) - 1, "AIRSTRIKES")
    gold = Document(TEXT, (event, group, role, cause), (Relation("FROM", event, group),), "خبر-1", schema=schema)
    guesses = (event, Span(11, 15, label), role, Span(5, 8, "ROLE"))
    predicted = Document(TEXT, guesses, (Relation("AGENT", event, role),), "خبر-1", schema=schema)
    return evaluate([gold], [predicted], schema, [predicted])


def shown(part, width: int, terminal: bool = False) -> str:
    colours = "standard" if terminal else None
    console = Console(file=StringIO(), width=width, force_terminal=terminal, color_system=colours)
    console.print(part)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("label", ["GROUP", "جماعة"])
def test_each_line_closes_its_right_to_left_text_and_fits(width, label):
    found = report(label)
    for part in (render.report(found), render.errors(found)):
        for line in shown(part, width).splitlines():
            assert cell_len(line) <= width and "\u202e" not in line
            depth = 0
            for letter in line:
                depth += {"\u2068": 1, "\u2069": -1}.get(letter, 0)
                assert 0 <= depth <= 1
                assert depth or not "\u0590" < letter < "\u08ff"  # every right-to-left letter stands in an isolate
            assert not depth


def test_the_figures_are_there():
    text = shown(render.report(report()), 80)
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    assert rows["GROUP"] == ["0.000", "0.000", "0.000", "1.000", "1.000", "1.000", "1"]
    assert rows["ROLE"] == ["0.500", "1.000", "0.667", "0.500", "1.000", "0.667", "1"]
    assert rows["FROM"] == ["0.000"] * 9 + ["1"]
    assert rows["ACTUAL"] == ["1.000", "1.000", "1.000", "1", "1", "0", "0"]
    assert rows["0.67–0.73"] == ["1", "0.700", "1.000"]
    assert "gold spans given" in text and "Nothing was left out of the scores." in text and "\x1b" not in text


def test_errors_show_gold_predicted_and_context_whole():
    text = shown(render.errors(report()), 100)
    assert text.split("\n\n")[1].splitlines()[:3] == [
        "entities · boundary · \u2068خبر-1\u2069", "  gold      GROUP \u2068قوات] النظام\u2069",
        "  predicted GROUP \u2068قوات\u2069"]
    assert text.replace("\u2068", "").replace("\u2069", "").count("القصف المتكرر") >= 4
    assert "FROM DEFECTION \u2068انشق\u2069 → GROUP \u2068قوات] النظام\u2069" in text


def test_a_limit_says_how_many_more_there_are():
    found = report()
    assert len(found.errors) == 5
    assert shown(render.errors(found, limit=1), 100).rstrip().endswith("… and 4 more")
    assert "more" not in shown(render.errors(found, limit=5), 100)


def test_a_terminal_gets_colour():
    assert "\x1b[" in shown(render.errors(report()), 100, terminal=True)
