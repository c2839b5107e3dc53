from __future__ import annotations

import json
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, FileError
from arabie.formats import read, write
from arabie.formats.losses import Losses

from comparing import changes, explained
from made_documents import documents

DATA = Path(__file__).parent / "data" / "doccano"
EFFECTS = {
    "relation": "relations",
    "status": "statuses spans fragments relations",  # two spans may come to be one
    "parts of a discontinuous span": "fragments spans statuses relations",
    "score": "",
    "span left out": "spans fragments statuses relations",
    "span given twice": "",
}


def written(document: Document, losses: Losses | None = None, name: str = "out.jsonl", **options) -> list[Document]:
    reading = {key: value for key, value in options.items() if key != "shape"}
    losses = Losses() if losses is None else losses
    with TemporaryDirectory() as folder:
        write([document], Path(folder) / name, "doccano", losses=losses, **options)
        return list(read(Path(folder) / name, "doccano", losses=losses, **reading))


def first_record(document: Document, tmp_path: Path, **options) -> dict:
    write([document], tmp_path / "out.jsonl", "doccano", **options)
    return json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])


def test_golden_relations_and_utf_16_offsets():
    document, other = read(DATA / "relations.jsonl", "doccano")
    assert (document.id, document.meta, other.id) == ("7", {"source": "س"}, "8")
    assert document.text == "😀 انشق ملازم عن قسد\r\nقرب البوكمال"
    assert [(span.id, span.label, span.text) for span in document.spans] == [
        ("41", "DEFECTION", "انشق"), ("42", "ROLE", "ملازم"), ("43", "GROUP", "قسد"), ("45", "LOC", "قرب البوكمال"),
        ("44", "LOC", "البوكمال")]
    assert [(r.type, r.head.text, r.tail.text) for r in document.relations] == [
        ("AGENT", "انشق", "ملازم"), ("FROM", "انشق", "قسد")]
    assert other.meta == {"Comments": [{"id": 1, "comment": "فارغ"}], "date": "2024"}


@pytest.mark.parametrize("name", ["labels.jsonl", "list.json"])
def test_golden_shapes_of_labels(name):
    rows = list(read(DATA / name, "doccano"))
    assert [[(span.label, span.text) for span in row.spans] for row in rows] == [
        [("AIRSTRIKE", "غارات"), ("LOC", "دير الزور")], [("LOC", "دير الزور")], [("AIRSTRIKE", "غارات")],
        [("LOC", "دير الزور")], [("AIRSTRIKE", "غارات")]]
    assert [row.id for row in rows] == ["1", "2", "3", None, "5"]
    assert [row.meta for row in rows] == [{}, {}, {}, {}, {"cats": ["عاجل"]}]


def test_golden_grapheme_clusters():
    [document] = read(DATA / "graphemes.jsonl", "doccano", unit="graphemes")
    assert [span.text for span in document.spans] == ["قصْف", "حلب"]
    assert written(document, unit="graphemes") == [document]


