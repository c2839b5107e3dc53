from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from arabie.document import Document, Relation, Span
from arabie.errors import FileError
from arabie.formats import read, write
from arabie.formats.losses import Losses

from comparing import changes, explained
from made_documents import documents, marks

DATA = Path(__file__).parent / "data" / "prodigy"
EFFECTS = {
    "parts of a discontinuous span": "fragments spans statuses relations",
    "span given twice": "",
    "relation of a token that several spans end with": "relations statuses",
    "relation given twice": "",
}


def written(document: Document, losses: Losses | None = None) -> tuple[Document, dict]:
    """The document after a round trip, and the task on the way."""
    losses = Losses() if losses is None else losses
    with TemporaryDirectory() as folder:
        path = Path(folder) / "out.jsonl"
        write([document], path, "prodigy", losses=losses)
        [back] = read(path, "prodigy", losses=losses)
        return back, json.loads(path.read_text(encoding="utf-8").removesuffix("\n"))


def test_golden_tasks():
    losses = Losses()
    document, other = read(DATA / "tasks.jsonl", "prodigy", losses=losses)
    assert [(span.label, span.text) for span in document.spans] == [
        ("DEFECTION", "انشق"), ("ROLE", "ملازم أول"), ("GROUP", "قسد"), ("LOC", "قرب حلب"), ("LOC", "حلب")]
    assert [(r.type, r.head.text, r.tail.text) for r in document.relations] == [
        ("AGENT", "انشق", "ملازم أول"), ("FROM", "انشق", "قسد"), ("PLACE", "انشق", "حلب")]
    assert document.meta == {"source": "س", "prodigy": {"_input_hash": 11, "_task_hash": -12, "_view_id": "relations",
                                                        "_timestamp": 1700000000}}
    assert [(span.text, span.score) for span in other.spans] == [("قصف", 0.5)]
    assert losses.counts == {'task answered "reject"': 1, 'task answered "ignore"': 1, "span without a label": 1,
                             "relation of a token that no span ends with": 1, '"pattern" of a record not kept': 1}


def test_golden_tasks_are_written_with_their_tokens_and_keys():
    document, _ = read(DATA / "tasks.jsonl", "prodigy")
    golden = json.loads((DATA / "tasks.jsonl").read_text(encoding="utf-8").splitlines()[0])
    task = written(document)[1]
    assert task["tokens"] == golden["tokens"]
    for key in ("text", "meta", "_input_hash", "_task_hash"):
        assert task[key] == golden[key]
    assert [(r["label"], r["head"], r["child"]) for r in task["relations"]] == [
        ("AGENT", 0, 2), ("FROM", 0, 4), ("PLACE", 0, 8)]
    assert [(s["token_start"], s["token_end"]) for s in task["spans"]] == [(0, 0), (1, 2), (4, 4), (7, 8), (8, 8)]
    assert "answer" not in task


@settings(max_examples=50, deadline=None)
@given(document=documents())
def test_a_round_trip_changes_nothing_but_what_it_reports(document):
    losses = Losses()
    back, task = written(document, losses)
    assert changes(document, back) <= explained(losses.counts, EFFECTS)
    if not losses:
        assert back == document and marks(back) == marks(document)
    tokens = task["tokens"]
    assert "".join(token["text"] + " " * token["ws"] for token in tokens) == document.text
    assert all(document.text[token["start"]:token["end"]] == token["text"] for token in tokens)
    for span in task["spans"]:
        assert tokens[span["token_start"]]["start"] == span["start"] and tokens[span["token_end"]]["end"] == span["end"]
    for relation in task["relations"]:
        assert relation["head"] == relation["head_span"]["token_end"]
        assert relation["child"] == relation["child_span"]["token_end"]


def test_a_status_is_a_key_of_its_own_and_survives_a_relation_drawn_without_it(tmp_path):
    document = Document("لم ينشق ضابط", (Span(3, 7, "DEFECTION", "NEGATED", id="T4"), Span(8, 12, "ROLE")))
    back, task = written(document)
    assert [span.get("status") for span in task["spans"]] == ["NEGATED", None] and back.spans[0].id == "T4"
    task["relations"] = [{"label": "AGENT", "head": 1, "child": 2,
                          "head_span": {"start": 3, "end": 7, "label": "DEFECTION"},
                          "child_span": {"start": 8, "end": 12, "label": "ROLE"}}]
    (tmp_path / "d.jsonl").write_text(json.dumps(task), encoding="utf-8")
    [drawn] = read(tmp_path / "d.jsonl", "prodigy")
    assert [(r.type, r.head.status) for r in drawn.relations] == [("AGENT", "NEGATED")]


def test_a_token_that_several_spans_end_with_is_given_to_what_the_schema_allows(tmp_path):
    spans = Span(0, 4, "DEFECTION"), Span(5, 8, "DATE"), Span(5, 8, "GROUP")
    _, task = written(Document("انشق قسد", spans, (Relation("FROM", spans[0], spans[2]),)))
    for end in ("head_span", "child_span"):
        del task["relations"][0][end]
    (tmp_path / "d.jsonl").write_text(json.dumps(task), encoding="utf-8")
    losses = Losses()
    [document] = read(tmp_path / "d.jsonl", "prodigy", losses=losses)
    assert document.relations[0].tail.label == "GROUP"
    assert losses.counts == {"relation of a token that several spans end with, given to the first the schema allows": 1}


