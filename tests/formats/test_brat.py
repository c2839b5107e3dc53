from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.document import Document, Relation, Span
from arabie.errors import FileError, SchemaError
from arabie.formats import read, write
from arabie.formats.losses import LossError, Losses
from arabie.schema import Schema, default_schema

from comparing import changes, explained
from made_documents import documents

DATA = Path(__file__).parent / "data" / "brat"
EFFECTS = {
    "span left out": "spans fragments statuses relations",
    "relation left out": "relations",
    "span reshaped": "spans fragments statuses relations meta",
    "span annotated twice": "spans fragments statuses relations",
    "relation annotated twice": "relations",
    "score": "",
    "meta": "meta",
    "document id, which": "id",
}


def written(document: Document, losses: Losses | None = None, **options) -> tuple[Document, str]:
    """The document after a round trip, and the .ann file on the way."""
    with TemporaryDirectory() as folder:
        losses = Losses() if losses is None else losses
        write([document], Path(folder) / "out", "brat", losses=losses, **options)
        [ann] = Path(folder, "out").rglob("*.ann")
        [back] = read(Path(folder) / "out", "brat", losses=losses, **options)
        return back, ann.read_bytes().decode()


def golden(losses: Losses | None = None, **options) -> dict[str, Document]:
    return {document.id: document for document in read(DATA, "brat", losses=losses, **options)}


def test_golden_spans_fragments_and_statuses():
    document = golden()["nested"]
    assert document.text == (DATA / "nested.txt").read_bytes().decode()
    assert [(span.id, span.label, span.status, span.text, span.fragments) for span in document.spans] == [
        ("T1", "DEFECTION", "ACTUAL", "انشق", ()),
        ("T2", "ROLE", None, "ملازم أوّل", ()),
        ("T3", "COUNT", None, "وعشرة عناصر", ()),
        ("T4", "GROUP", None, "الفرقة الرابعة", ()),
        ("T5", "GROUP", None, "والدفاع الوطني", ()),
        ("T6", "CASUALTY", "NEGATED", "مقتل", ()),
        ("T7", "ROLE", None, "قائد\nالميليشيا", ()),
        ("T14", "COERCION", None, "وجرح نائبه", ()),
        ("T20", "ATTACK", "ACTUAL", "وجرح", ()),
        ("T8", "ROLE", None, "نائبه", ()),
        ("T10", "PERSON", None, "أبو عمر", ()),
        ("T11", "LOC", None, "البوكمال", ()),
        ("T12", "LOC", None, "ريفها الشرقي", ((128, 131), (134, 140))),
        ("T13", "PERSON", None, "أبو عمر", ()),
    ]


def test_golden_arguments_nested_and_shared_triggers_equivalents():
    losses = Losses()
    document = golden(losses)["nested"]
    assert sorted((r.type, r.head.id, r.tail.id) for r in document.relations) == [
        ("AGENT", "T1", "T2"), ("ALIAS", "T13", "T10"), ("CAUSES", "T14", "T1"), ("COUNT", "T1", "T3"),
        ("FROM", "T1", "T4"), ("FROM", "T1", "T5"), ("HAS_ROLE", "T10", "T8"), ("PLACE", "T20", "T12"),
        ("PLACE", "T6", "T11"), ("TARGET", "T20", "T6"), ("TARGET", "T6", "T7"), ("TARGET", "T6", "T8")]
    assert losses.counts == {"events that share a trigger, made one (meta keeps their arguments apart)": 1}
    assert document.meta["brat"]["events"]["E2"] == ["T6", "TARGET:T7", "PLACE:T11"]
    assert document.meta["brat"]["lines"] == ["A3\tConfidence E1 High", "N1\tReference T11 Wikidata:Q238\tالبوكمال",
                                              "#1\tAnnotatorNotes E1\tهل هما فرقتان؟"]


def test_golden_byte_order_mark_crlf_and_emoji():
    document = golden()["windows"]
    assert document.text == "تعزيزات 👨‍👩‍👧 للفرقة\r\n\u200fإلى دير الزور\r\nوقصفٌ"
    assert [(span.text, span.status) for span in document.spans] == [
        ("تعزيزات", "POSSIBLE"), ("للفرقة", None), ("دير الزور", None), ("وقصفٌ", "ACTUAL")]


