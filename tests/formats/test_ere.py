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
from arabie.formats.ere import _Text
from arabie.formats.losses import Losses
from arabie.schema import Schema

DATA = Path(__file__).parent / "data" / "ere"
SOURCE = (DATA / "source" / "DF_1.cmp.txt").read_text(encoding="utf-8")
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
    "status that realis cannot tell": "statuses relations",
}
EVENTS = [("life:die", "قُتل", None), ("conflict:attack", "تقصف", "POSSIBLE"), ("conflict:attack", "الغارات", None)]
COUNTED = {
    "coreference of the mentions of an entity not kept": 1, "coreference of the mentions of an event not kept": 1,
    "head and whole extent of a mention differ; one is not kept": 1,
    "level of a mention, such as NOM or PRO, not kept": 2,
    "specificity of an entity not kept": 1, "realis of an event that no status of the schema tells": 1,
    "trigger of a relation not kept": 1, "roles of the ends of a relation not kept": 3,
    "realis of a relation or argument not kept": 2}


def read_all(path: Path, losses: Losses | None = None, **options) -> list[Document]:
    return list(read(path, "ere", losses=losses, **options))


def told(document: Document) -> list[tuple]:
    return [(span.label, span.text, span.status) for span in document.spans]


def joined(document: Document) -> set[tuple]:
    return {(relation.type, relation.head.text, relation.tail.text) for relation in document.relations}


def test_a_document_of_rich_ere():
    losses = Losses()
    [document] = read_all(DATA, losses)
    assert (document.id, document.text, document.meta) == ("DF_1", SOURCE, {})
    assert told(document) == [
        ("PER", "أبو سمير", None), EVENTS[0], ("PER", "قائد الفرقة الرابعة", None), ("title", "قائد", None),
        ("PER", "عمر العلي", None), ("GPE", "حلب", None), EVENTS[1], ("ORG", "AT&amp;T", None),
        ("weapon", "بالمسيّرات", None),
        ("PER", "القائد", None), EVENTS[2]]
    assert joined(document) == {
        ("victim", "قُتل", "عمر العلي"), ("place", "قُتل", "حلب"), ("attacker", "تقصف", "AT&amp;T"),
        ("instrument", "تقصف", "بالمسيّرات"), ("physical:locatednear", "عمر العلي", "حلب"),
        ("physical:locatednear", "أبو سمير", "حلب"), ("generalaffiliation:personage", "عمر العلي", "قائد")}
    assert [span.id for span in document.spans][:4] == ["m-5", "em-1", "m-2", "f-1"]
    assert losses.counts == COUNTED


def test_without_the_tags_of_the_source():
    losses = Losses()
    [kept], [document] = read_all(DATA), read_all(DATA, losses, tags="drop")
    assert document.text == re.sub("<[^>]*>", "", SOURCE) and "AT&amp;T" in document.text
    assert told(document) == told(kept)[1:]
    assert joined(document) == {relation for relation in joined(kept) if relation[1] != "أبو سمير"}
    assert losses.counts == COUNTED | {"mention inside a tag of the source, which tags=drop takes out": 1,
                                       "relation or argument of a mention inside a tag of the source": 1}


def test_heads_instead_of_extents():
    [document] = read_all(DATA / "ere" / "DF_1.rich_ere.xml", extent="head")
    assert [span.text for span in document.spans if span.label == "PER"] == ["أبو سمير", "قائد", "عمر العلي", "القائد"]
    with pytest.raises(ArabieError, match="unknown extent 'heads'; did you mean 'head'"):
        read_all(DATA, extent="heads")
    with pytest.raises(ArabieError, match="unknown tags 'kep'; did you mean 'keep'"):
        read_all(DATA, tags="kep")


@QUICK
@given(st.lists(st.sampled_from(["<a b='c'>", "</a>", "<br/>", "<", ">", "نص", " ", "&lt;"]), max_size=10).map("".join))
def test_places_in_a_text_without_tags_against_a_slow_reference(source):
    text = _Text(source, True)
    inside = {place for tag in re.finditer(r"<[/!?]?[A-Za-z][^<>]*>", source) for place in range(*tag.span())}
    left = [place for place in range(len(source)) if place not in inside]
    assert text.text == "".join(source[place] for place in left)
    for start in range(len(source)):
        for end in range(start + 1, len(source) + 1):
            whole = start in left and end - 1 in left
            assert text.place(start, end) == ((left.index(start), left.index(end - 1) + 1) if whole else None)


