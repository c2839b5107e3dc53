"""The view on a terminal: right-to-left text that moves nothing around it, and who, what, where and why as lists."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from arabie.document import Document, Relation, Span
from arabie.schema import Schema
from arabie.terminal import render

TEXT = (Path(__file__).resolve().parents[1] / "examples" / "defections.txt").read_text(encoding="utf-8")
OPENING, CLOSING, CONTROLS = "\u2066\u2067\u2068", "\u2069", re.compile("[\u2066-\u2069]")


def at(surface, label, status=None, place=0, text=TEXT):
    start = [found.start() for found in re.finditer(re.escape(surface), text)][place]
    return Span(start, start + len(surface), label, status)


STRIKE, STRUCK = at("قصف جوي متكرر", "AIRSTRIKES"), at("قصف", "AIRSTRIKE")
HEADLINE, FLED = at("انشقاق", "DEFECTION"), at("انشقّ", "DEFECTION")
FORCE, SAME, SEVENTEEN = at("الدفاع الوطني", "GROUP"), at("الدفاع الوطني", "GROUP", place=1), at("17 عنصراً", "COUNT")
SDF, SHORT = at("قوات سوريا الديمقراطية", "GROUP"), at("قسد", "GROUP")
FEAR, FRONT = at("وخوفهم من زجّهم في معارك البادية", "FEAR_OF_FRONT"), at("البادية", "LOC")
THROWN, ARREST = at("زجّهم", "DEPLOYMENT", "POSSIBLE"), at("اعتقال", "ARREST", "NEGATED")
WAGES, NIGHT = at("عدم صرف رواتبهم", "UNPAID_SALARIES"), at("ليل الإثنين - الثلاثاء", "DATE")
SPANS = (STRIKE, STRUCK, HEADLINE, FLED, FORCE, SAME, SEVENTEEN, SDF, SHORT, FEAR, FRONT, THROWN, ARREST, WAGES, NIGHT)
RELATIONS = (Relation("CAUSES", STRIKE, HEADLINE), Relation("FROM", HEADLINE, FORCE), Relation("FROM", FLED, SAME),
             Relation("TO", FLED, SDF),
             Relation("TO", FLED, SHORT), Relation("COUNT", HEADLINE, SEVENTEEN), Relation("TIME", FLED, NIGHT),
             Relation("CAUSES", FEAR, FLED),
             Relation("ALIAS", SHORT, SDF))
DOCUMENT = Document(TEXT, SPANS, RELATIONS, "defections")


def shown(document, width=100):
    console = Console(width=width, highlight=False, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(render(document))
    return captured.get()


def plain(document, width=100):
    return CONTROLS.sub("", shown(document, width))


def test_the_view_tells_who_what_where_and_why():
    lists = plain(DOCUMENT).split("\nEntities\n")[1]
    assert lists == """\
  GROUP (جماعة): الدفاع الوطني ×2 · قوات سوريا الديمقراطية · قسد
  LOC (مكان): البادية
  DATE (زمن): ليل الإثنين - الثلاثاء
  COUNT (عدد): 17 عنصراً

Events
  AIRSTRIKE (غارة): قصف
  DEFECTION (انشقاق): انشقاق
      COUNT (عدد): 17 عنصراً
      FROM (من): الدفاع الوطني
      why AIRSTRIKES (القصف الجوي): قصف جوي متكرر
  DEFECTION (انشقاق): انشقّ
      FROM (من): الدفاع الوطني
      TIME (متى): ليل الإثنين - الثلاثاء
      TO (إلى): قوات سوريا الديمقراطية · قسد
      why FEAR_OF_FRONT (الخوف من الزج في جبهة): وخوفهم من زجّهم في معارك البادية · front: البادية
  DEPLOYMENT (انتشار), POSSIBLE (محتمل): زجّهم
  ARREST (اعتقال), NEGATED (منفي): اعتقال

Causes of no event found
  UNPAID_SALARIES (انقطاع الرواتب): عدم صرف رواتبهم

Relations
  قسد ALIAS (اسم آخر) → قوات سوريا الديمقراطية