def test_golden_pair_of_annotation_files_and_subfolder():
    documents = golden()
    assert list(documents) == ["nested", "split", "sub/bare", "windows"]
    [relation] = documents["split"].relations
    assert (relation.type, relation.head.text, relation.tail.text) == ("PLACE", "غارات", "البوكمال")
    assert relation.head.status == "POSSIBLE"
    assert [span.text for span in documents["sub/bare"].spans] == ["هدوء"]


@pytest.mark.parametrize("name", ["nested", "sub/bare"])
def test_golden_files_are_written_back_line_by_line(name, tmp_path):
    write([golden()[name]], tmp_path / "out", "brat")
    def lines(folder):
        text = (folder / f"{name}.ann").read_text(encoding="utf-8")
        return sorted(line.rstrip().removesuffix("\tهدوء") for line in text.splitlines())
    assert lines(tmp_path / "out") == [line.replace("T13 T10", "T10 T13") for line in lines(DATA)]
    assert (tmp_path / "out" / f"{name}.txt").read_bytes() == (DATA / f"{name}.txt").read_bytes()


def test_one_file_is_read_by_any_of_its_names():
    for suffix in (".ann", ".txt"):
        [document] = read(DATA / f"nested{suffix}", "brat")
        assert document == golden()["nested"]
    [document] = read(DATA / "split.a2", "brat")
    assert len(document.spans) == 2


@settings(max_examples=50, deadline=None)
@given(document=documents())
def test_a_round_trip_changes_nothing_but_what_it_reports(document):
    losses = Losses()
    back, _ = written(document, losses)
    assert changes(document, back) <= explained(losses.counts, EFFECTS)
    if not losses.counts.keys() - {"score not carried by this format"}:
        assert back == document


@settings(max_examples=20, deadline=None)
@given(document=documents(odd_names=[]), unit=st.sampled_from(["utf-16", "utf-8"]))
def test_other_units_give_the_same_document(document, unit):
    assert written(document, unit=unit)[0] == written(document)[0]


def test_a_status_is_an_attribute_by_a_table_that_can_be_replaced():
    document = Document("لم ينشق", (Span(3, 7, "DEFECTION", "NEGATED"),), (), "d")
    assert "A1\tNegation E1\n" in written(document)[1]
    table = {"ACTUAL": "Factuality yes", "NEGATED": "Factuality no"}
    back, ann = written(document, attributes=table)
    assert "A1\tFactuality E1 no\n" in ann
    assert back == document
    back, ann = written(document, attributes="NEGATED=Polarity, POSSIBLE=Doubt")
    assert "A1\tPolarity E1\n" in ann and back == document
    losses = Losses()
    written(document, losses, attributes={})
    assert losses.counts == {"status that no attribute stands for": 1}


def test_tokens_in_meta_are_a_loss_unless_they_are_tokens_of_the_text():
    for tokens, lost in [([[[0, 2], [3, 7]]], False), (2, True), (["لم", "ينشق"], True), ("", True)]:
        losses = Losses()
        written(Document("لم ينشق", id="d", meta={"tokens": tokens}), losses)
        assert losses.counts == ({"meta not carried by this format": 1} if lost else {})


def test_a_fourth_status_is_a_value_of_the_attribute_status():
    layer = {"name": "events", "labels": ["X"], "statuses": ["yes", "no", "maybe", "rumour"]}
    schema = Schema.from_dict({"layers": [layer]})
    document = Document("خبر", (Span(0, 3, "X", "rumour"),), (), "d", {}, schema)
    back, ann = written(document, schema=schema)
    assert "A1\tStatus E1 rumour" in ann and back == document


def test_equivalents_are_one_relation_from_each_later_mention_to_the_first(tmp_path):
    (tmp_path / "d.txt").write_text("أ ب ج", encoding="utf-8")
    (tmp_path / "d.ann").write_text("T1\tGROUP 0 1\tأ\nT2\tGROUP 2 3\tب\nT3\tGROUP 4 5\tج\n*\tEquiv T3 T1 T2\n",
                                    encoding="utf-8")
    def found(**options):
        [document] = read(tmp_path, "brat", **options)
        return [(r.type, r.head.text, r.tail.text) for r in document.relations]
    assert found() == [("ALIAS", "ب", "أ"), ("ALIAS", "ج", "أ")]
    assert found(alias="PART_OF") == [("PART_OF", "ب", "أ"), ("PART_OF", "ج", "أ")]
    with pytest.raises(SchemaError, match="did you mean 'ALIAS'"):
        found(alias="ALIASES")


