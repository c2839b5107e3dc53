from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from comparing import changes, explained
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_documents import documents

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, FileError
from arabie.formats import read, write
from arabie.formats.losses import Losses
from arabie.schema import Schema

DATA = Path(__file__).parent / "data" / "apf"
QUICK = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOST = {
    "score ": "",
    "meta ": "meta",
    "document without id": "id",
    "parts of a discontinuous span": "fragments spans statuses relations",
    "mention at the place of another": "fragments spans statuses relations",
    "event at the place of another": "fragments spans statuses relations",
    "relation given twice": "relations",
    "status of a span that is no event": "statuses relations",
}


def read_all(path: Path, losses: Losses | None = None, **options) -> list[Document]:
    return list(read(path, "apf", losses=losses, **options))


def told(document: Document) -> list[tuple]:
    return [(span.label, span.text, span.status) for span in document.spans]


def joined(document: Document) -> list[tuple]:
    return [(relation.type, relation.head.text, relation.tail.text) for relation in document.relations]


def test_an_ace_document():
    losses = Losses()
    [document] = read_all(DATA, losses)
    source = (DATA / "AFP_1.sgm").read_text(encoding="utf-8")
    assert (document.id, document.text) == ("AFP_1", re.sub("<[^>]*>", "", source))
    assert told(document) == [
        ("Life:Die", "قُتل", None), ("PER:Individual", "عمر العلي", None),
        ("PER:Individual", "قائد الفرقة\nالرابعة", None), ("Job-Title", "قائد", None), ("GPE", "حلب",
                                                                                        None), ("TIMEX2", "أمس", None),
        ("ORG:Commercial", "AT&amp;T", None), ("Conflict:Attack", "الغارات", "NEGATED"), ("Conflict:Attack",
                                                                                          "الغارات", "POSSIBLE")]
    assert set(joined(document)) == {("Victim", "قُتل", "عمر العلي"), ("Place", "قُتل", "حلب"), ("Time-Within",
                                                                                                 "قُتل", "أمس"),
                                     ("PHYS:Located", "عمر العلي", "حلب")}
    assert document.spans[1].id == "AFP_1-E1-1"
    assert losses.counts == {
        "coreference of the mentions of an entity not kept": 1, "head and whole extent of a mention differ; one is not kept": 1,
        "level of a mention, such as NOM or PRO, not kept": 1, "class of an entity or value of a time not kept": 2,
        "genericity or tense of an event not kept": 1, "further argument of a relation, such as its time, not kept": 1,
        "polarity or modality of an event that no status of the schema tells": 1}


def test_heads_instead_of_extents():
    [document] = read_all(DATA / "AFP_1.apf.xml", extent="head")
    assert [span.text for span in document.spans if span.label == "PER:Individual"] == ["عمر العلي", "قائد"]
    with pytest.raises(ArabieError, match="unknown extent 'heads'; did you mean 'head'"):
        read_all(DATA, extent="heads")


def test_what_is_written(tmp_path):
    text = "لم ينشق ضابط من قسد"
    spans = flee, role, group, cause = Span(3, 7, "DEFECTION", "NEGATED"), Span(8, 12, "ROLE"), Span(16, 19,
            "GROUP"), Span(8, 19, "OTHER")
    relations = Relation("FROM", flee, group), Relation("CAUSES", cause, flee), Relation("MEMBER_OF", role, group)
    document = Document(text, spans, relations, "خبر 1")
    assert not write([document, Document("<b>", id="خبر/1")], tmp_path / "out", "apf")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "خبر 1.apf.xml", "خبر 1.sgm", "خبر_1.apf.xml", "خبر_1.txt"]
    assert (tmp_path / "out" / "خبر 1.sgm").read_text(encoding="utf-8") == f"<DOC><TEXT>{text}</TEXT></DOC>"
    tree = ElementTree.parse(tmp_path / "out" / "خبر 1.apf.xml")
    [event] = tree.iter("event")
    assert (event.get("TYPE"), event.get("POLARITY"), event.get("MODALITY")) == ("DEFECTION", "Negative", "Asserted")
    [anchor] = event.iter("anchor")
    assert anchor.find("charseq").attrib == {"START": "3", "END": "6"} and anchor.find("charseq").text == "ينشق"
    assert [node.get("ROLE") for node in event.iter("event_mention_argument")] == ["FROM"]
    assert [node.get("TYPE") for node in tree.iter("relation")] == ["CAUSES", "MEMBER_OF"]
    assert read_all(tmp_path / "out") == [document, Document("<b>", id="خبر/1")]


@QUICK
@given(documents())
def test_round_trip_keeps_the_text_exactly(tmp_path, before):
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    losses = write([before], folder, "apf")
    [after] = read_all(folder, losses)
    assert after.text == before.text
    assert changes(before, after) <= explained(losses.counts, LOST)
    together = sum(count for cause, count in losses.counts.items() if "at the place of another" in cause)
    assert len(before.spans) - together == len(after.spans)
    assert len(before.relations) - losses.counts.get("relation given twice", 0) == len(after.relations)


