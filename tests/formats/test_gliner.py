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

DATA = Path(__file__).parent / "data" / "gliner"
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOST = {
    "relation of a span": "relations",
    "status ": "statuses relations",
    "score ": "",
    "meta ": "meta",
    "document id ": "id",
    "parts of a discontinuous span": "fragments statuses relations",
    "spacing of the text": "text spans fragments statuses relations",
    "span ": "spans fragments statuses relations",
    "relation given twice": "relations",
}


def read_all(path: Path, losses: Losses | None = None) -> list[Document]:
    return list(read(path, "gliner", losses=losses))


def test_a_list_of_records_with_both_shapes_of_relations():
    losses = Losses()
    first, second, empty = read_all(DATA / "news.json", losses)
    assert first.text == "قُتل عمر قرب حلب 😀 ." and first.meta == {}
    assert [(span.label, span.text) for span in first.spans] == [
        ("CASUALTY", "قُتل"), ("OTHER", "عمر قرب حلب"), ("PERSON", "عمر"), ("LOC", "حلب")]
    assert [(r.type, r.head.text, r.tail.text) for r in first.relations] == [("TARGET", "قُتل", "عمر"), ("PLACE",
                                                                                                         "قُتل", "حلب")]
    assert second.text == "هـ.روب دير الزور" and second.meta == {"tokens": [[[0, 6], [7, 16]]]}
    assert [(r.type, r.head.label, r.tail.text) for r in second.relations] == [("ALIAS", "LOC", "دير الزور")]
    assert empty == Document("") and losses.counts == {'"ner_negatives" of a record not kept': 1}


def test_what_is_written_as_a_list_and_as_lines(tmp_path):
    role, group = Span(0, 4, "ROLE"), Span(8, 11, "GROUP")
    document = Document("ضابط من قسد.", (role, group), (Relation("MEMBER_OF", role, group),))
    record = {"tokenized_text": ["ضابط", "من", "قسد", "."], "ner": [[0, 0, "ROLE"], [2, 2, "GROUP"]],
              "relations": [[0, 1, "MEMBER_OF"]]}
    losses = write([document, document], tmp_path / "f.json", "gliner")
    assert json.loads((tmp_path / "f.json").read_text(encoding="utf-8")) == [record, record]
    assert losses.counts == {"spacing of the text, which is rebuilt from its tokens": 2}
    write([document], tmp_path / "f.jsonl", "gliner")
    assert json.loads((tmp_path / "f.jsonl").read_text(encoding="utf-8")) == record
    write([], tmp_path / "none.json", "gliner")
    assert read_all(tmp_path / "none.json") == []


@QUICK
@given(documents())
def test_round_trip(tmp_path, before):
    losses = write([before], tmp_path / "f.jsonl", "gliner")
    [after] = read_all(tmp_path / "f.jsonl", losses)
    assert changes(before, after) <= explained(losses.counts, LOST)
    counts = losses.counts
    left_out = sum(count for cause, count in counts.items() if cause.startswith("span "))
    assert len(before.spans) - left_out == len(after.spans)
    assert len(before.relations) - sum(count for cause, count in counts.items()
                                       if cause.startswith("relation ")) == len(after.relations)
    again = tmp_path / "again.jsonl"
    assert not write([after], again, "gliner") and again.read_bytes() == (tmp_path / "f.jsonl").read_bytes()


MALFORMED = {
    "not JSON": ("{", r"f:1: not JSON: "),
    "list cut off": ('[{"tokenized_text": []}', r"f:\d: not JSON: "),
    "record that is no object": ("[[1]]", r"f:1: \[1\] is not an object"),
    "no tokens": ('{"ner": []}', r'f:1: "tokenized_text" is null; it must be a list of strings'),
    "tokens that are no strings": ('{"tokenized_text": ["a", 1]}',
                                   r'f:1: "tokenized_text" is \["a", 1\]; it must be a list of strings'),
    "ner that is no list": ('{"tokenized_text": [], "ner": {}}', r'f:1: "ner" is \{\}; it must be a list'),
    "ner without label": ('\n{"tokenized_text": ["a"], "ner": [[0, 0]]}',
                          r"f:2: an item of ner is \[0, 0\]; it must be \[number, number, label\]"),
    "ner past the tokens": ('{"tokenized_text": ["a"], "ner": [[0, 1, "X"]]}',
                            r"f:1: X in ner runs from token 0 to 1, but its tokens are 0 to 0"),
    "ner backwards": ('{"tokenized_text": ["a", "b"], "ner": [[1, 0, "X"]]}', r"f:1: X in ner runs from token 1 to 0"),
    "relation to no place": ('{"tokenized_text": ["a"], "ner": [[0, 0, "X"]], "relations": [[0, 1, "R"]]}',
                             r"f:1: .* points outside the ner list"),
    "relation of what is not in ner": ('{"tokenized_text": ["a"], "relations": [[0, 0, "X", 0, 0, "X", "R"]]}',
                                       r"f:1: .* joins what is not in ner; add it"),
    "relation without type": ('{"tokenized_text": ["a"], "relations": [[0, 0]]}',
                              r"f:1: an item of relations is \[0, 0\]; it must be"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files(case, tmp_path):
    content, message = MALFORMED[case]
    (tmp_path / "f").write_text(content, encoding="utf-8")
    with pytest.raises(FileError, match=message):
        read_all(tmp_path / "f")


def test_a_missing_file_and_bytes_that_are_no_utf_8(tmp_path):
    with pytest.raises(FileError, match="nothing: cannot be read: No such file or directory"):
        read_all(tmp_path / "nothing")
    (tmp_path / "f").write_bytes(b'{"tokenized_text": ["\xe3"]}')
    with pytest.raises(FileError, match="f:1: not UTF-8"):
        read_all(tmp_path / "f")