def test_an_alias_to_a_later_mention_keeps_its_direction():
    first, second = Span(0, 1, "GROUP"), Span(2, 3, "GROUP")
    document = Document("أ ب", (first, second), (Relation("ALIAS", first, second),), "d")
    back, ann = written(document)
    assert "R1\tALIAS Arg1:T1 Arg2:T2\n" in ann and back == document


def test_equivalents_without_a_relation_are_counted_and_kept(tmp_path):
    schema = Schema.from_dict({"layers": [{"name": "entities", "labels": ["GROUP"]}]})
    (tmp_path / "d.txt").write_text("أ ب", encoding="utf-8")
    (tmp_path / "d.ann").write_text("T1\tGROUP 0 1\tأ\nT2\tGROUP 2 3\tب\n*\tEquiv T1 T2\n", encoding="utf-8")
    losses = Losses()
    [document] = read(tmp_path, "brat", schema=schema, losses=losses)
    assert losses.counts == {"equivalence that no relation of the schema stands for (kept in meta)": 1}
    assert "*\tEquiv T1 T2\n" in written(document, schema=schema)[1]


def test_numbered_roles_are_one_role_unless_the_schema_has_the_number():
    layers = [{"name": "events", "labels": ["X"]}, {"name": "entities", "labels": ["P"]}]
    roles = [{"name": name, "joins": [["X", "P"]]} for name in ("TO", "TO2")]
    schema = Schema.from_dict({"layers": layers, "relations": roles})
    trigger, *others = Span(0, 1, "X"), Span(2, 3, "P"), Span(4, 5, "P"), Span(6, 7, "P")
    relations = [Relation("TO", trigger, other) for other in others]
    relations += [Relation("TO2", trigger, other) for other in others[:2]]
    document = Document("ا ب ت ث", (trigger, *others), tuple(relations), "d", {}, schema)
    back, ann = written(document, schema=schema)
    assert "E1\tX:T1 TO:T2 TO2:T2 TO3:T3 TO4:T4\nR1\tTO2 Arg1:E1 Arg2:T3\n" in ann and back == document
    fewer = Schema.from_dict({"layers": layers, "relations": roles[:1]})
    document = Document("ا ب ت ث", (trigger, *others), tuple(relations[:3]), "d", {}, fewer)
    back, ann = written(document, schema=fewer)
    assert "E1\tX:T1 TO:T2 TO2:T3 TO3:T4\n" in ann and back == document


def test_ids_stay_and_new_ones_are_free():
    spans = (Span(0, 1, "GROUP", id="T7"), Span(2, 3, "GROUP", id="جزء"), Span(4, 5, "GROUP", id="T1"))
    back, _ = written(Document("أ ب ج", spans, (), "d"))
    assert [span.id for span in back.spans] == ["T7", "T2", "T1"]


def test_notes_on_what_was_removed_are_counted(tmp_path):
    document = golden()["nested"]
    without = replace(document, spans=tuple(s for s in document.spans if s.id != "T11"),
                      relations=tuple(r for r in document.relations if r.tail.id != "T11"))
    losses = Losses()
    write([without], tmp_path / "out", "brat", losses=losses)
    ann = (tmp_path / "out" / "nested.ann").read_text(encoding="utf-8")
    assert "N1\t" not in ann and "#1\tAnnotatorNotes E1" in ann and "E2\tCASUALTY:T6 TARGET:T7\n" in ann
    assert losses.counts == {"note, normalization or attribute of something that is no longer there": 1}


@pytest.mark.parametrize("kept", ["x", {"events": []}, {"events": {"E1": []}}, {"relations": {"R1": ["IN"]}},
                                  {"lines": [3]}])
def test_a_meta_that_reading_did_not_make_is_counted_and_not_followed(kept):
    losses = Losses()
    document = Document("أ", (Span(0, 1, "RAID"),), (), "d", {"brat": kept})
    back, _ = written(document, losses)
    assert back == replace(document, meta={}) and losses.counts == {"meta not carried by this format": 1}


