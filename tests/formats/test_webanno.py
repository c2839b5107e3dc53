from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_documents import SCHEMA, documents, marks

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, FileError
from arabie.formats import read, write
from arabie.formats.losses import Losses, LossError
from arabie.formats.webanno.cells import escape_text, escape_value, split_cell, unescape_text, unescape_value
from arabie.schema import Schema

DATA = Path(__file__).parent / "data" / "webanno"
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def told(document: Document) -> list[tuple]:
    return [(span.start, span.end, span.label, span.status) for span in document.spans]


def joined(document: Document) -> list[tuple]:
    return [(relation.type, relation.head.text, relation.tail.text) for relation in document.relations]


def read_one(path: Path, losses: Losses | None = None, **options) -> Document:
    return next(read(path, "webanno", losses=losses, **options))


def rows_of(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in lines if line[:2] == "1-"]


def test_a_news_item_with_slots_relations_stacks_and_an_emoji():
    losses = Losses()
    document = read_one(DATA / "news.tsv", losses)
    assert document.text == "فرّ 😀 ضابط من قسد\r\nوقصف التحالف \\ دير الزور"
    assert document.id == "news" and not losses
    assert told(document) == [(0, 3, "DEFECTION", "NEGATED"), (6, 10, "ROLE", None), (14, 17, "GROUP", None),
                              (14, 17, "ORG", None), (20, 23, "AIRSTRIKE", "ACTUAL"), (24, 31, "GROUP", None),
                              (34, 43, "LOC", None), (38, 43, "LOC", None)]
    assert [span.text for span in document.spans][-2:] == ["دير الزور", "الزور"]
    assert joined(document) == [("AGENT", "فرّ", "ضابط"), ("FROM", "فرّ", "قسد"), ("MEMBER_OF", "ضابط", "قسد"),
                                ("AGENT", "قصف", "التحالف"), ("PLACE", "قصف", "دير الزور"),
                                ("PART_OF", "الزور", "دير الزور")]
    assert document.relations[1].tail.label == "GROUP" and document.relations[2].tail.label == "ORG"
    assert document.spans[0].score == 0.75 and document.spans[1].id == "T1"


def test_layers_and_features_of_another_project_by_option():
    losses = Losses()
    document = read_one(DATA / "project.tsv", losses, layers="NamedEntity:value Event:type", status="factuality")
    assert told(document) == [(0, 4, "GPE", None), (5, 8, "ATTACK", "NEGATED"), (9, 12, "PER", None)]
    assert joined(document) == [("arguments", "قصف", "حلب")]
    assert losses.counts == {"feature of an annotation (NamedEntity:identifier)": 1, "sentence id": 1,
                             "annotation of a layer not asked for (POS)": 1,
                             "annotation of a layer not asked for (CorefLink)": 2}


def test_a_label_feature_that_is_not_plain_is_asked_for():
    with pytest.raises(FileError, match=r"project\.tsv: the layer .*POS has the features PosValue, coarseValue; "
                                        r"say which one is the label with layers='POS:PosValue'"):
        read_one(DATA / "project.tsv")
    with pytest.raises(FileError, match="has no feature 'valu'; it has identifier, value"):
        read_one(DATA / "project.tsv", layers="NamedEntity:valu")
    with pytest.raises(ArabieError, match="is not LAYER or LAYER:FEATURE"):
        read_one(DATA / "project.tsv", layers="a:b:c")


def test_a_chain_is_relations_from_each_element_to_the_next():
    document = read_one(DATA / "project.tsv", layers="CorefLink")
    assert told(document) == [(0, 4, "nam", None), (9, 12, "CorefLink", None)]
    assert joined(document) == [("anaphoric", "حلب،", "حلب")]


def test_the_relation_stands_on_the_row_of_its_target(tmp_path):
    text = "ضابط في قسد"
    role, group = Span(0, 4, "ROLE"), Span(8, 11, "GROUP")
    write([Document(text, (role, group), (Relation("MEMBER_OF", role, group),), "d")], tmp_path / "d.tsv", "webanno")
    rows = [row[3:] for row in rows_of(tmp_path / "d.tsv")]
    assert rows == [["ROLE", "_", "_", ""], ["_", "_", "_", ""], ["GROUP", "MEMBER\\_OF", "1-1", ""]]
    assert (tmp_path / "d.TypeSystem.xml").exists()