"""


def test_the_text_stands_above_under_its_name():
    view = plain(DOCUMENT)
    assert view.startswith("defections\nالرئيسية » أخبار سوريا\nبعد أيام")
    assert view.split("\nEntities\n")[0].split()[1:] == TEXT.split()
    assert "\n\n\n" not in view


@pytest.mark.parametrize("document", [Document(""), Document("لا شيء هنا"), Document("\n\n")])
def test_nothing_found_is_said(document):
    assert plain(document).endswith("\nnothing found\n") and "Events" not in plain(document)


@pytest.mark.parametrize("width", [24, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_no_isolate_reaches_over_its_end(width):
    for line in shown(DOCUMENT, width).splitlines():
        assert cell_len(line) <= width
        assert sum(line.count(mark) for mark in OPENING) == line.count(CLOSING)
    assert plain(DOCUMENT, width).split() == plain(DOCUMENT, 1000).split(), "all is shown at any width"


PARTS = ["قسد", "انشقّ", "7 عناصر", "ABC", "\u202e", "\u2067", "\u2069", "\x1b[31m", "\r\n", "\n", "\t", "\x07",
         "\u2029", "😀", " ", "، ", "\u200f", "ﷺ"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=25).map("".join), st.integers(20, 90), st.data())
def test_no_text_can_turn_or_move_what_stands_around_it(text, width, data):
    start = data.draw(st.integers(0, len(text) - 1))
    span = Span(start, data.draw(st.integers(start + 1, len(text))),
                data.draw(st.sampled_from(["GROUP", "RAID", "OTHER"])))
    view = shown(Document(text, (span,), id=f"x{text[:5]}"), width)
    assert not any(unicodedata.category(letter) == "Cc" and letter != "\n" for letter in view)
    assert not set(view) & set("\u202a\u202b\u202c\u202d\u202e\u2028\u2029")
    for line in view.splitlines():
        depth = 0
        for letter in line:
            depth += (letter in OPENING) - (letter == CLOSING)
            assert 0 <= depth <= 1
        assert depth == 0


def styled(document, wanted):
    """The stretches of the text that have a style."""
    console = Console(width=100, highlight=False, color_system="truecolor", force_terminal=True)
    paragraphs = [segment for segment in console.render(render(document)) if segment.style and segment.text.strip()]
    return [segment.text for segment in paragraphs if wanted(segment.style)]


@pytest.mark.parametrize("text", [
    "قال\r\nانشقّ ضابط", "قال\tانشقّ ضابط", "\u202eقال\u202c انشقّ ضابط", "قال \x1b[31m انشقّ ضابط"])
def test_spans_are_coloured_where_they_stand(text):
    document = Document(text, (at("انشقّ", "DEFECTION", text=text), at("ضابط", "ROLE", text=text)))
    assert styled(document, lambda style: style.reverse)[0] == "انشقّ"
    assert "ضابط" in styled(document, lambda style: style.color is not None and not style.bold)


def test_colours_are_left_out_where_they_are_not_wanted(monkeypatch):
    def codes(**options):
        console = Console(width=100, highlight=False, force_terminal=True, color_system="standard", **options)
        with console.capture() as captured:
            console.print(render(DOCUMENT))
        return re.findall(r"\x1b\[[0-9;]*m", captured.get())

    assert any(re.search(r"[\[;]3[0-9]", code) for code in codes())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not any(re.search(r"[\[;][39][0-9]", code) for code in codes())


def test_a_schema_of_other_layers_is_shown_too():
    schema = Schema.from_dict({
        "layers": [{"name": "people", "labels": ["JUDGE"]}, {"name": "rulings", "labels": ["SENTENCE"]}],
        "relations": [{"name": "GIVES", "joins": [["JUDGE", "SENTENCE"]]}]})
    judge, sentence, other = Span(0, 6, "JUDGE"), Span(7, 10, "SENTENCE"), Span(11, 15, "OTHER")
    relations = (Relation("GIVES", judge, sentence),)
    view = plain(Document("القاضي حكم خالد", (judge, sentence, other), relations, schema=schema))
    assert view.split("\n", 2)[2] == """\
People
  JUDGE: القاضي

Rulings
  SENTENCE: حكم

Labels that the schema does not have
  OTHER: خالد

Relations
  القاضي GIVES → حكم
"""