def test_documents_without_a_fit_name_are_numbered_and_counted(tmp_path):
    rows = [Document("أ", (), (), id) for id in (None, "..", "x", "X")]
    losses = Losses()
    write(rows, tmp_path / "out", "brat", losses=losses)
    names = sorted(file.stem for file in (tmp_path / "out").glob("*.ann"))
    assert names == ["X-2", "document-1", "document-2", "x"]
    assert losses.counts == {"document id, which is the name of the file in this format": 3}


def test_a_slash_in_an_id_is_a_folder(tmp_path):
    rows = [Document("أ", id="north/a"), Document("ب", id="north/b:1"), Document("ج", id="../c")]
    losses = write(rows, tmp_path / "out", "brat")
    assert [(document.id, document.text) for document in read(tmp_path / "out", "brat")] == [
        ("document-3", "ج"), ("north/a", "أ"), ("north/b_1", "ب")]
    assert losses.counts == {"document id, which is the name of the file in this format": 2}


def test_a_folder_does_not_take_the_name_of_a_file(tmp_path):
    rows = [Document("أ", id="north"), Document("ب", id="north.txt/b"), Document("ج", id="annotation.conf/c")]
    losses = write(rows, tmp_path / "out", "brat")
    assert [document.id for document in read(tmp_path / "out", "brat")] == ["annotation.conf_/c", "north", "north.txt_/b"]
    assert losses.counts == {"document id, which is the name of the file in this format": 2}


def test_configuration_written_from_the_schema(tmp_path):
    schema = Schema.from_dict({
        "layers": [{"name": "entities", "labels": ["P", "Q"]},
                   {"name": "events", "labels": ["X"], "statuses": ["yes", "no"]}],
        "relations": [{"name": "TO", "joins": [["X", ["P", "Q"]]]}, {"name": "IN", "joins": [[["P", "Q"], "Q"]]},
                      {"name": "ALIAS", "joins": [["P", "P"]]}],
        "titles": {"P": "شخص", "TO": "إلى"}})
    write([], tmp_path / "out", "brat", schema=schema)
    assert (tmp_path / "out" / "annotation.conf").read_bytes() == (DATA / "annotation.conf").read_bytes()
    visual = (tmp_path / "out" / "visual.conf").read_text(encoding="utf-8")
    assert "P | شخص\nTO | إلى\n" in visual and "Text direction:rtl" in visual and visual.count("bgColor:") == 4


MALFORMED = {
    "no tab": ("T1 GROUP 0 3 قسد", "d.ann:1: no tab after 'T1 GROUP 0 3 قسد'"),
    "unknown kind": ("X1\tGROUP 0 3\tقسد", "d.ann:1: 'X1' is no id of brat"),
    "id used twice": ("T1\tGROUP 0 3\tقسد\nT1\tLOC 0 3\tقسد", "d.ann:2: the id T1 is used twice, first at .*d.ann:1"),
    "endless offsets": ("T1\tGROUP 0 " + "9" * 5000, "d.ann:1: a span is written TYPE START END"),
    "offsets missing": ("T1\tGROUP 0\tقسد", "d.ann:1: a span is written TYPE START END"),
    "ends before its start": ("T1\tGROUP 3 0\tقسد", "d.ann:1: T1 ends at 0 before it starts at 3"),
    "outside the text": ("T1\tGROUP 0 99\tقسد",
                         "d.ann:1: T1: offset 99 lies outside the text of 10 code points; put back"),
    "other text": ("T1\tGROUP 0 3\tقوة",
                   "d.ann:1: T1 says it covers 'قوة', but what stands there is 'قسد'; put back the .txt"),
    "UTF-16 offsets": ("T1\tLOC 7 11\tهناك", "d.ann:1: .*the offsets count UTF-16 units: read it with unit='utf-16'"),
    "overlapping fragments": ("T1\tGROUP 0 2;1 3\tقس سد", "d.ann:1: the fragments of T1 overlap"),
    "event form": ("T1\tRAID 0 3\tقسد\nE1\tRAID:T1 PLACE", "d.ann:2: an event is written TYPE:TRIGGER"),
    "trigger missing": ("E1\tRAID:T1 PLACE:T2", "d.ann:1: the trigger of E1 is 'T1', but no T line has this id"),
    "trigger of another type": ("T1\tRAID 0 3\tقسد\nE1\tARREST:T1",
                                "d.ann:2: E1 is a ARREST, but its trigger T1 is a RAID"),
    "argument missing": ("T1\tRAID 0 3\tقسد\nE1\tRAID:T1 PLACE:T2",
                         "d.ann:2: E1 points to T2, which this document does not have"),
    "relation form": ("T1\tGROUP 0 3\tقسد\nR1\tALIAS T1 T1", "d.ann:2: a relation is written TYPE Arg1:ID Arg2:ID"),
    "attribute of nothing": ("A1\tNegation E1", "d.ann:1: A1 points to E1"),
    "equivalent of nothing": ("T1\tGROUP 0 3\tقسد\n*\tEquiv T1", "d.ann:2: equivalents are written Equiv ID ID"),
}