def test_golden_zip_of_one_file_an_annotator(tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.write(DATA / "relations.jsonl", "سلمى.jsonl")
        archive.write(DATA / "labels.jsonl", "admin.jsonl")
        archive.write(DATA / "list.json", "all.json")
        archive.writestr("__MACOSX/._admin.jsonl", b"\0")
    rows = list(read(tmp_path / "export.zip", "doccano"))
    assert [row.meta.get("annotator") for row in rows] == ["admin"] * 5 + [None] * 5 + ["سلمى"] * 2
    assert len(list(read(tmp_path / "export.zip", "doccano", annotator="سلمى"))) == 2
    with pytest.raises(FileError, match="has no annotator 'admni'; did you mean 'admin'"):
        list(read(tmp_path / "export.zip", "doccano", annotator="admni"))


@settings(max_examples=50, deadline=None)
@given(document=documents(), unit=st.sampled_from(["utf-16", "code-points", "graphemes"]),
       shape=st.sampled_from(["entities", "entities", "label"]), sign=st.sampled_from([None, "~", "R"]))
def test_a_round_trip_changes_nothing_but_what_it_reports(document, unit, shape, sign):
    losses = Losses()
    rows = written(document, losses, unit=unit, shape=shape, status_sign=sign)
    if not document.text:
        assert rows == [] and "document without text, which doccano does not take" in losses.counts
        return
    assert changes(document, rows[0]) <= explained(losses.counts, EFFECTS)
    if not losses.counts.keys() - {"score not carried by this format"}:
        assert rows == [document]


def test_what_is_written_has_the_keys_and_kinds_of_doccano(tmp_path):
    spans = Span(0, 4, "DEFECTION", id="T7"), Span(5, 8, "GROUP", id="T9")
    document = Document("انشق قسد", spans, (Relation("FROM", *spans),), "خبر", {"source": "س"})
    assert first_record(document, tmp_path) == {
        "id": "خبر", "text": "انشق قسد", "meta": {"source": "س"},
        "entities": [{"id": 7, "label": "DEFECTION", "start_offset": 0, "end_offset": 4},
                     {"id": 9, "label": "GROUP", "start_offset": 5, "end_offset": 8}],
        "relations": [{"id": 0, "from_id": 7, "to_id": 9, "type": "FROM"}]}
    assert first_record(document, tmp_path, shape="label")["label"] == [[0, 4, "DEFECTION"], [5, 8, "GROUP"]]


def test_ids_are_numbers_even_where_the_spans_have_none_or_the_same(tmp_path):
    document = Document("أ ب ج", (Span(0, 1, "LOC", id="T2"), Span(2, 3, "LOC", id="X2"), Span(4, 5, "LOC")))
    assert [entity["id"] for entity in first_record(document, tmp_path)["entities"]] == [1, 2, 3]


def test_a_json_list_is_written_for_json(tmp_path):
    document = Document("حلب", (Span(0, 3, "LOC"),), (), "1")
    write([document, document], tmp_path / "out.json", "doccano")
    assert len(json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))) == 2
    assert list(read(tmp_path / "out.json", "doccano")) == [document, document]


def test_a_status_stands_behind_the_label_where_a_sign_is_given(tmp_path):
    document = Document("لم ينشق ضابط", (Span(3, 7, "DEFECTION", "NEGATED"), Span(8, 12, "ROLE")))
    entities = first_record(document, tmp_path, status_sign="~")["entities"]
    assert [entity["label"] for entity in entities] == ["DEFECTION~NEGATED", "ROLE"]
    losses = Losses()
    [back] = written(document, losses)
    assert back.spans[0].status == "ACTUAL" and losses.counts == {"status not carried by this format": 1}


def test_what_cannot_be_kept_is_counted(tmp_path):
    (tmp_path / "d.jsonl").write_text(json.dumps({"text": "حلب", "entities": [
        {"id": 1, "start_offset": 0, "end_offset": 3, "label": "LOC", "colour": "red"},
        {"id": 2, "start_offset": 0, "end_offset": 3, "label": "LOC"}], "relations": []}), encoding="utf-8")
    losses = Losses()
    [document] = read(tmp_path / "d.jsonl", "doccano", losses=losses)
    assert len(document.spans) == 1
    assert losses.counts == {"span given twice": 1, '"colour" of a record not kept': 1}


def test_keys_of_a_record_are_kept_and_of_two_values_the_lost_one_is_counted(tmp_path):
    (tmp_path / "d.jsonl").write_text(json.dumps({"text": "حلب", "data": "other", "source": "A", "day": 1,
                                                  "meta": {"source": "B", "day": 1}, "label": []}), encoding="utf-8")
    losses = Losses()
    [document] = read(tmp_path / "d.jsonl", "doccano", losses=losses)
    assert document.meta == {"data": "other", "source": "B", "day": 1}
    cause = "key of the meta data that is there twice, the last value kept"
    assert losses.examples == {cause: [f'{tmp_path / "d.jsonl"}:1: source="A"']}


