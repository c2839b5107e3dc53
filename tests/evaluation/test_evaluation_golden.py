"""A small case with every figure worked out by hand, and the errors of bad input."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import pytest

from arabie.document import Document, Relation, Span
from arabie.errors import DocumentError
from arabie.evaluation import evaluate
from arabie.evaluation.scores import Score
from arabie.schema import Schema, default_schema

SCHEMA = default_schema()
FIRST = "أعلنت شبكة الخابور انشقاق ضابط من الفرقة الرابعة في الرقة خوفاً من الاعتقال."
ALWAYS = ("entities_f1", "entities_relaxed_f1", "events_f1", "events_relaxed_f1", "causes_f1", "causes_relaxed_f1",
          "relations_f1", "relations_relaxed_f1")
SECOND = "قصف على الرقة ومقتل عنصرين ومداهمة منازل في دير الزور"


def at(text: str, words: str, label: str, status: str | None = None, score: float | None = None) -> Span:
    start = text.index(words)
    return Span(start, start + len(words), label, status, score)


def first() -> tuple[Document, Document]:
    """ORG and ROLE right, GROUP cut short, LOC taken for FAC; event right but its status; cause too short."""
    org, role = at(FIRST, "شبكة الخابور", "ORG", score=0.95), at(FIRST, "ضابط", "ROLE", score=0.85)
    event, loc = at(FIRST, "انشقاق", "DEFECTION"), at(FIRST, "الرقة", "LOC")
    group, cause = at(FIRST, "الفرقة الرابعة", "GROUP"), at(FIRST, "خوفاً من الاعتقال", "COERCION")
    gold = Document(FIRST, (org, role, event, loc, group, cause), (
        Relation("AGENT", event, role), Relation("FROM", event, group), Relation("PLACE", event, loc),
        Relation("SOURCE", event, org), Relation("CAUSES", cause, event)), "d1")
    guess = at(FIRST, "انشقاق", "DEFECTION", "POSSIBLE", 0.9)
    short, wrong = at(FIRST, "الفرقة", "GROUP", score=0.45), at(FIRST, "الرقة", "FAC", score=0.4)
    clause = at(FIRST, "خوفاً", "COERCION")
    predicted = Document(FIRST, (org, role, guess, short, wrong, clause), (
        Relation("TARGET", guess, role),   # another type
        Relation("FROM", guess, short),    # right but for a boundary
        Relation("SOURCE", org, guess),    # head and tail changed places
        Relation("CAUSES", clause, guess),  # right but for a boundary
    ), "d1")
    return gold, predicted


def second() -> tuple[Document, Document]:
    """A LOC right, a LOC missed, a COUNT spurious; of three events one right, one missed, one of another type."""
    here, there = at(SECOND, "الرقة", "LOC"), at(SECOND, "دير الزور", "LOC", score=1.0)
    strike, death, raid = at(SECOND, "قصف", "AIRSTRIKE"), at(SECOND, "ومقتل", "CASUALTY"), at(SECOND, "ومداهمة", "RAID")
    gold = Document(SECOND, (here, there, strike, death, raid),
                    (Relation("PLACE", raid, there), Relation("PLACE", strike, here)), "d2")
    count, arrest = at(SECOND, "منازل", "COUNT", score=0.05), at(SECOND, "ومداهمة", "ARREST", score=0.55)
    predicted = Document(SECOND, (there, count, strike, arrest), (Relation("PLACE", strike, there),), "d2")
    return gold, predicted


@pytest.fixture(scope="module")
def report():
    gold, predicted = zip(first(), second())
    given = [Document(d.text, d.spans, d.relations[:1], d.id) for d in gold]
    return evaluate(gold, predicted, SCHEMA, given)


def test_strict_scores(report):
    entities = report.layers["entities"].strict
    # gold: ORG ROLE LOC GROUP | LOC LOC; predicted: ORG ROLE FAC GROUP | LOC COUNT; right: ORG ROLE | LOC
    assert entities.micro == Score(precision=0.5, recall=0.5, f1=0.5, support=6)
    assert entities.labels["LOC"] == Score(precision=1, recall=pytest.approx(1 / 3), f1=0.5, support=3)
    # macro over ORG 1, ROLE 1, LOC 0.5, and GROUP, FAC and COUNT 0
    assert entities.macro.f1 == pytest.approx(2.5 / 6)
    assert list(entities.labels) == ["GROUP", "ORG", "LOC", "FAC", "ROLE", "COUNT"]
    events = report.layers["events"].strict.micro  # gold 4, predicted 3, right 2
    assert (events.precision, events.recall, events.f1) == (pytest.approx(2 / 3), 0.5, pytest.approx(4 / 7))
    assert report.layers["causes"].strict.micro.f1 == 0


def test_relaxed_scores(report):
    entities = report.layers["entities"].relaxed.micro  # the GROUP cut short now counts: 4 of 6 and 6
    assert entities.f1 == pytest.approx(4 / 6)
    assert report.layers["causes"].relaxed.micro.f1 == 1


def test_relation_scores(report):
    found = report.relations
    # gold 5 + 2, predicted 4 + 1; strictly none is right; relaxed FROM and CAUSES are
    assert found.strict.micro.f1 == 0 and found.strict.micro.support == 7
    assert found.relaxed.micro.precision == pytest.approx(2 / 5) and found.relaxed.micro.recall == pytest.approx(2 / 7)
    assert found.relaxed.labels["FROM"].f1 == 1 and found.relaxed.labels["PLACE"].f1 == 0
    # with gold spans given: one right relation a document
    assert found.given.micro.precision == 1 and found.given.micro.recall == pytest.approx(2 / 7)


def test_status(report):
    # found strictly: DEFECTION (ACTUAL taken for POSSIBLE) and AIRSTRIKE (right)
    assert report.status.found == 2 and report.status.accuracy == 0.5
    assert report.status.confusion["ACTUAL"] == {"ACTUAL": 1, "NEGATED": 0, "POSSIBLE": 1}
    assert report.status.scores.labels["ACTUAL"].recall == 0.5 and report.status.scores.labels["ACTUAL"].precision == 1


def test_calibration(report):
    # scores: right 0.95 0.85 0.9 1.0; wrong 0.45 0.4 0.05 0.55; the cause and AIRSTRIKE have none
    found = report.calibration
    assert (found.scored, found.unscored) == (8, 2)
    squares = [0.05**2, 0.15**2, 0.1**2, 0, 0.45**2, 0.4**2, 0.05**2, 0.55**2]
    assert found.brier == pytest.approx(sum(squares) / 8)
    # width 1/15: 0.95 and 1.0 share the last bin, 0.85 and 0.9 have their own, 0.45 (6/15..7/15) 0.4 (5/15..6/15) too
    assert found.error == pytest.approx((2 * 0.025 + 0.15 + 0.1 + 0.45 + 0.4 + 0.05 + 0.55) / 8)
    assert [part.count for part in found.bins] == [1, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1, 2]


def test_errors(report):
    told = [(e.document, e.layer, e.kind, getattr(e.gold, "text", None), getattr(e.predicted, "text", None))
            for e in report.errors if e.layer is not None]
    assert told == [
        ("d1", "entities", "boundary", "الفرقة الرابعة", "الفرقة"),
        ("d1", "entities", "type", "الرقة", "الرقة"),
        ("d1", "causes", "boundary", "خوفاً من الاعتقال", "خوفاً"),
        ("d2", "entities", "missed", "الرقة", None),
        ("d2", "entities", "spurious", None, "منازل"),
        ("d2", "events", "missed", "ومقتل", None),
        ("d2", "events", "type", "ومداهمة", "ومداهمة"),
    ]
    relations = [(e.document, e.kind, getattr(e.gold, "type", None), getattr(e.predicted, "type", None))
                 for e in report.errors if e.layer is None]
    assert sorted(relations, key=str) == sorted([
        ("d1", "type", "AGENT", "TARGET"), ("d1", "boundary", "FROM", "FROM"), ("d1", "missed", "PLACE", None),
        ("d1", "direction", "SOURCE", "SOURCE"), ("d1", "boundary", "CAUSES", "CAUSES"),
        ("d2", "missed", "PLACE", None), ("d2", "missed", "PLACE", None), ("d2", "spurious", None, "PLACE"),
    ], key=str)
    assert report.error_counts()["entities"] == {"boundary": 1, "type": 1, "missed": 1, "spurious": 1}


def test_an_error_comes_with_its_context(report):
    error = report.errors[0].to_dict()
    assert error["gold"] == {"label": "GROUP", "start": 34, "end": 48, "text": "الفرقة الرابعة", "score": None}
    assert error["context"] == FIRST  # short enough to be shown whole


def test_the_context_of_a_long_text_is_cut_at_words_and_keeps_the_spans():
    text = "\n".join(["كلمة طويلة"] * 30 + ["انشقاق"] + ["كلمة أخرى"] * 60 + ["ضابط"] + ["كلمة ثالثة"] * 30)
    trigger, role = at(text, "انشقاق", "DEFECTION"), at(text, "ضابط", "ROLE")
    gold = Document(text, (trigger, role), (Relation("AGENT", trigger, role),))
    missed = evaluate([gold], [Document(text)], SCHEMA).errors[-1]
    # 40 characters a side: four times «كلمة أخرى» with its line end, or three of the longer ones and part of a fourth
    assert missed.context == ("… طويلة" + " كلمة طويلة" * 3 + " انشقاق" + " كلمة أخرى" * 4 + " …" + " كلمة أخرى" * 4
                              + " ضابط" + " كلمة ثالثة" * 3 + " كلمة …")


def test_summary_and_dictionary(report):
    summary = report.summary()
    assert list(summary) == [*ALWAYS, "relations_given_f1", "status_accuracy", "calibration_error", "brier"]
    assert all(type(value) is float for value in summary.values())
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert list(data) == ["documents", "summary", "layers", "relations", "status", "calibration", "errors", "left_out",
                          "notes"]
    assert data["documents"] == 2 and data["layers"]["entities"]["strict"]["labels"]["LOC"]["support"] == 3
    missed = [error["gold"] for error in data["errors"] if error["document"] == "d2" and error["kind"] == "missed"]
    assert [gold["head"]["label"] for gold in missed if "head" in gold] == ["AIRSTRIKE", "RAID"]


def test_spans_that_tags_cannot_hold_count_like_others():
    text = "انشق ضابط من الفرقة الرابعة"
    odd = (Span(13, 19, "GROUP"), Span(5, 8, "ROLE"), Span(0, 9, "PERSON", fragments=((0, 4), (6, 9))))
    whole = (Span(0, 4, "DEFECTION"), Span(5, 9, "ROLE"), Span(13, 27, "GROUP"))
    gold = Document(text, (*whole, *odd))
    report = evaluate([gold], [gold], SCHEMA)
    assert report.layers["entities"].strict.micro == Score(1, 1, 1, 5) and not report.errors and not report.left_out
    clitic = Document(text, (Span(0, 4, "DEFECTION"), Span(5, 9, "ROLE"), Span(14, 27, "GROUP")))
    strict = evaluate([Document(text, whole)], [clitic], SCHEMA).layers["entities"].strict
    assert strict.micro == Score(0.5, 0.5, 0.5, 2) and strict.labels["GROUP"] == Score(0, 0, 0, 1)


def test_labels_and_types_outside_the_schema_are_counted_and_told():
    small = Schema.from_dict({"layers": [{"name": "things", "labels": ["ROLE"]}],
                              "relations": [{"name": "AGENT", "joins": [["ROLE", "ROLE"]]}]})
    gold, predicted = first()
    report = evaluate([gold], [predicted], small)
    assert report.left_out.counts == {
        "gold span with a label the schema does not have": 5,
        "gold relation of a type the schema does not have": 4,
        "predicted span with a label the schema does not have": 5,
        "predicted relation of a type the schema does not have": 4}
    assert report.layers["things"].strict.micro.f1 == 1 and report.relations.strict.micro.support == 1


def test_nothing_against_nothing_is_zero_and_what_was_not_measured_is_absent():
    for documents in ([], [Document("نص بلا شيء")], [Document("")]):
        report = evaluate(documents, documents, SCHEMA)
        assert report.documents == len(documents)
        assert report.summary() == dict.fromkeys(ALWAYS, 0.0)
        assert report.calibration is None and report.relations.given is None and report.status.accuracy is None
        assert report.notes()[0] == "Nothing was left out of the scores." and len(report.notes()) == 4
        json.dumps(report.to_dict(), allow_nan=False)


def test_a_schema_without_relations_or_statuses():
    small = Schema.from_dict({"layers": [{"name": "things", "labels": ["-ROLE-", "micro avg"]}]})
    document = Document("ضابط وجندي", (Span(0, 4, "-ROLE-"), Span(5, 10, "micro avg")), schema=small)
    report = evaluate([document], [Document(document.text, document.spans[1:], schema=small)], small)
    assert report.relations is None and report.status is None and set(report.to_dict()) > {"relations", "status"}
    strict = report.layers["things"].strict
    assert {label: score.f1 for label, score in strict.labels.items()} == {"-ROLE-": 0, "micro avg": 1}
    assert strict.micro.recall == 0.5


def test_seqeval_warns_neither_here_nor_less_elsewhere():
    gold, predicted = first()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate([gold], [Document(gold.text, id="d1")], SCHEMA)
        evaluate([Document(predicted.text, id="d1")], [predicted], SCHEMA)
        with pytest.raises(UserWarning):
            warnings.warn("still heard", UserWarning, stacklevel=1)


@pytest.mark.parametrize("predicted, given, message", [
    ([], None, r"document 'd1' \(number 1\) is missing from the predictions"),
    ([Document("x"), Document("y", id="d9")], None, r"document 'd9' \(number 2\) is missing from the gold"),
    ([Document(FIRST[:-1] + "!")], None,
     rf"document 'd1' \(number 1\): its text in the predictions differs .* from character {len(FIRST) - 1} on"),
    ([Document(FIRST)], [Document(FIRST + " ")],
     rf"the predictions with gold spans given differs .* from character {len(FIRST)} on"),
    ([Document(FIRST, (at(FIRST, "ضابط", "ROLE", score=1.2),))], None, "document 'd1': the score of ROLE 26–30 is 1.2"),
])
def test_documents_that_do_not_pair_up(predicted, given, message):
    gold = [Document("x" if len(predicted) == 2 else FIRST, id="d1")]
    with pytest.raises(DocumentError, match=message):
        evaluate(gold, predicted, SCHEMA, given)


def test_importing_loads_nothing_heavy():
    code = ("import sys, arabie.evaluation, arabie.evaluation.render; "
            "print([name for name in ('torch', 'transformers', 'sklearn', 'scipy', 'seqeval') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