def test_a_file_to_the_letter(tmp_path):
    """The layout of INCEpTION: two empty lines after the header, one between sentences, a tab after the last cell."""
    text = "قُتل 😀 ضابطان.\nالرقة"
    spans = Span(0, 4, "CASUALTY", "POSSIBLE"), Span(7, 13, "COUNT", score=0.5), Span(15, 20, "LOC")
    relations = Relation("COUNT", spans[0], spans[1]), Relation("PLACE", spans[0], spans[2])
    write([Document(text, spans, relations, "a")], tmp_path / "a.tsv", "webanno")
    assert (tmp_path / "a.tsv").read_bytes().decode("utf-8") == (
        "#FORMAT=WebAnno TSV 3.3\n"
        "#T_SP=webanno.custom.Entities|label|score\n"
        "#T_SP=webanno.custom.Events|ROLE_webanno.custom.Events:arguments_webanno.custom.EventsArgumentsLink|"
        "uima.tcas.Annotation|label|status\n"
        "\n\n"
        "#Text=قُتل 😀 ضابطان.\n"
        "1-1\t0-4\tقُتل\t_\t_\tCOUNT;PLACE\t1-3[1];2-1[2]\tCASUALTY\tPOSSIBLE\t\n"
        "1-2\t5-7\t😀\t_\t_\t_\t_\t_\t_\t\n"
        "1-3\t8-14\tضابطان\tCOUNT[1]\t0.5[1]\t_\t_\t_\t_\t\n"
        "1-4\t14-15\t.\t_\t_\t_\t_\t_\t_\t\n"
        "\n"
        "#Text=الرقة\n"
        "2-1\t16-21\tالرقة\tLOC[2]\t*[2]\t_\t_\t_\t_\t\n")


def test_a_score_that_is_no_finite_number_is_counted(tmp_path):
    write([Document("حلب", (Span(0, 3, "LOC", score=0.5),))], tmp_path / "a.tsv", "webanno")
    content = (tmp_path / "a.tsv").read_text(encoding="utf-8")
    for score in ("NaN", "-inf", "high"):
        (tmp_path / "a.tsv").write_text(content.replace("0.5", score), encoding="utf-8")
        losses = Losses()
        assert [span.score for span in next(read(tmp_path / "a.tsv", "webanno", losses=losses)).spans] == [None]
        assert losses.counts == {"feature of an annotation (Entities:score)": 1}


def as_carried(document: Document) -> tuple[Document, set[str]]:
    """A Document as the format carries it, and why it differs: slow, one rule after the other."""
    causes, text = set(), document.text
    solid = [place for place, character in enumerate(text) if not character.isspace()]
    if text and not solid:
        causes, text = causes | {"text without a word, left out"}, ""
    elif solid and text[:solid[0]].strip(" "):
        causes.add("white space before the first word, written as spaces")
        text = " " * solid[0] + text[solid[0]:]
    kept = {}
    for span in document.spans:
        inside = [place for place in solid if span.start <= place < span.end]
        if span.fragments:
            causes.add("parts of a discontinuous span not carried by this format; it is written as one stretch")
        if not inside:
            causes.add("span over white space only")
            continue
        if (inside[0], inside[-1] + 1) != (span.start, span.end):
            causes.add("white space at the edge of a span")
        kept[span] = Span(inside[0], inside[-1] + 1, span.label, span.status)
    relations = set()
    for relation in document.relations:
        if relation.head not in kept or relation.tail not in kept:
            causes.add("relation of a span over white space only")
            continue
        if relation.score is not None and SCHEMA.layer_of(relation.head.label) != SCHEMA.layer_of(relation.tail.label):
            causes.add("score of a relation between layers")
        relations.add(Relation(relation.type, kept[relation.head], kept[relation.tail]))
    if document.meta:
        causes.add("meta not carried by this format")
    if document.id != "file":
        causes.add("document id, which is the name of the file in this format")
    return Document(text, tuple(set(kept.values())), tuple(relations), "file"), causes


@QUICK
@given(document=documents())
def test_what_is_written_is_read_or_told(document, tmp_path):
    losses, again = Losses(), Losses()
    write([document], tmp_path / "file.tsv", "webanno", losses=losses)
    back = read_one(tmp_path / "file.tsv", again)
    expected, causes = as_carried(document)
    assert back == expected
    assert set(losses.counts) == causes
    assert set(again.counts) <= {"annotation that is there twice", "relation that is there twice"}
    if not causes - {"meta not carried by this format", "document id, which is the name of the file in this format"}:
        assert marks(back) == marks(document) and not again


