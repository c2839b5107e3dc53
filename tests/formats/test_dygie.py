from __future__ import annotations

import json
from pathlib import Path

import pytest
from comparing import changes, explained
from hypothesis import HealthCheck, given, settings
from made_documents import documents

from arabie.document import Document, Relation, Span
from arabie.errors import FileError
from arabie.formats import read, write
from arabie.formats.losses import Losses

DATA = Path(__file__).parent / "data" / "dygie"
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOST = {
    "relation ": "relations",
    "status ": "statuses relations",
    "score ": "",
    "meta ": "meta",
    "document without id": "id",
    "parts of a discontinuous span": "fragments statuses relations",
    "spacing of the text": "text spans fragments statuses relations",
    "span ": "spans fragments statuses relations",
    "trigger of several tokens": "spans fragments statuses relations",
}


def read_all(path: Path, losses: Losses | None = None) -> list[Document]:
    return list(read(path, "dygie", losses=losses))


def told(document: Document) -> list[tuple[str, str]]:
    return [(span.label, span.text) for span in document.spans]


def joined(document: Document) -> list[tuple[str, str, str]]:
    return [(relation.type, relation.head.text, relation.tail.text) for relation in document.relations]


def test_dygie_and_pure_records():
    losses = Losses()
    ace, pure = read_all(DATA / "docs.jsonl", losses)
    assert (ace.id, ace.text) == ("ace 1", "قُتل عمر في حلب .\nقصفت إسرائيل درعا") and ace.meta == {}
    assert told(ace) == [("CASUALTY", "قُتل"), ("PERSON", "عمر"), ("LOC", "حلب"), ("AIRSTRIKE", "قصفت"), ("LOC",
            "إسرائيل"), ("LOC", "درعا")]
    assert joined(ace) == [("TARGET", "قُتل", "عمر"), ("PLACE", "قُتل", "حلب"), ("AGENT", "قصفت", "إسرائيل"),
                           ("PLACE", "قصفت", "درعا"), ("PART_OF", "درعا", "إسرائيل")]
    assert pure.meta == {"tokens": [[[0, 4], [5, 7], [8, 17]]]}
    assert [(r.head.label, r.tail.label) for r in pure.relations] == [("ROLE", "GROUP")]
    assert losses.counts == {'"clusters" of a record not kept': 1, "argument that is not in ner": 1}


def test_what_is_written(tmp_path):
    text = "انشق ضابط من قسد\nوصل حلب"
    spans = flee, role, group, cause, place = (Span(0, 4, "DEFECTION"), Span(5, 9, "ROLE"), Span(13, 16, "GROUP"),
                                               Span(5, 16, "OTHER"), Span(21, 24, "LOC"))
    relations = [Relation("AGENT", flee, role), Relation("FROM", flee, group), Relation("CAUSES", cause, flee),
                 Relation("TO", flee, place)]
    losses = write([Document(text, spans, relations, "d")], tmp_path / "f.jsonl", "dygie")
    assert json.loads((tmp_path / "f.jsonl").read_text(encoding="utf-8")) == {
        "doc_key": "d", "dataset": "conflict", "sentences": [["انشق", "ضابط", "من", "قسد"], ["وصل", "حلب"]],
        "ner": [[[1, 3, "OTHER"], [1, 1, "ROLE"], [3, 3, "GROUP"]], [[5, 5, "LOC"]]],
        "relations": [[[1, 3, 0, 0, "CAUSES"]], []],
        "events": [[[[0, "DEFECTION"], [1, 1, "AGENT"], [3, 3, "FROM"]]], []]}
    assert losses.counts == {"relation across sentences": 1}


@QUICK
@given(documents())
def test_round_trip(tmp_path, before):
    losses = write([before], tmp_path / "f.jsonl", "dygie")
    [after] = read_all(tmp_path / "f.jsonl", losses)
    assert changes(before, after) <= explained(losses.counts, LOST)
    counts = losses.counts
    assert len(before.spans) - sum(count for cause, count in counts.items()
                                   if cause.startswith("span ")) == len(after.spans)
    assert len(before.relations) - sum(count for cause, count in counts.items()
                                       if cause.startswith("relation ")) == len(after.relations)


RECORD = {"doc_key": "d", "sentences": [["a", "b"], ["c"]]}
MALFORMED = {
    "not JSON": ('{"doc_key"', r"f:1: not JSON: "),
    "record that is no object": ("[1]", r"f:1: 1 is not an object"),
    "no sentences": ({"doc_key": "d"}, r'f:1: no "sentences"; a record has sentences, each a list of tokens'),
    "sentence that is a string": ({"sentences": ["a b"]}, r'f:1: "sentences"\[0\] is "a b"; it must be a list of strings'),
    "id that is no string": ({**RECORD, "doc_key": 3}, r'f:1: "doc_key" is 3; it must be a string'),
    "ner for one sentence of two": ({**RECORD, "ner": [[]]}, r'f:1: "ner" has 1 lists for 2 sentences'),
    "ner not by sentence": ({**RECORD, "ner": [[0, 0, "X"], []]},
                            r"f:1: an item of ner is 0; it must be \[number, number, label\]"),
    "ner that is no list": ({**RECORD, "ner": [None, []]}, r'f:1: "ner" must hold a list for each sentence'),
    "offsets counted by sentence": ({**RECORD, "ner": [[], [[0, 0, "X"]]]},
                                    r"f:1: X runs from token 0 to 0, but its tokens are 2 to 2; .* through the whole"),
    "exclusive end": ({**RECORD, "ner": [[[0, 2, "X"]], []]}, r"f:1: X runs from token 0 to 2, but its tokens are 0 to 1"),
    "relation past the tokens": ({**RECORD, "relations": [[[0, 0, 3, 3, "R"]], []]},
                                 r"f:1: the tail of R runs from token 3 to 3"),
    "relation of three": ({**RECORD, "relations": [[[0, 1, "R"]], []]},
                          r"f:1: an item of relations is .*; it must be \[number"),
    "event without trigger": ({**RECORD, "events": [[[0, "E"]], []]},
                              r"f:1: \[0, \"E\"\] in events; an event is \[\[trigger, type\]"),
    "trigger without type": ({**RECORD, "events": [[[[0]]], []]},
                             r"f:1: a trigger in events is \[0\]; it must be \[number, label\]"),
    "argument without role": ({**RECORD, "events": [[[[0, "E"], [1, 1]]], []]},
                              r"f:1: an argument in events is \[1, 1\]"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files(case, tmp_path):
    content, message = MALFORMED[case]
    (tmp_path / "f").write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    with pytest.raises(FileError, match=message):
        read_all(tmp_path / "f")


def test_what_the_format_leaves_open_is_counted(tmp_path):
    record = {**RECORD, "ner": [[[0, 0, "X"], [0, 0, "X"]], []], "relations": [[[0, 0, 1, 1, "R"], [0, 0, 0, 0, "R"],
                                                                                [0, 0, 0, 0, "R"]], []]}
    (tmp_path / "f").write_text(json.dumps(record), encoding="utf-8")
    losses = Losses()
    [document] = read_all(tmp_path / "f", losses)
    assert (told(document), joined(document)) == ([("X", "a")], [("R", "a", "a")])
    assert losses.counts == {"span given twice": 1, "relation given twice": 1,
                             "relation between spans that are not in ner": 1}