def test_what_is_written(tmp_path):
    text = "لم ينشق ضابط من قسد"
    spans = flee, role, group, cause = (Span(3, 7, "DEFECTION", "POSSIBLE"), Span(8, 12, "ROLE"), Span(16, 19, "GROUP"),
                                        Span(8, 19, "OTHER"))
    relations = Relation("FROM", flee, group), Relation("CAUSES", cause, flee), Relation("MEMBER_OF", role, group)
    document = Document(text, spans, relations, "خبر 1")
    assert not write([document, Document("\ufeff<b>\r\n\ufeff", id="خبر/1")], tmp_path / "out", "ere")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "خبر 1.rich_ere.xml", "خبر 1.txt", "خبر_1.rich_ere.xml", "خبر_1.txt"]
    tree = ElementTree.parse(tmp_path / "out" / "خبر 1.rich_ere.xml").getroot()
    assert (tree.tag, [part.tag for part in tree]) == ("deft_ere", ["entities", "fillers", "relations", "hoppers"])
    [event] = tree.iter("event_mention")
    assert (event.get("type"), event.get("realis"), event.find("trigger").text) == ("DEFECTION", "other", "ينشق")
    assert event.find("trigger").attrib == {"source": "خبر 1", "offset": "3", "length": "4"}
    assert [node.get("role") for node in event.iter("em_arg")] == ["FROM"]
    assert [node.get("type") for node in tree.iter("relation")] == ["CAUSES", "MEMBER_OF"]
    losses = Losses()
    assert read_all(tmp_path / "out", losses) == [document, Document("\ufeff<b>\r\n\ufeff", id="خبر/1")] and not losses


@QUICK
@given(documents())
def test_round_trip_keeps_the_text_exactly(tmp_path, before):
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    losses = write([before], folder, "ere")
    [after] = read_all(folder, losses)
    assert after.text == before.text
    assert changes(before, after) <= explained(losses.counts, LOST)
    together = sum(count for cause, count in losses.counts.items() if "at the place of another" in cause)
    assert len(before.spans) - together == len(after.spans)
    assert len(before.relations) - losses.counts.get("relation given twice", 0) == len(after.relations)


@QUICK
@given(st.text(max_size=12), st.text(max_size=3))
def test_any_text_and_id_at_all_come_back(tmp_path, text, id):
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    before = Document(text, tuple(Span(place, place + 1, "LOC") for place in range(len(text))), id=id)
    losses = write([before], folder, "ere")
    [after] = read_all(folder)
    assert (after.text, after.spans) == (before.text, before.spans) and (after.id == id or losses)


def test_another_schema_without_statuses(tmp_path):
    schema = Schema.from_dict({"layers": [{"name": "events", "labels": ["conflict:attack"]}]})
    losses = Losses()
    [document] = read_all(DATA, losses, schema=schema)
    assert [span.status for span in document.spans if span.label == "conflict:attack"] == [None, None]
    assert losses.counts["realis of an event that no status of the schema tells"] == 2


MENTION = ('<entity id="ent-1" type="PER"><entity_mention id="m-1" offset="0" length="3">'
           "<mention_text>عمر</mention_text></entity_mention></entity>")