@QUICK
@given(value=st.text(st.sampled_from("ab\\[]|_->;*\t\n1ن"), max_size=8),
       others=st.lists(st.text("a|\\;", max_size=3), max_size=2))
def test_escapes_go_there_and_back(value, others):
    assert unescape_value(escape_value(value)) == value
    stack = [escape_value(item) + "[1]" for item in [value, *others]]
    assert split_cell("|".join(stack), "|") == stack
    assert re.search(r"(?<!\\)(?:\\\\)*[|;*\t\n]", escape_value(value)) is None


@QUICK
@given(text=st.text(st.characters(max_codepoint=0x7F) | st.sampled_from("\\tnrنص"), max_size=12))
def test_text_lines_hold_any_character(text):
    escaped = escape_text(text)
    assert unescape_text(escaped) == text
    assert not set(escaped) & set("\t\n\r\f\b")


@pytest.mark.parametrize("text", ["", "\n", "واحد", "واحد\n", "\r\nواحد\r\n\r\nاثنان\r\n", "  a\tb",
                                  "\ufeffقسد\u200f \u200e", "e\u0301 😀"])
def test_texts_at_the_edge(text, tmp_path):
    losses = Losses()
    write([Document(text, id="t")], tmp_path / "t.tsv", "webanno", losses=losses)
    back = read_one(tmp_path / "t.tsv")
    assert back.text == text or losses
    assert (back.text == text) == (text not in ("\n", "\r\nواحد\r\n\r\nاثنان\r\n"))


def test_a_folder_holds_a_file_for_each_document_and_the_type_system(tmp_path):
    made = [Document("a", id="1/x"), Document("b"), Document("c", id="1_x"), Document("d", id="ن")]
    losses = write(made, tmp_path / "out", "webanno")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["1_x-2.tsv", "1_x.tsv", "TypeSystem.xml",
                                                                          "document-2.tsv", "ن.tsv"]
    assert losses.counts == {"document id, which is the name of the file in this format": 3}
    assert {document.id: document.text for document in read(tmp_path / "out", "webanno")} == {
        "1_x": "a", "document-2": "b", "1_x-2": "c", "ن": "d"}


def test_several_documents_do_not_fit_one_file(tmp_path):
    with pytest.raises(FileError, match="holds one document, and there are more; name a folder"):
        write([Document("a"), Document("b")], tmp_path / "x.tsv", "webanno")
    assert not list(tmp_path.iterdir())


def test_strict_writes_nothing(tmp_path):
    with pytest.raises(LossError, match="meta not carried"):
        write([Document("a", id="x", meta={"k": 1})], tmp_path / "x.tsv", "webanno", losses=Losses(strict=True))
    assert not list(tmp_path.iterdir())


def test_the_tokens_of_a_file_are_kept_for_writing(tmp_path):
    document = read_one(DATA / "project.tsv", layers="NamedEntity:value")
    assert document.meta["tokens"] == [[[0, 4], [5, 8], [9, 12]]]
    write([document], tmp_path / "p.tsv", "webanno")
    assert [row[:3] for row in rows_of(tmp_path / "p.tsv")] == [row[:3] for row in rows_of(DATA / "project.tsv")]


def test_another_schema_makes_other_layers(tmp_path):
    layers = [{"name": "named_things", "labels": ["A"]}, {"name": "أسماء", "labels": ["B"]}]
    schema = Schema.from_dict({"name": "s", "layers": layers})
    made = Document("a b", (Span(0, 1, "A"), Span(2, 3, "B")), (), "d", schema=schema)
    write([made], tmp_path / "d.tsv", "webanno", schema=schema)
    header = (tmp_path / "d.tsv").read_text(encoding="utf-8").split("\n")[1:3]
    assert header == ["#T_SP=webanno.custom.NamedThings|label", "#T_SP=webanno.custom.Layer|label"]
    assert read_one(tmp_path / "d.tsv", schema=schema) == made


HEADER = "#FORMAT=WebAnno TSV 3.3\n#T_SP=x.Span|label\n#T_RL=x.Rel|label|BT_x.Span\n\n\n#Text=قسد في حلب\n"
ROW = "1-1\t0-3\tقسد\tGROUP\t_\t_\t\n"