MALFORMED = {
    "not JSON": ('{"text": "حلب"}\n{"text": ', r"d.jsonl:2: not JSON: .* at column"),
    "not an object": ('{"text": "حلب"}\n[1, 2]', "d.jsonl:2: .* is not an object"),
    "no text": ('{"label": []}', 'd.jsonl:1: "text" is null; each record needs its text'),
    "labels no list": ('{"text": "حلب", "label": "LOC"}', 'd.jsonl:1: "label" is "LOC"; it must be a list'),
    "labels of whole texts": ('{"text": "حلب", "label": ["عاجل"]}',
                              "d.jsonl:1: .* is not .start, end, label.; labels of whole texts"),
    "labels by number": ('{"text": "حلب", "annotations": [{"label": 2, "start_offset": 0, "end_offset": 3}]}',
                         'd.jsonl:1: the label 2 of a span is a number; export it as "JSONL .text labels."'),
    "offsets no numbers": ('{"text": "حلب", "label": [["0", 3, "LOC"]]}',
                           "d.jsonl:1: the span .* needs two whole numbers and a label"),
    "end before start": ('{"text": "حلب", "label": [[3, 3, "LOC"]]}',
                         "d.jsonl:1: the span .* ends before or where it starts"),
    "outside the text": ('{"text": "حلب", "label": [[0, 4, "LOC"]]}',
                         "d.jsonl:1: .*offset 4 lies outside the text of 3 UTF-16 units; try unit="),
    "inside a character": ('{"text": "😀 حلب", "label": [[1, 5, "LOC"]]}',
                           "d.jsonl:1: .*falls inside the character .*; try unit='code-points'"),
    "id used twice": ('{"text": "حلب", "entities": [{"id": 1, "start_offset": 0, "end_offset": 3, "label": "LOC"}, '
                      '{"id": 1, "start_offset": 0, "end_offset": 2, "label": "LOC"}]}',
                      "d.jsonl:1: the id 1 is used for two spans"),
    "relation to nothing": ('{"text": "حلب", "relations": [{"from_id": 1, "to_id": 2, "type": "FROM"}]}',
                            "d.jsonl:1: the relation .*: from_id is the id of no entity"),
    "relation without type": ('{"text": "حلب", "relations": [{"from_id": 1, "to_id": 2}]}',
                              "d.jsonl:1: the relation .* needs"),
}


@pytest.mark.parametrize("content, message", MALFORMED.values(), ids=MALFORMED)
def test_malformed_records_are_named_with_file_and_line(content, message, tmp_path):
    (tmp_path / "d.jsonl").write_text(content, encoding="utf-8")
    with pytest.raises(FileError, match=message):
        list(read(tmp_path / "d.jsonl", "doccano"))


def test_broken_zips_and_misplaced_options_are_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("admin.jsonl", '{"text": "حلب"}\n{"text": 3}\n' + " " * 5000)
    with pytest.raises(FileError, match=r'd\.zip/admin\.jsonl:2: "text" is 3'):
        list(read(tmp_path / "d.zip", "doccano"))
    data = bytearray((tmp_path / "d.zip").read_bytes())
    data[data.index(b"admin.jsonl") + 20] ^= 255
    (tmp_path / "d.zip").write_bytes(bytes(data))
    with pytest.raises(FileError, match=r"d\.zip: cannot be unpacked"):
        list(read(tmp_path / "d.zip", "doccano"))
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("readme.txt", "")
    with pytest.raises(FileError, match="the zip holds no .jsonl"):
        list(read(tmp_path / "d.zip", "doccano"))
    with pytest.raises(FileError, match="only a zip from doccano has annotators"):
        list(read(DATA / "labels.jsonl", "doccano", annotator="admin"))
    with pytest.raises(ArabieError, match="unknown shape 'labels'; did you mean 'label'"):
        write([], tmp_path / "out.jsonl", "doccano", shape="labels")