@pytest.mark.parametrize("lines, message", MALFORMED.values(), ids=MALFORMED)
def test_malformed_lines_are_named_with_file_and_line(lines, message, tmp_path):
    (tmp_path / "d.txt").write_text("قسد 😀 هناك", encoding="utf-8")
    (tmp_path / "d.ann").write_text(lines, encoding="utf-8")
    with pytest.raises(FileError, match=message):
        list(read(tmp_path, "brat"))


def test_missing_and_undecodable_files_are_named(tmp_path):
    (tmp_path / "d.ann").write_bytes(b"T1\tGROUP 0 3\t\xc7\n")
    with pytest.raises(FileError, match=r"d\.ann:1: not UTF-8"):
        list(read(tmp_path, "brat"))
    (tmp_path / "d.ann").write_bytes(b"T1\tGROUP 0 3\n")
    with pytest.raises(FileError, match=r"d\.txt: is missing; put the text that d\.ann annotates beside it"):
        list(read(tmp_path, "brat"))
    (tmp_path / "d.txt").write_bytes("قسد هناك".encode("cp1256"))
    with pytest.raises(FileError, match=r"d\.txt:1: not UTF-8"):
        list(read(tmp_path, "brat"))
    with pytest.raises(FileError, match="none: is no folder and no .ann"):
        list(read(tmp_path / "none", "brat"))


def test_offsets_that_count_crlf_as_one_are_explained(tmp_path):
    (tmp_path / "d.txt").write_bytes("أ\r\nب\r\nقسد".encode())
    (tmp_path / "d.ann").write_text("T1\tGROUP 4 7\tقسد\n", encoding="utf-8")
    with pytest.raises(FileError, match="the offsets count each CRLF as one character"):
        list(read(tmp_path, "brat"))


def test_offsets_that_leave_out_the_byte_order_mark_are_understood(tmp_path):
    (tmp_path / "d.txt").write_bytes("\ufeffقسد".encode())
    for line in ("T1\tGROUP 0 3\tقسد\n", "T1\tGROUP 1 4\tقسد\n"):
        (tmp_path / "d.ann").write_text(line, encoding="utf-8")
        [document] = read(tmp_path, "brat")
        assert (document.text, document.spans[0].text) == ("قسد", "قسد")


def test_texts_without_annotations_and_empty_spans_are_counted(tmp_path):
    (tmp_path / "alone.txt").write_text("أ", encoding="utf-8")
    (tmp_path / "d.txt").write_text("قسد", encoding="utf-8")
    (tmp_path / "d.ann").write_text("T1\tGROUP 1 1\t\nT2\tGROUP 0 3\tقسد\nT3\tGROUP 0 3\tقسد\n"
                                    "R1\tALIAS Arg1:T1 Arg2:T2\nE1\tPlan PLACE:T2\n", encoding="utf-8")
    losses = Losses()
    [document] = read(tmp_path, "brat", losses=losses)
    assert len(document.spans) == 1 and not document.relations
    assert losses.counts == {"text file without annotations beside it, left out": 1,
                             "span of no characters, left out": 1,
                             "event without a trigger in the text, left out": 1, "span annotated twice, made one": 1,
                             "relation left out: one of its spans was": 1}


def test_a_folder_is_written_whole_or_not_at_all(tmp_path):
    def rows():
        yield Document("أ", (), (), "a")
        yield Document("ب", (Span(0, 1, "GROUP", score=0.5),), (), "b")
    with pytest.raises(LossError):
        write(rows(), tmp_path / "out", "brat", losses=Losses(strict=True))
    assert list(tmp_path.iterdir()) == []
    write(rows(), tmp_path / "out", "brat")
    with pytest.raises(FileError, match="is there already and is not an empty folder"):
        write(rows(), tmp_path / "out", "brat")
