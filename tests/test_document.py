"""The data model: checked on creation, compared by value, written and read without loss, and its views."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arabie
from arabie.document import Document, Relation, Span
from arabie.errors import DocumentError, FileError
from arabie.formats.losses import Losses
from arabie.schema import default_schema

SCHEMA = default_schema()
TEXT = "انشق 7 عناصر من قسد خوفاً من زجهم في البادية"


def at(surface, label, text=TEXT, **fields):
    start = text.index(surface)
    return Span(start, start + len(surface), label, **fields)


FLED, COUNT, GROUP = at("انشق", "DEFECTION"), at("7 عناصر", "COUNT"), at("قسد", "GROUP")
FEAR, PLACE = at("خوفاً من زجهم في البادية", "FEAR_OF_FRONT"), at("البادية", "LOC")
SENT = at("زجهم", "DEPLOYMENT", status="POSSIBLE")
SPANS = (FEAR, FLED, GROUP, COUNT, PLACE, SENT)
RELATIONS = (Relation("CAUSES", FEAR, FLED), Relation("FROM", FLED, GROUP), Relation("COUNT", FLED, COUNT),
             Relation("TO", SENT, PLACE))


@st.composite
def documents(draw):
    text = draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
    spans = {}
    for number in range(draw(st.integers(0, 8)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        label = draw(st.sampled_from(["DEFECTION", "RAID", "FEAR_OF_FRONT", "OTHER", "LOC", "GROUP", "ليس في المخطط"]))
        status = draw(st.sampled_from(SCHEMA.statuses)) if SCHEMA.default_status(label) else None
        fragments = ((start, start + 1), (start + 1, end)) if end - start > 1 and draw(st.booleans()) else ()
        score = draw(st.none() | st.integers(0, 10_000).map(lambda n: n / 10_000))
        span = Span(start, end, label, status, score, fragments,
                    draw(st.sampled_from([None, f"s{number}", f"T{number}"])))
        spans.setdefault(span, span)
    ends = st.sampled_from(list(spans.values())) if spans else st.nothing()
    types = st.sampled_from(["CAUSES", "FROM", "TO", "ALIAS"])
    relation = st.builds(Relation, types, ends, ends, st.none() | st.just(0.5))
    related = draw(st.lists(relation, max_size=8 if spans else 0, unique=True))
    values = st.none() | st.integers() | st.lists(st.text(max_size=3))
    meta = draw(st.dictionaries(st.text(max_size=3), values, max_size=2))
    return Document(text, tuple(spans.values()), tuple(related), draw(st.none() | st.text(max_size=3)), meta)


def everything(document):
    """All that a Document holds, with what its comparison leaves out."""
    spans = [(s.start, s.end, s.label, s.status, s.score, s.fragments, s.text) for s in document.spans]
    place = {span: number for number, span in enumerate(document.spans)}
    relations = [(r.type, place[r.head], place[r.tail], r.score) for r in document.relations]
    return document.text, spans, relations, document.id, document.meta


def plain(document):
    """The native form, field by field."""
    ids, given = [], {span.id for span in document.spans} - {None}
    for span in document.spans:
        ids.append(span.id or next(name for name in (f"T{n}" for n in range(1, 99)) if name not in {*given, *ids}))
    spans = []
    for id, span in zip(ids, document.spans):
        spans.append({"id": id, "start": span.start, "end": span.end, "label": span.label})
        if span.status != SCHEMA.default_status(span.label):
            spans[-1]["status"] = span.status
        if span.fragments:
            spans[-1]["fragments"] = [list(part) for part in span.fragments]
        if span.score is not None:
            spans[-1]["score"] = span.score
    relations = []
    for relation in document.relations:
        head, tail = (ids[document.spans.index(end)] for end in (relation.head, relation.tail))
        relations.append({"type": relation.type, "head": head, "tail": tail})
        if relation.score is not None:
            relations[-1]["score"] = relation.score
    return {"id": document.id, "text": document.text, "spans": spans, "relations": relations, "meta": document.meta}


@settings(max_examples=100, deadline=None)
@given(documents())
def test_writing_and_reading_loses_nothing(document):
    line = document.to_json()
    assert document.to_dict() == plain(document)
    assert "\n" not in line and line == json.dumps(plain(document), ensure_ascii=False)
    for again in (Document.from_dict(document.to_dict()), Document.from_dict(json.loads(line))):
        assert again == document and everything(again) == everything(document)
        assert again.to_json() == line, "what was read is written the same"


@settings(max_examples=60, deadline=None)
@given(documents(), st.randoms(use_true_random=False))
def test_order_scores_and_ids_do_not_tell_documents_apart(document, rng):
    spans, relations = list(document.spans), list(document.relations)
    rng.shuffle(spans)
    rng.shuffle(relations)
    bare = [Span(s.start, s.end, s.label, s.status, rng.random(), s.fragments, None) for s in spans]
    other = Document(document.text, tuple(bare),
                     tuple(Relation(r.type, r.head, r.tail, rng.random()) for r in relations), document.id,
                     document.meta)
    assert other == document and hash(other) == hash(document)
    for number in range(len(bare)):
        named = {bare[number]}
        if not any(r.head in named or r.tail in named for r in relations):
            fewer = tuple(bare[:number] + bare[number + 1:])
            assert Document(document.text, fewer, tuple(relations), document.id, document.meta) != document


def slow_views(document):
    """Events, their causes and fronts by looking at every relation and every span for each."""
    events, causes = {"DEFECTION", "RAID"}, {"FEAR_OF_FRONT", "OTHER"}
    front = {c: next((s for s in document.spans if s.label == "LOC" and c.start <= s.start and s.end <= c.end), None)
             if c.label == "FEAR_OF_FRONT" else None for c in document.spans if c.label in causes}
    found = []
    for trigger in document.spans:
        if trigger.label in events:
            roles = {}
            for relation in document.relations:
                if relation.head == trigger:
                    roles[relation.type] = (*roles.get(relation.type, ()), relation.tail)
            reasons = [r.head for r in document.relations if r.tail == trigger and r.head.label in causes]
            why = [(reason, front[reason]) for reason in dict.fromkeys(reasons)]
            found.append((trigger, roles, why))
    return found, list(front.items())


@settings(max_examples=100, deadline=None)
@given(documents())
def test_events_causes_and_fronts_are_views_of_spans_and_relations(document):
    events = [(e.trigger, dict(e.arguments), [(c.span, c.front) for c in e.causes]) for e in document.events]
    assert (events, [(c.span, c.front) for c in document.causes]) == slow_views(document)
    assert [s for s in document.spans if s.label in ("LOC", "GROUP")] == list(document.entities)


def test_an_event_and_its_cause_in_words():
    document = Document(TEXT, SPANS, RELATIONS)
    fled, sent = document.events
    assert (fled.type, fled.status, fled.text, fled.arguments["FROM"][0].text) == ("DEFECTION", "ACTUAL", "انشق", "قسد")
    assert (sent.status, sent.causes, sent.arguments["TO"][0].text) == ("POSSIBLE", (), "البادية")
    (cause,) = fled.causes
    assert (cause.label, cause.front.text, cause.text) == ("FEAR_OF_FRONT", "البادية", "خوفاً من زجهم في البادية")
    assert [(c.front, c.slots) for c in Document(TEXT, (at("خوفاً", "OTHER"),)).causes] == [(None, {})]


def test_spans_come_in_text_order_with_their_text():
    document = Document(TEXT, SPANS, RELATIONS)
    assert [s.text for s in document.spans] == ["انشق", "7 عناصر", "قسد", "خوفاً من زجهم في البادية", "زجهم", "البادية"]
    assert [(r.type, r.head.text, r.tail.text) for r in document.relations] == [
        ("COUNT", "انشق", "7 عناصر"), ("FROM", "انشق", "قسد"), ("CAUSES", "خوفاً من زجهم في البادية", "انشق"),
        ("TO", "زجهم", "البادية")]


def test_a_status_that_is_not_given_is_the_default_one():
    given_status = Span(FLED.start, FLED.end, "DEFECTION", "ACTUAL")
    denied = Span(FLED.start, FLED.end, "DEFECTION", "NEGATED")
    assert Document(TEXT, (FLED,)) == Document(TEXT, (given_status,)) != Document(TEXT, (denied,))
    for span, head in ((FLED, given_status), (FLED, FLED)):
        assert Document(TEXT, (span, GROUP),
                        (Relation("FROM", head, GROUP),)).events[0].arguments["FROM"][0].text == "قسد"
    with pytest.raises(DocumentError, match="DEFECTION at 0–4 is there twice"):
        Document(TEXT, (FLED, given_status))


def test_ids_are_kept_and_given_where_there_are_none():
    document = Document(TEXT, (at("انشق", "DEFECTION", id="T2"), COUNT, at("قسد", "GROUP", id="x")),
                        (Relation("FROM", FLED, GROUP),))
    assert [s["id"] for s in document.to_dict()["spans"]] == ["T2", "T1", "x"]
    assert document.to_dict()["relations"] == [{"type": "FROM", "head": "T2", "tail": "x"}]
    doubled = Document(TEXT, (at("انشق", "DEFECTION", id="x"), at("قسد", "GROUP", id="x")))
    assert Document.from_dict(doubled.to_dict()) == doubled


@pytest.mark.parametrize(("spans", "relations", "told"), [
    ([Span(0, 0, "LOC")], [], "LOC at 0–0 does not lie in the text of 44 characters"),
    ([Span(-1, 2, "LOC")], [], "LOC at -1–2 does not lie"),
    ([Span(40, 45, "LOC")], [], "LOC at 40–45 does not lie"),
    ([Span(3, 2, "LOC")], [], "LOC at 3–2 does not lie"),
    ([Span(0, 9, "LOC", fragments=((0, 4), (8, 99)))], [], "LOC at 8–99 does not lie"),
    ([Span(0, 9, "LOC", fragments=((0, 4), (5, 8)))], [], "fragments of LOC do not reach from 0 to 9"),
    ([Span(0, 9, "LOC", fragments=((0, 6), (5, 9)))], [], "fragments of LOC at 0–9 overlap"),
    ([GROUP, GROUP], [], "GROUP at 16–19 is there twice"),
    ([FLED], [Relation("FROM", FLED, GROUP)],
     "FROM 0–4 → 16–19 points to GROUP 16–19, which is not among the document's spans"),
    ([FLED, GROUP], [Relation("FROM", FLED, GROUP), Relation("FROM", FLED, GROUP, 0.5)],
     "FROM 0–4 → 16–19 is there twice"),
])
def test_what_cannot_be_is_told(spans, relations, told):
    with pytest.raises(DocumentError, match=told) as caught:
        Document(TEXT, spans, relations, id="d7")
    assert "document 'd7': " in str(caught.value)


GOOD = Document(TEXT, SPANS, RELATIONS, "d", {"source": "x"}).to_dict()


def changed(path, value):
    data = copy.deepcopy(GOOD)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data


@pytest.mark.parametrize(("path", "value", "told"), [
    (("text",), None, '"text"'), (("text",), 7, '"text"'),
    (("text",), "نص\ud83d", "half of a surrogate pair.* at character 2"),
    (("id",), 7, '"id" is a string, not 7'), (("id",), ["d"], '"id" is a string'),
    (("id",), "\udc00", "half of a surrogate pair"),
    (("meta",), [1], '"meta" is an object'), (("meta",), "x", '"meta" is an object'),
    (("meta",), {"a": object()}, '"meta" cannot be'),
    (("meta",), {"a": "\ud800"}, '"meta" cannot be'), (("meta",), False, '"meta" is an object'),
    (("spans",), {}, '"spans" is a list'), (("spans",), "T1", '"spans" is a list'),
    (("relations",), 1, '"relations" is a list'),
    (("spans", 1), None, r"spans\[1\]: a span is an object"),
    (("spans", 1), [0, 4, "LOC"], r"spans\[1\]: a span is an object"),
    (("spans", 1, "start"), True, r'spans\[1\]: "start" and "end" are integers'),
    (("spans", 1, "end"), False, "integers"),
    (("spans", 1, "start"), 1.0, "integers"), (("spans", 1, "end"), "4", "integers"),
    (("spans", 1, "start"), None, "integers"),
    (("spans", 1, "end"), 10 ** 30, "does not lie"),
    (("spans", 1, "label"), None, '"label" is a string'), (("spans", 1, "label"), ["LOC"], '"label" is a string'),
    (("spans", 1, "label"), "\ud83d", "surrogate"),
    (("spans", 1, "status"), ["ACTUAL"], r'spans\[1\]: "status" is a string'),
    (("spans", 1, "status"), True, '"status" is a string'), (("spans", 1, "id"), {}, r'spans\[1\]: "id" is a string'),
    (("spans", 1, "id"), 1, '"id" is a string'), (("spans", 1, "id"), "T1", r"spans\[1\]: the id 'T1' is used twice"),
    (("spans", 1, "score"), "0.9", '"score" is a number'), (("spans", 1, "score"), True, '"score" is a number'),
    (("spans", 1, "score"), float("nan"), '"score" is a number'),
    (("spans", 1, "score"), float("inf"), '"score" is a number'),
    (("spans", 1, "score"), 10 ** 400, '"score" is a number'), (("spans", 1, "score"), [], '"score" is a number'),
    (("spans", 1, "fragments"), 3, '"fragments" is a list'),
    (("spans", 1, "fragments"), [1, 2], '"fragments" is a list'),
    (("spans", 1, "fragments"), [[5, 7], [8]], '"fragments" is a list'),
    (("spans", 1, "fragments"), [["5", "7"]], "integers"),
    (("relations", 0), "CAUSES", r"relations\[0\]: a relation is an object"),
    (("relations", 0, "type"), None, '"type" is a string'),
    (("relations", 0, "type"), ["FROM"], '"type" is a string'),
    (("relations", 0, "head"), ["T1"], '"head" is a string'),
    (("relations", 0, "tail"), None, '"tail" is a string'), (("relations", 0, "tail"), {}, '"tail" is a string'),
    (("relations", 0, "head"), "T99", "'T99' is not the id of a span"),
    (("relations", 0, "score"), {}, '"score" is a number'),
])
def test_what_is_wrong_in_a_dictionary_is_named(path, value, told):
    with pytest.raises(DocumentError, match=told):
        Document.from_dict(changed(path, value))


@pytest.mark.parametrize("data", [None, [], "text", 7, {}, {"text": ["x"]}])
def test_what_is_no_document_is_told(data):
    with pytest.raises(DocumentError, match='"text"'):
        Document.from_dict(data)


def places(value, path=()):
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=3),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
                    max_leaves=4)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(set(places(GOOD)) - {()}, key=str)), JSON)
def test_whatever_stands_anywhere_is_read_or_refused(path, value):
    try:
        document = Document.from_dict(changed(path, value))
    except DocumentError:
        return
    assert Document.from_dict(document.to_dict()) == document or path[0] == "meta"


ROW = {"start": 0, "end": 4, "label": "DEFECTION"}


@pytest.mark.parametrize("row", [
    {**ROW, "id": "T1"}, {**ROW, "id": "T1", "score": 0.5}, {**ROW, "id": "T1", "score": 1}, {**ROW, "id": None},
    {**ROW, "id": "T1", "score": None}, {**ROW, "id": "T1", "status": "NEGATED"}, {**ROW, "id": "T1", "x": 1},
    {**ROW, "id": "ج", "label": "حدث"}, {**ROW, "status": "NEGATED"}, {**ROW, "score": 0.5}, ROW,
])
def test_however_a_span_is_read_it_is_one_and_cannot_be_changed(row):
    relation = {"type": "ALIAS", "head": row.get("id"), "tail": row.get("id")}
    document = Document.from_dict({"text": TEXT, "spans": [row], "relations": [relation] if row.get("id") else []})
    (span,) = document.spans
    status = row.get("status") or SCHEMA.default_status(row["label"])
    score = None if row.get("score") is None else float(row["score"])
    expected = Span(0, 4, row["label"], status, score, (), row.get("id"), "انشق")
    assert type(span) is Span and repr(span) == repr(expected) and span == expected and hash(span) == hash(expected)
    assert repr(document.relations) == repr((Relation("ALIAS", expected, expected),) if row.get("id") else ())
    for frozen, name in [(span, "start"), *((found, "type") for found in document.relations)]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(frozen, name, 1)
        assert repr(pickle.loads(pickle.dumps(frozen))) == repr(copy.deepcopy(frozen)) == repr(frozen)


def test_relations_keep_to_the_order_of_their_spans_and_their_ends_are_the_spans():
    spans = Document(TEXT, [Span(n, n + 1, "LOC", id=f"s{n}") for n in range(9)]).spans
    ends = [(8, 0), (0, 8), (0, 1), (1, 0), (1, 1)]
    relations = [Relation(kind, *map(copied, (spans[head], spans[tail]))) for head, tail in ends
                 for kind, copied in (("TO", replace), ("ALIAS", lambda span: span))]
    relations[0] = Relation("TO", spans[8], replace(spans[0]))
    document = Document(TEXT, spans[::-1], relations)
    assert [(r.head.start, r.tail.start, r.type) for r in document.relations] == sorted(
        (head, tail, kind) for head, tail in ends for kind in ("TO", "ALIAS"))
    for relation in document.relations:
        assert all(end is document.spans[end.start] for end in (relation.head, relation.tail))


def test_parts_that_may_be_left_out():
    assert Document.from_dict({"text": TEXT}) == Document(TEXT)
    nothing = {"id": None, "spans": None, "relations": None, "meta": None}
    assert Document.from_dict({"text": TEXT} | nothing) == Document(TEXT)
    span = {"start": 0, "end": 4, "label": "DEFECTION", "id": None, "status": None, "score": None, "fragments": None}
    assert Document.from_dict({"text": TEXT, "spans": [span]}) == Document(TEXT, (FLED,))
    assert Document.from_dict({"text": TEXT, "spans": [span | {"score": 1}]}).spans[0].score == 1.0


@pytest.mark.parametrize("document", [
    Document("a", id=7), Document("a", (Span(0, 1, 7),)), Document("a", (Span(0, 1, "X", id=7),)),
    Document("a", (span := Span(0, 1, "X"),), (Relation(7, span, span),)),
])
def test_a_name_that_is_no_string_is_told_when_it_is_written(document):
    with pytest.raises(DocumentError, match="an id, label or type is no string: .* not int"):
        document.to_json()


@pytest.mark.parametrize("score", [1e-5, 0.30000000000000004, 123456.789, 1e22, 1, True, np.float32(0.25)])
def test_scores_and_offsets_are_written_as_numbers(score):
    document = Document("a", (span := Span(False, True, "X", score=score),), (Relation("R", span, span, score),))
    written = json.dumps(round(float(score), 4))
    assert document.to_json() == (
        '{"id": null, "text": "a", "spans": [{"id": "T1", "start": 0, "end": 1, "label": "X", "score": %s}], '
        '"relations": [{"type": "R", "head": "T1", "tail": "T1", "score": %s}], "meta": {}}' % (written, written))


@pytest.mark.parametrize("score", ["high", "0.5", [], float("nan"), float("-inf"), np.float32("inf"), 10 ** 400])
def test_a_score_that_is_no_finite_number_is_refused(score):
    span = Span(0, 1, "X")
    with pytest.raises(DocumentError, match="document 'd': the score of X at 0–1 is .*; it must be a finite number"):
        Document("a", (replace(span, score=score),), id="d")
    with pytest.raises(DocumentError, match="document: the score of R 0–1 → 0–1 is .*; it must be a finite number"):
        Document("a", (span,), (Relation("R", span, span, score),))


def test_only_the_second_of_two_spans_with_one_id_is_renamed():
    ids = ["T1", "a", "a", "zz", None, "a"]
    document = Document(TEXT, [Span(n, n + 1, "LOC", id=name) for n, name in enumerate(ids)])
    assert [span["id"] for span in document.to_dict()["spans"]] == ["T1", "a", "T2", "zz", "T3", "T4"]
    assert Document.from_dict(document.to_dict()) == document


def test_what_cannot_be_written_leaves_no_file(tmp_path):
    import datetime

    with pytest.raises(DocumentError, match="document 'd': its meta cannot be written as JSON"):
        arabie.write([Document(TEXT), Document(TEXT, id="d", meta={"day": datetime.date(2024, 1, 1)})],
                     tmp_path / "out.jsonl")
    with pytest.raises(FileError, match="out.jsonl: cannot be written as UTF-8: half of a surrogate pair"):
        arabie.write([Document(TEXT), Document("نص \ud83d")], tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_text_is_a_document():
    document = Document("")
    assert (document.entities, document.events, document.causes, document.relations) == ((), (), (), ())
    assert Document.from_dict(document.to_dict()) == document


def test_keys_that_the_format_does_not_have_are_counted(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({**GOOD, "x": 1, "note": 2}) + "\n" + json.dumps({
        **GOOD, "spans": [{**span, "x": 1, "colour": 2} for span in GOOD["spans"]],
        "relations": [{**GOOD["relations"][0], "id": "R1"}, *GOOD["relations"][1:]]}), encoding="utf-8")
    losses = Losses()
    first, second = arabie.read(tmp_path / "a.jsonl", losses=losses)
    assert first == second
    assert losses.counts == {
        '"x" of a document not kept; what is under "meta" is': 1,
        '"note" of a document not kept; what is under "meta" is': 1,
        '"x" in spans not kept': 6, '"colour" in spans not kept': 6, '"id" in relations not kept': 1}
    assert losses.examples['"x" in spans not kept'] == [f"{tmp_path / 'a.jsonl'}:2"]