@pytest.mark.parametrize("content, line, message", [
    ("", 1, "the file is empty"),
    ("قسد\tB-GROUP\n", 1, "not #FORMAT=WebAnno TSV 3.2 or 3.3"),
    ("#FORMAT=WebAnno TSV 2.0\n", 1, "export the document from INCEpTION as WebAnno TSV v3"),
    ("#FORMAT=WebAnno TSV 3.3\n#T_SP=|label\n", 2, "names no layer"),
    ("#FORMAT=WebAnno TSV 3.3\n#T_SP=x.S|ROLE_x.S:args_x.Link\n", 2, "without the type of its target"),
    ("#FORMAT=WebAnno TSV 3.3\n#T_SP=x.S|ROLE_args|x.T\n", 2, "is not ROLE_layer:feature_linktype"),
    ("#FORMAT=WebAnno TSV 3.3\n#T_RL=x.Rel|label\n", 2, "is a relation layer without a column BT_type"),
    (HEADER + "1-1\t0-3\tقسد\tGROUP\n", 7, "4 columns where the header asks for 6"),
    (HEADER + "one\t0-3\tقسد\tGROUP\t_\t_\t\n", 7, "a row starts with its number"),
    (HEADER + "1-1\t0\tقسد\tGROUP\t_\t_\t\n", 7, "its offsets, such as 4-8, not with '1-1' and '0'"),
    (HEADER + "1-1\t0-30\tقسد\tGROUP\t_\t_\t\n", 7, "outside the text of 10 UTF-16 units"),
    (HEADER + ROW + "1-2\t5-7\tفي\t_\t_\t_\t\n", 8, "the token is 'في', but at its offsets the text has"),
    (HEADER + ROW + ROW, 8, "the number 1-1 is given twice"),
    ("#FORMAT=WebAnno TSV 3.3\n\n\n1-1\t0-3\tقسد\t\n", 4, "a token before any #Text= line"),
    (HEADER + ROW + "\n#Text=ثم\n2-1\t5-7\tثم\t_\t_\t_\t\n", 10, "starts at 5, inside the one before it"),
    (HEADER + ROW + "1-2\t4-6\tفي\t_\tIN\t7-9\t\n", 8, "no token is numbered '7-9'"),
    (HEADER + ROW + "1-2\t4-6\tفي\t_\tIN\t1-1[4_0]\t\n", 8, "no annotation is numbered [4]"),
    (HEADER + ROW + "1-2\t4-6\tفي\t_\tIN|AT\t1-1\t\n", 8, "a relation of x.Rel has no source"),
    ("#FORMAT=WebAnno TSV 3.3\n#T_SP=x.A|label\n#T_SP=x.B|label\n\n\n#Text=قسد\n1-1\t0-3\tقسد\tA[1]\tB[1]\t\n", 7,
     "[1] marks annotations of x.A and of x.B"),
    ("#FORMAT=WebAnno TSV 3.3\n#T_SP=x.S|ROLE_x.S:args_x.L|x.S|label\n\n\n#Text=قسد\n1-1\t0-3\tقسد\ta;b\t1-1\tS\t\n", 6,
     "args has 2 roles but 1 targets"),
    ("#FORMAT=WebAnno TSV 3.3\n#T_CH=x.Link|referenceType|referenceRelation\n\n\n#Text=قسد\n"
     "1-1\t0-3\tقسد\tn[1]\tcoref\t\n", 6, "has no place in its chain"),
])
def test_malformed_files_are_told_by_line(content, line, message, tmp_path):
    path = tmp_path / "bad.tsv"
    path.write_bytes(content.encode("utf-8"))
    with pytest.raises(FileError) as error:
        list(read(path, "webanno"))
    assert str(error.value).startswith(f"{path}:{line}: ") and message in str(error.value)


def test_a_file_that_is_not_utf8_or_not_there(tmp_path):
    (tmp_path / "bad.tsv").write_bytes(b"#FORMAT=WebAnno TSV 3.3\n\n\n#Text=\xde\xe3\n")
    with pytest.raises(FileError, match=r"bad\.tsv:4: not UTF-8: byte 6 of the line is 0xde"):
        list(read(tmp_path / "bad.tsv", "webanno"))
    with pytest.raises(FileError, match="none.tsv: cannot be read"):
        list(read(tmp_path / "none.tsv", "webanno"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="the folder holds no .tsv file"):
        list(read(tmp_path / "empty", "webanno"))