EVENT = '<event_mention id="em-1" type="X"><trigger offset="4" length="3"/>{}</event_mention>'
MALFORMED = {
    "not XML": ("<deft_ere>", "f.rich_ere.xml:1: not XML: no element found"),
    "of ACE": ("<source_file>\n</source_file>", "f.rich_ere.xml:1: <source_file> is not <deft_ere>"),
    "external entity": ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n<deft_ere>&b;</deft_ere>',
                        "f.rich_ere.xml:1: the entity 'b'"),
    "no type": (MENTION.replace(' type="PER"', ""), "f.rich_ere.xml:1: <entity> has no type; add it"),
    "no offset": (MENTION.replace(' offset="0"', ""), "f.rich_ere.xml:1: <entity_mention> has no offset; add it"),
    "no number": (MENTION.replace('"3"', '"b"'), "f.rich_ere.xml:1: offset='0' length='b'; they must be numbers"),
    "nothing": (MENTION.replace('"3"', '"0"'), "f.rich_ere.xml:1: 0 characters at 0 do not lie in the source of 7"),
    "past the text": (MENTION.replace('"3"', '"8"'), "f.rich_ere.xml:1: 8 characters at 0 do not lie in the source of"),
    "other characters": (MENTION.replace('"0"', '"1"'), "f.rich_ere.xml:1: 'عمر' is not what stands at 1 to 3, 'مر '"),
    "no id": (MENTION.replace(' id="m-1"', ""), "f.rich_ere.xml:1: <entity_mention> has no id; add it"),
    "id used twice": (MENTION + MENTION, "f.rich_ere.xml:1: the ID 'm-1' is used twice"),
    "no trigger": ('<hopper><event_mention id="1" type="X"/></hopper>',
                   "f.rich_ere.xml:1: <event_mention> has no <trigger>; add it"),
    "argument nowhere": (f"{MENTION}<hopper>{EVENT}</hopper>".format('<em_arg entity_mention_id="m-2" role="A"/>'),
                         "f.rich_ere.xml:1: entity_mention_id='m-2' is the ID of no mention; did you mean 'm-1'"),
    "argument of nothing": (f"<hopper>{EVENT}</hopper>".format('<em_arg role="A"/>'),
                            "f.rich_ere.xml:1: <em_arg> has no entity_mention_id; add it"),
    "relation of one": (MENTION + '<relation type="X"><relation_mention><rel_arg1 entity_mention_id="m-1"/>'
                        "</relation_mention></relation>", "f.rich_ere.xml:1: the relation X needs <rel_arg1> and"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files(case, tmp_path):
    content, message = MALFORMED[case]
    if "deft_ere" not in content and "source_file" not in content:
        content = f"<deft_ere><entities>{content}</entities></deft_ere>"
    (tmp_path / "f.rich_ere.xml").write_text(content, encoding="utf-8")
    (tmp_path / "f.txt").write_text("عمر قال", encoding="utf-8")
    with pytest.raises(FileError, match=message):
        read_all(tmp_path)


def test_parts_that_are_not_known_are_counted(tmp_path):
    (tmp_path / "f.rich_ere.xml").write_text("<deft_ere><events/>\n<hoppers/></deft_ere>", encoding="utf-8")
    (tmp_path / "f.txt").write_text("عمر قال", encoding="utf-8")
    losses = Losses()
    assert read_all(tmp_path, losses) == [Document("عمر قال")]
    assert losses.counts == {"<events> of an annotation not kept": 1}


def test_a_mention_need_not_quote_its_text(tmp_path):
    bare = MENTION.replace("<mention_text>عمر</mention_text>", '<nom_head offset="1" length="2">مر</nom_head>')
    (tmp_path / "f.rich_ere.xml").write_text(f"<deft_ere><entities>{bare}</entities></deft_ere>", encoding="utf-8")
    (tmp_path / "f.txt").write_text("عمر قال", encoding="utf-8")
    assert [told(document) for document in read_all(tmp_path)] == [[("PER", "عمر", None)]]


def test_where_the_text_is_looked_for(tmp_path):
    (tmp_path / "ere").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "ere" / "f.xml").write_text("<deft_ere/>", encoding="utf-8")
    (tmp_path / "texts" / "f.xml").write_text("<DOC>قسد</DOC>", encoding="utf-8")
    with pytest.raises(FileError, match=r"its text, f.cmp.txt or .* is not in .*ere or .*source; .* source=FOLDER"):
        read_all(tmp_path / "ere" / "f.xml")
    assert read_all(tmp_path / "ere" / "f.xml", source=str(tmp_path / "texts"), tags="drop") == [Document("قسد")]
    with pytest.raises(FileError, match="the folder holds no .rich_ere.xml file; name the folder that does"):
        read_all(tmp_path)