def test_a_key_of_the_meta_that_gives_way_is_counted(tmp_path):
    (tmp_path / "d.jsonl").write_text('{"text": "حلب", "meta": {"prodigy": 1}, "_task_hash": 3}', encoding="utf-8")
    losses = Losses()
    [document] = read(tmp_path / "d.jsonl", "prodigy", losses=losses)
    assert document.meta == {"prodigy": {"_task_hash": 3}}
    assert losses.counts == {"key of the meta data that is there twice, the last value kept": 1}


TEXT = '"text": "قصف حلب", '
TOKENS = '"tokens": [{"text": "قصف", "start": 0, "end": 3, "id": 0}, {"text": "حلب", "start": 4, "end": 7, "id": 1}], '
MALFORMED = {
    "not JSON": ('{"text": "قصف حلب"}\n{"text" "حلب"}', "d.jsonl:2: not JSON: "),
    "no text": ('{"html": "<b>حلب</b>"}', 'd.jsonl:1: "text" is null; only tasks with a text'),
    "unknown answer": (
        "{" + TEXT + '"answer": "yes"}',
        'd.jsonl:1: the answer "yes" is none of Prodigy\'s; write accept, reject, ignore'),
    "spans no list": ("{" + TEXT + '"spans": {}}', 'd.jsonl:1: "spans" is {}; it must be a list'),
    "span without offsets": (
        "{" + TEXT + '"spans": [{"start": 0, "label": "LOC"}]}',
        'd.jsonl:1: the span .* needs "start" and "end"'),
    "span outside": (
        "{" + TEXT + '"spans": [{"start": 0, "end": 8, "label": "LOC"}]}',
        "d.jsonl:1: the span .* does not lie in the text of 7 characters"),
    "span with other text": (
        "{" + TEXT + '"spans": [{"start": 4, "end": 7, "text": "حمص", "label": "LOC"}]}',
        "d.jsonl:1: the span .* says it is 'حمص', but the text at 4–7 is 'حلب'"),
    "token with other text": (
        "{" + TEXT + '"tokens": [{"start": 4, "end": 7, "text": "حمص"}]}',
        "d.jsonl:1: the token .* says it is 'حمص'"),
    "token_end exclusive": (
        "{" + TEXT + TOKENS + '"spans": [{"start": 0, "end": 3, "token_start": 0, "token_end": 1, "label": "LOC"}]}',
        "d.jsonl:1: .* does not end where its token_end does; token_end is the last token itself"),
    "token_start wrong": (
        "{" + TEXT + TOKENS + '"spans": [{"start": 4, "end": 7, "token_start": 0, "label": "LOC"}]}',
        "d.jsonl:1: .* does not start where its token_start does"),
    "no such token": (
        "{" + TEXT + TOKENS + '"spans": [{"start": 4, "end": 7, "token_end": 2, "label": "LOC"}]}',
        "d.jsonl:1: token_end is 2, but the task has 2 tokens"),
    "relation without tokens": (
        "{" + TEXT + '"relations": [{"head": 0, "child": 1, "label": "TO"}]}',
        "d.jsonl:1: head of a relation is 0, but the task has 0 tokens; .*db-out exports tokens"),
    "head and head_span at odds": (
        "{" + TEXT + TOKENS + '"relations": [{"head": 0, "child": 1, "head_span": {"start": 4, "end": 7}}]}',
        "d.jsonl:1: .*head is not the last token of head_span"),
    "relation no object": ("{" + TEXT + '"relations": [3]}', "d.jsonl:1: the relation 3 is no object"),
    "meta no object": ("{" + TEXT + '"meta": "س"}', 'd.jsonl:1: "meta" is "س"; it must be an object'),
    "score no number": (
        "{" + TEXT + '"spans": [{"start": 4, "end": 7, "label": "LOC", "score": "high"}]}',
        'd.jsonl:1: the score of a span is "high"; it must be a finite number'),
    "score not finite": (
        "{" + TEXT + '"spans": [{"start": 4, "end": 7, "label": "LOC", "score": NaN}]}',
        "d.jsonl:1: the score of a span is NaN; it must be a finite number"),
    "score of a relation no number": (
        "{" + TEXT + TOKENS + '"spans": [{"start": 4, "end": 7, "label": "LOC"}], "relations": [{"head": 1, "child": 1, '
        '"label": "ALIAS", "score": "high"}]}', 'd.jsonl:1: the score of a relation is "high"; it must be a finite number'),
}


@pytest.mark.parametrize("content, message", MALFORMED.values(), ids=MALFORMED)
def test_malformed_tasks_are_named_with_file_and_line(content, message, tmp_path):
    (tmp_path / "d.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(FileError, match=message):
        list(read(tmp_path / "d.jsonl", "prodigy"))