@QUICK
@given(st.text(max_size=12))
def test_any_text_at_all_comes_back(tmp_path, text):
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    before = Document(text, tuple(Span(place, place + 1, "LOC") for place in range(len(text))), id="d")
    write([before], folder, "apf")
    assert read_all(folder) == [before]


def test_another_schema_without_statuses(tmp_path):
    schema = Schema.from_dict({"layers": [{"name": "events", "labels": ["Conflict:Attack"]}]})
    losses = Losses()
    [document] = read_all(DATA, losses, schema=schema)
    assert [span.status for span in document.spans if span.label == "Conflict:Attack"] == [None]
    assert losses.counts["polarity or modality of an event that no status of the schema tells"] == 2
    assert losses.counts["event at the place of another with the same label, joined with it"] == 1


ENTITY = '<entity ID="E1" TYPE="PER"><entity_mention ID="E1-1"><extent><charseq START="0" END="2">عمر</charseq></extent></entity_mention></entity>'
EVENT = '<event ID="V1" TYPE="X"><event_mention ID="V1-1"><anchor><charseq START="4" END="6"/></anchor>{}</event_mention></event>'
MALFORMED = {
    "not XML": ("<source_file><document>", "f.apf.xml:1: not XML: no element found at column 24"),
    "no document": ("<source_file></source_file>", "f.apf.xml:1: no <document> in <source_file>"),
    "entity declared": ('<!DOCTYPE a [<!ENTITY b "c">]>\n<document>&b;</document>',
                        "f.apf.xml:1: the entity 'b' is declared or used"),
    "external entity": ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n<document>&b;</document>',
                        "f.apf.xml:1: the entity 'b'"),
    "entity of the DTD": ('<!DOCTYPE a SYSTEM "a.dtd">\n<document>&b;</document>',
                          "f.apf.xml:2: the entity 'b' is declared or used"),
    "unknown encoding": ('<?xml version="1.0" encoding="x-none"?><document/>', "f.apf.xml:1: (not XML|the encoding)"),
    "no type": ('<document>\n<entity ID="E1"><entity_mention ID="1"/></entity></document>',
                "f.apf.xml:2: <entity> has no TYPE; add it"),
    "no extent": ('<document><value TYPE="X"><value_mention ID="1"/></value></document>',
                  "f.apf.xml:1: <value_mention> has no <extent>"),
    "no charseq": ('<document><timex2><timex2_mention ID="1"><extent/></timex2_mention></timex2></document>',
                   "<extent> has no <charseq"),
    "no number": (ENTITY.replace('"2"', '"b"'), "f.apf.xml:1: START='0' END='b'; they must be numbers"),
    "past the text": (ENTITY.replace('"2"', '"7"'), "f.apf.xml:1: 0 to 7 does not lie in the text of 7 characters; .* END is the last"),
    "other characters there": (ENTITY.replace('"0"', '"1"'), "f.apf.xml:1: 'عمر' is not what stands at 1 to 2, 'مر'; check that this is"),
    "no ID": (ENTITY.replace(' ID="E1-1"', ""), "f.apf.xml:1: <entity_mention> has no ID; add it"),
    "ID used twice": (ENTITY + ENTITY, "f.apf.xml:1: the ID 'E1-1' is used twice"),
    "argument nowhere": (ENTITY + EVENT.format('<event_mention_argument REFID="E1-2" ROLE="A"/>'),
                         "f.apf.xml:1: REFID='E1-2' is the ID of no mention; did you mean 'E1-1'"),
    "relation of one": (ENTITY + '<relation ID="R" TYPE="X"><relation_mention ID="R1"><relation_mention_argument REFID="E1-1" ROLE="Arg-1"/>'
                        "</relation_mention></relation>", "f.apf.xml:1: the relation X needs arguments with the ROLEs Arg-1 and Arg-2"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files(case, tmp_path):
    content, message = MALFORMED[case]
    content = content if "<document" in content or "<source_file" in content else f"<document>{content}</document>"
    (tmp_path / "f.apf.xml").write_text(content, encoding="utf-8")
    (tmp_path / "f.txt").write_text("عمر قال", encoding="utf-8")
    with pytest.raises(FileError, match=message):
        read_all(tmp_path)


def test_missing_files(tmp_path):
    with pytest.raises(FileError, match="the folder holds no .apf.xml file; name the folder that does"):
        read_all(tmp_path)
    with pytest.raises(FileError, match="nothing.apf.xml: cannot be read: No such file or directory"):
        read_all(tmp_path / "nothing.apf.xml")
    (tmp_path / "f.apf.xml").write_text("<document/>", encoding="utf-8")
    with pytest.raises(FileError, match="its text is not beside it; add f.sgm or f.sgml or f.txt"):
        read_all(tmp_path)
    (tmp_path / "f.sgm").write_bytes(b"<DOC>\xc7</DOC>")
    with pytest.raises(FileError, match="f.sgm:1: not UTF-8: byte 5 is 0xc7"):
        read_all(tmp_path)
