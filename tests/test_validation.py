from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from arabie.encoding import Encoder, WindowSettings, windows
from arabie.errors import FileError
from arabie.formats import read
from arabie.model_folder import DEFAULT_MODEL, FolderTokenizer
from arabie.schema import Layer, Schema
from arabie.validation import REACH, validate

ROOT = Path(__file__).resolve().parents[1]
TEXT = "هرب 3 جنود من قسد\nثم اشتبكت قسد"


def line(*spans, relations=(), id="d", text=TEXT):
    spans = [{"id": f"T{n}", "start": text.index(surface), "end": text.index(surface) + len(surface), "label": label}
             for n, (label, surface) in enumerate(spans, 1)]
    relations = [dict(zip(("head", "type", "tail"), relation)) for relation in relations]
    return json.dumps({"id": id, "text": text, "spans": spans, "relations": relations}, ensure_ascii=False)


def jsonl(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_good_files_have_counts_and_no_problems(tmp_path):
    related = line(("DEFECTION", "هرب"), ("COUNT", "3 جنود"), relations=[("T1", "COUNT", "T2")])
    path = jsonl(tmp_path / "a.jsonl", related, "", line(id="e"))
    (tmp_path / "b.src").write_text(f"=== f\n{TEXT}\n--- spans\nT1 DEFECTION هرب\n", encoding="utf-8")
    report = validate(path, tmp_path / "b.src")
    assert (report.problems, report.warnings) == ([], [])
    assert (report.counts.documents, report.counts.words) == (3, 24)
    assert report.counts.spans == {"DEFECTION": 2, "COUNT": 1} and report.counts.relations == {"COUNT": 1}


@pytest.mark.parametrize(("broken", "told"), [
    ("{", "not JSON"),
    ('{"id": "d"}', '"text"'),
    (line(("GROUP", "قسد"), id=7), '"id" is a string'),
    (line(("GRUOP", "قسد")), "did you mean 'GROUP'?"),
    (line(("COUNT", "3 جنود"), ("ROLE", "جنود")), "overlaps"),
    (line(("DEFECTION", "هرب"), ("COUNT", "3 جنود"), relations=[("T1", "FROM", "T2")]), "FROM does not join"),
    (line(("DEFECTION", "هرب"), relations=[("T1", "FROM", "T2")]), "'T2' is not the id of a span"),
    (line(("ROLE", "جنو")), "ROLE «جنو» at 6–9 begins or ends inside a word"),
    (line(("ROLE", "جنود ")), "punctuation or space"),
    (line(("OTHER", "من قسد\nثم")), "line break"),
    (line(("ATTACK", "ثم اشتبكت")), "more than one word"),
])
def test_what_breaks_a_rule_in_jsonl_is_told_with_its_line(tmp_path, broken, told):
    report = validate(jsonl(tmp_path / "a.jsonl", line(id="good"), broken, line(id="after")))
    (problem,) = report.problems
    assert str(problem).startswith(f"{tmp_path / 'a.jsonl'}:2: ") and told in problem.message
    assert report.counts.documents == 2


def test_every_problem_of_a_document_and_of_a_file_is_told(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", line(("ROLE", "جنو"), ("ATTACK", "ثم اشتبكت")), "[]", line(("X", "قسد"), id="e"))
    found = [(problem.line, problem.document) for problem in validate(path).problems]
    assert found == [(1, "d"), (1, "d"), (2, None), (3, "e")]


def test_sources_are_told_with_the_line_of_the_annotation(tmp_path):
    path = tmp_path / "a.src"
    path.write_text("=== d\nقسد\n--- spans\nT1 GRUOP قسد\n=== e\nقسد\n--- spans\nT1 ATTACK داعش\n", encoding="utf-8")
    assert [(problem.line, problem.document) for problem in validate(path).problems] == [(4, "d"), (8, "e")]


def test_an_id_used_twice_is_told_across_files(tmp_path):
    first = jsonl(tmp_path / "a.jsonl", line(), line(id="e"), line(id=None), line(id=None))
    (tmp_path / "b.src").write_text("=== f\n\n=== e\n", encoding="utf-8")
    (problem,) = validate(first, tmp_path / "b.src").problems
    assert str(problem).startswith(f"{tmp_path / 'b.src'}:3: document 'e': {first}:2 has the same id")
    (problem,) = validate(jsonl(tmp_path / "c.jsonl", line(), line())).problems
    assert problem.line == 2


@pytest.mark.parametrize(("between", "warned"), [(REACH, False), (REACH + 1, True)])
def test_a_relation_that_reaches_too_far_is_a_warning(tmp_path, between, warned):
    text = " ".join(["هرب", *["كلمة"] * between, "قسد"])
    path = tmp_path / "a.src"
    annotations = "--- spans\nT1 DEFECTION هرب\nT2 GROUP قسد\n--- relations\nT1 FROM T2\n"
    path.write_text(f"=== d\n{text}\n{annotations}", encoding="utf-8")
    related = line(("DEFECTION", "هرب"), ("GROUP", "قسد"), relations=[("T1", "FROM", "T2")], id="e", text=text)
    report = validate(path, jsonl(tmp_path / "b.jsonl", related))
    assert report.problems == [] and report.counts.documents == 2
    assert [warning.line for warning in report.warnings] == ([7, 1] if warned else [])


def test_the_reach_is_the_words_that_a_window_of_the_default_model_holds():
    encoded = of_test_split()
    held = [encoded.units.is_word[window.start:window.end].sum() for window in windows(encoded, WindowSettings())]
    assert np.median(held) == pytest.approx(REACH, rel=0.05)


@pytest.mark.parametrize(("apart", "least", "most"), [(40, 0.95, 1), (100, 0.4, 0.6), (REACH + 5, 0, 0.05)])
def test_how_often_two_words_are_looked_at_together(apart, least, most):
    """The figures of README and docs/architecture.md, by the words of a long text."""
    encoded = of_test_split()
    places, owned = np.flatnonzero(encoded.units.is_word).tolist(), windows(encoded, WindowSettings())
    pairs = list(zip(places, places[apart:]))
    owners = [next(w for w in owned if w.own_start <= (first + last) // 2 < w.own_end) for first, last in pairs]
    together = [window.start <= first and last < window.end for window, (first, last) in zip(owners, pairs)]
    assert least <= sum(together) / len(together) <= most


def of_test_split():
    text = "\n".join(document.text for document in read(ROOT / "training/corpus/test.jsonl"))
    return Encoder(FolderTokenizer.load(DEFAULT_MODEL)).encode(text)


def test_the_example_of_the_guidelines_can_be_copied(tmp_path):
    page = (ROOT / "docs/annotation.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^    === .*?(?=^\S)", page, re.DOTALL | re.MULTILINE)
    path = tmp_path / "example.src"
    path.write_text(dedent(example), encoding="utf-8")
    report = validate(path)
    assert (report.problems, report.warnings, report.counts.documents) == ([], [], 1)
    (document,) = read(path, "source")
    first, second = [span for span in document.spans if span.text == "قسد"]
    assert document.text.index("قسد") == first.start < second.start
    assert [event.status for event in document.events] == ["ACTUAL", "POSSIBLE"]


def test_another_schema_brings_its_own_rules(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", line(("ACT", "ثم اشتبكت")))
    assert validate(path, schema=Schema("s", (Layer("acts", ("ACT",)),))).problems == []
    assert len(validate(path, schema=Schema("s", (Layer("acts", ("ACT",), one_word=True),))).problems) == 1


@pytest.mark.parametrize("name", ["none.jsonl", "none.src", "a.txt", "a"])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, name):
    with pytest.raises(FileError, match=name):
        validate(tmp_path / name)
