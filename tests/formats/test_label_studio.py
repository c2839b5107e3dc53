from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_documents import SCHEMA, documents

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, FileError
from arabie.formats import read, write
from arabie.formats.label_studio import labelling_config
from arabie.formats.label_studio.hypertext import TextContent
from arabie.formats.losses import Losses, LossError
from arabie.schema import Schema

EXPORT = Path(__file__).parent / "data" / "label_studio" / "export.json"
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def tasks(tmp_path: Path, *items) -> Path:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(items, ensure_ascii=False), encoding="utf-8")
    return path


def task(*results, text="قسد في حلب", **data) -> dict:
    return {"data": {"text": text, **data}, "annotations": [{"result": list(results)}]}


def region(start, end, id="r", **value) -> dict:
    return {"id": id, "from_name": "l", "to_name": "text", "type": "labels",
            "value": {"start": start, "end": end, "labels": ["LOC"], **value}}


def test_an_export_with_everything_in_it():
    losses = Losses()
    first, second, third = read(EXPORT, "label-studio", losses=losses, field=None)
    assert (first.id, first.meta) == ("1", {"title": "خبر", "source": "x"})
    assert [(s.text, s.label, s.status, s.score, s.id) for s in first.spans] == [
        ("فرّ", "DEFECTION", "NEGATED", 0.5, "r1"), ("ضابط", "PERSON", None, None, None),
        ("ضابط", "ROLE", None, None, "r2"), ("قسد\nفي حلب", "GROUP", None, None, "r3"),
        ("حلب", "LOC", None, None, "r4")]
    assert {(r.type, r.head.text, r.tail.text, r.tail.label) for r in first.relations} == {
        ("AGENT", "فرّ", "ضابط", "ROLE"), ("AGENT", "فرّ", "ضابط", "PERSON"), ("PLACE", "فرّ", "حلب", "LOC"),
        ("FROM", "فرّ", "حلب", "LOC"), ("ALIAS", "قسد\nفي حلب", "حلب", "LOC"), ("ALIAS", "حلب", "قسد\nفي حلب", "GROUP"),
        ("MEMBER_OF", "ضابط", "قسد\nفي حلب", "GROUP")}
    assert [r.head.label for r in first.relations if r.type == "MEMBER_OF"] == ["PERSON", "ROLE"]
    assert [(s.start, s.end, s.text) for s in second.spans] == [(3, 6, "حلب"), (7, 10, "حلب")]  # UTF-16 in the file
    assert [s.text for s in third.spans] == ["قوات <b>النظام", "قسد", "حلب"]
    assert third.text.startswith("<html>") and third.id == "3"
    assert losses.counts == {
        "annotation skipped by its annotator": 1, "further annotations of a task": 1, "task without annotations": 1,
        "answer about a region other than its status (textarea)": 1, "answer about the whole text (choices)": 1,
        "region that is not of text (rectanglelabels)": 1, "note on a region": 1, "relation without a label": 1,
        "region whose text is not what stands at its place": 2, "relation of a region that is left out": 1}
    assert losses.examples["region whose text is not what stands at its place"][0] == f'{EXPORT}:2 (task 1): "إلى"'


def test_every_annotator_or_one():
    everyone = list(read(EXPORT, "label-studio", annotator="all"))
    assert [(document.id, document.meta.get("annotator")) for document in everyone] == [
        ("1", "b@example.org"), ("1", "5"), ("2", None), ("3", "4")]
    for name in ("b@example.org", "4"):
        assert [d.meta["annotator"] for d in read(EXPORT, "label-studio", annotator=name)][0] == "b@example.org"
    losses = Losses()
    one, = read(EXPORT, "label-studio", annotator="5", losses=losses)
    assert [span.text for span in one.spans] == ["قسد"] and losses.counts["task without annotations by 5"] == 3
    with pytest.raises(FileError, match="none of the annotations is by 'c'; they are by 4, 5, b@example.org"):
        list(read(EXPORT, "label-studio", annotator="c"))


def test_predictions_are_read_when_asked_for():
    document, = read(EXPORT, "label-studio", use="predictions", annotator="all")
    assert [(span.text, span.score) for span in document.spans] == [("قسد", 0.9)]
    assert document.meta["annotator"] == "m1"
    with pytest.raises(ArabieError, match="use='prediction': there is no such part of a task; did you mean 'predicti"):
        list(read(EXPORT, "label-studio", use="prediction"))


def test_several_texts(tmp_path):
    both = tasks(tmp_path, {"data": {"title": "حلب", "body": "قسد في حلب"}, "annotations": [{"result": [
        {**region(0, 3, text="حلب"), "to_name": "title"}, {**region(7, 10, text="حلب"), "to_name": "body"}]}]})
    with pytest.raises(FileError, match="the data have title, body; say which one is the text with field=NAME"):
        list(read(both, "label-studio"))
    with pytest.raises(FileError, match="the data have no text 'text'; they have title, body"):
        list(read(both, "label-studio", field="text"))
    losses = Losses()
    document, = read(both, "label-studio", field="body", losses=losses)
    assert (document.text, document.meta) == ("قسد في حلب", {"title": "حلب"})
    assert [span.start for span in document.spans] == [7] and losses.counts == {"region of another text (title)": 1}


def test_an_id_that_two_regions_have_joins_only_labels_of_one_place(tmp_path):
    regions = (region(0, 3, labels=["GROUP"]), region(7, 10, text="حلب"), region(0, 3, labels=["ORG"]), region(7, 10))
    losses = Losses()
    document, = read(tasks(tmp_path, task(*regions)), "label-studio", losses=losses)
    assert [(span.text, span.label) for span in document.spans] == [("قسد", "GROUP"), ("قسد", "ORG"), ("حلب", "LOC")]
    assert not losses
    further = {**region(0, 3, labels=["ORG"]), "score": 0.5}
    next(read(tasks(tmp_path, task(region(0, 3), further)), "label-studio", losses=losses))
    assert losses.counts == {"score or note that a further control gives to a region": 1}


def test_ids_may_be_numbers(tmp_path):
    path = tasks(tmp_path, task(region(0, 3, 1), region(7, 10, 2), relation(from_id=1, to_id="2")))
    document, = read(path, "label-studio")
    assert [(r.head.text, r.tail.text) for r in document.relations] == [("قسد", "حلب")]


def test_tasks_that_were_not_submitted_are_told(tmp_path):
    made = Document("قسد في حلب", (Span(0, 3, "GROUP"),))
    write([made, made], tmp_path / "t.json", "label-studio")
    with pytest.raises(FileError, match="t.json: no task has annotations; 2 have predictions: submit them in Label Studio"):
        write(read(tmp_path / "t.json", "label-studio"), tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
    pending = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    losses = Losses()
    assert len(list(read(tasks(tmp_path, *pending, {"data": {"text": "قسد"}}, task()), "label-studio", losses=losses))) == 1
    assert losses.counts == {"task without annotations, but with predictions": 2, "task without annotations": 1}
    assert list(read(tasks(tmp_path, {"data": {"text": "قسد"}}), "label-studio")) == []


def test_of_a_key_with_two_values_the_last_is_kept_and_the_other_counted(tmp_path):
    losses = Losses()
    document, = read(tasks(tmp_path, task(a=1, b=2, meta={"a": 3, "b": 2})), "label-studio", losses=losses)
    assert document.meta == {"a": 3, "b": 2}
    assert losses.counts == {"key of the meta data that is there twice, the last value kept": 1}


def test_the_configuration_replaces_nothing_but_another_configuration(tmp_path):
    for name in ("t.xml", "t.XML", ""):
        with pytest.raises(FileError, match="name a file that ends in .json"):
            write([Document("قسد")], Path(name and tmp_path / name), "label-studio")
    for foreign in ("<TEI><text/></TEI>", "<View><Image/></View>", "no XML", '<?xml version="1.0" encoding="x"?><View/>'):
        (tmp_path / "t.xml").write_text(foreign)
        with pytest.raises(FileError, match="t.xml: is there and is no labelling configuration"):
            write([Document("قسد")], tmp_path / "t.json", "label-studio")
        assert [path.read_text() for path in tmp_path.iterdir()] == [foreign]
    (tmp_path / "t.xml").write_text(labelling_config(Schema.from_dict({"layers": [{"name": "x", "labels": ["X"]}]})))
    write([Document("قسد")], tmp_path / "t.json", "label-studio")
    assert (tmp_path / "t.xml").read_text(encoding="utf-8") == labelling_config(SCHEMA)


def test_the_unit_is_the_one_that_the_covered_texts_prove(tmp_path):
    """«حلب» stands at UTF-16 units 3–6 and 7–10; as code points, 3–6 of the first region would be another word."""
    text = "😀 حلب حلب حلب"
    old = tasks(tmp_path, task(region(3, 6, "a", text="حلب"), region(7, 10, "b", text="حلب"), text=text))
    document, = read(old, "label-studio")
    assert [(span.start, span.end) for span in document.spans] == [(2, 5), (6, 9)]
    new = tasks(tmp_path, task(region(2, 5, "a", text="حلب"), region(6, 9, "b", text="حلب"), text=text))
    assert next(read(new, "label-studio")) == document
    unproved = tasks(tmp_path, task(region(2, 5), text=text))
    assert [span.text for span in next(read(unproved, "label-studio")).spans] == ["حلب"]


@QUICK
@given(document=documents(), use=st.sampled_from(["predictions", "annotations"]))
def test_what_is_written_is_read(document, use, tmp_path):
    losses, again = Losses(), Losses()
    write([document, document], tmp_path / "t.json", "label-studio", losses=losses, use=use)
    back, second = read(tmp_path / "t.json", "label-studio", losses=again, use=use)
    assert back == second == document and not again
    causes = set()
    if any(SCHEMA.layer_of(span.label) is None for span in document.spans):
        causes.add("label that the schema, and so the labelling configuration, does not have")
    pairs = [(relation.head, relation.tail) for relation in document.relations]
    if any(pairs.count((r.head, r.tail)) > 1 and r.score is not None for r in document.relations):
        causes.add("score of one of several relations between two spans")
    assert set(losses.counts) == causes
    if not causes:
        named = {span.id for span in document.spans if span.id}
        assert [relation.score for relation in back.relations] == [relation.score for relation in document.relations]
        assert [span.score for span in back.spans] == [span.score for span in document.spans]
        assert named <= {span.id for span in back.spans}


@QUICK
@given(words=st.lists(st.sampled_from(["قسد", "حلب", "هجوم", "ضابط", "إدلب"]), min_size=1, unique=True),
       between=st.lists(st.sampled_from([" ", " 😀 ", "😀😀", "👨‍👩‍👧 "]), min_size=5, max_size=5), data=st.data())
def test_either_unit_is_found_by_the_covered_texts(words, between, data, tmp_path):
    """The reference counts the units one character after the other."""
    unit = data.draw(st.sampled_from([len, lambda text: sum(2 if ord(c) > 0xFFFF else 1 for c in text)]))
    text = "".join(gap + word for gap, word in zip(between, words))
    starts = [unit(text[:text.index(word)]) for word in words]
    regions = [region(start, start + len(word), word, text=word) for start, word in zip(starts, words)]
    losses = Losses()
    document, = read(tasks(tmp_path, task(*regions, text=text)), "label-studio", losses=losses)
    assert [span.text for span in document.spans] == words and not losses


def test_one_result_joins_two_regions_however_many_relations(tmp_path):
    head, tail = Span(0, 3, "DEFECTION"), Span(7, 10, "LOC")
    made = Document("فرّ من حلب", (head, tail), (Relation("FROM", head, tail, 0.5), Relation("PLACE", head, tail)), "d")
    losses = write([made], tmp_path / "t.json", "label-studio", model_version="m2")
    item = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))[0]["predictions"][0]
    assert item["model_version"] == "m2"
    assert [result for result in item["result"] if result["type"] == "relation"] == [
        {"from_id": "T1", "to_id": "T2", "type": "relation", "direction": "right", "labels": ["FROM", "PLACE"]}]
    assert losses.counts == {"score of one of several relations between two spans": 1}
    assert next(read(tmp_path / "t.json", "label-studio", use="predictions")) == made


def test_the_configuration_has_every_label_and_writes_from_right_to_left(tmp_path):
    write([], tmp_path / "t.json", "label-studio")
    assert list(read(tmp_path / "t.json", "label-studio")) == []
    config = (tmp_path / "t.xml").read_text(encoding="utf-8")
    assert config == labelling_config(SCHEMA)
    view = ElementTree.fromstring(config)
    assert [label.get("value") for label in view.iter("Label")] == list(SCHEMA.all_labels)
    assert [relation.get("value") for relation in view.iter("Relation")] == list(SCHEMA.relation_names)
    choices, = view.iter("Choices")
    assert (choices.get("perRegion"), choices.get("whenTagName")) == ("true", "events")
    page, = (page for page in view.iter("View") if page.get("style"))
    assert "direction: rtl" in page.get("style") and page.find("Text").attrib == {"name": "text", "value": "$text"}
    assert len({label.get("background") for label in view.iter("Label")}) == len(SCHEMA.all_labels)


def sdk_interface():
    module = pytest.importorskip("label_studio_sdk.label_interface", exc_type=ImportError)
    return module.LabelInterface(labelling_config(SCHEMA))


def test_label_studio_itself_takes_the_configuration_and_the_tasks(tmp_path):
    interface = sdk_interface()
    interface.validate()
    trigger, place = Span(0, 3, "DEFECTION", "POSSIBLE", 0.7), Span(7, 10, "LOC", score=0.25)
    made = Document("فرّ من حلب 😀", (trigger, place), (Relation("FROM", trigger, place),), "d")
    for use in ("predictions", "annotations"):
        write([made], tmp_path / "t.json", "label-studio", use=use)
        item, = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))[0][use]
        assert interface.validate_prediction(item, return_errors=True) == []


def test_the_converter_of_label_studio_reads_our_tasks(tmp_path):
    converter = pytest.importorskip("label_studio_sdk.converter.converter", exc_type=ImportError).Converter
    made = Document("قسد في 😀حلب", (Span(0, 3, "GROUP"), Span(8, 11, "LOC")), (), "d")
    write([made], tmp_path / "t.json", "label-studio", use="annotations")
    imported = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    imported[0]["id"] = imported[0]["annotations"][0]["id"] = 1  # which importing gives
    (tmp_path / "t.json").write_text(json.dumps(imported), encoding="utf-8")
    made = converter((tmp_path / "t.xml").read_text(encoding="utf-8"), project_dir=None)
    made.convert_to_json_min(str(tmp_path / "t.json"), str(tmp_path / "out"), is_dir=False)
    row, = json.loads((tmp_path / "out" / "result.json").read_text(encoding="utf-8"))
    assert [(r["start"], r["end"], r["text"], r["labels"]) for r in row["entities"]] == [
        (0, 3, "قسد", ["GROUP"]), (8, 11, "حلب", ["LOC"])]


def test_tasks_made_by_label_studio_are_read(tmp_path):
    objects = pytest.importorskip("label_studio_sdk.label_interface.objects", exc_type=ImportError)
    regions = sdk_interface().create_regions({
        "entities": [{"label": ["GROUP", "ORG"], "start": 0, "end": 3, "text": "قسد"},
                     {"label": ["LOC"], "start": 8, "end": 11}]})
    annotation = objects.AnnotationValue(completed_by=3, result=regions)
    made = objects.TaskValue(data={"text": "قسد في 😀حلب"}, annotations=[annotation]).model_dump()
    losses = Losses()
    document, = read(tasks(tmp_path, made), "label-studio", losses=losses, annotator="all")
    assert [(span.text, span.label) for span in document.spans] == [("قسد", "GROUP"), ("قسد", "ORG"), ("حلب", "LOC")]
    assert document.meta == {"annotator": "3"} and not losses


@QUICK
@given(pieces=st.lists(st.sampled_from([
    "قسد", " ", "\n", "\r\n", "😀", "<b>", "</b>", "<p>", "</p>", "<br>", "<br/>", "&amp;", "&#1587;", "&lt", "&x;",
    "<!-- c -->", "<script>if (a<b) c</script>", "<img src='a'>"]), max_size=10))
def test_the_content_of_html_leads_back_to_its_source(pieces):
    """Each piece says what it shows; the reference puts that together."""
    shown = {"<br>": "\n", "<br/>": "\n", "&amp;": "&", "&#1587;": "س", "&lt": "<", "\r\n": "\n"}
    source = "".join(pieces)
    content = TextContent(source)
    unseen = {piece for piece in pieces if piece.startswith("<") and piece not in shown}
    assert content.text == "".join(shown.get(piece, piece) for piece in pieces if piece not in unseen)
    for place, character in enumerate(content.text):
        start, end = content.to_source(place, place + 1)
        assert shown.get(source[start:end], source[start:end]) == character


def relation(**fields) -> dict:
    return {"type": "relation", "from_id": "r", "to_id": "r", "labels": ["ALIAS"], **fields}


@pytest.mark.parametrize("item, message", [
    ({"text": "قسد"}, 'a task has an object "data"; export the project as JSON'),
    ({"text": "قسد", "id": 1, "annotation_id": 2, "label": []}, "this looks like JSON-MIN; export the project as JSON"),
    ({"data": {"image": 3}}, "the data have no text"),
    ({"data": {"text": "a"}, "annotations": {}}, '"annotations" is {}; it must be a list'),
    ({"data": {"text": "a"}, "annotations": [3]}, '"annotations" holds 3, not an object'),
    ({"data": {"text": "a"}, "annotations": [{"result": "x"}]}, '"result" is "x"; it must be a list'),
    (task("x"), 'result[0] is "x"; a result is an object with a "type"'),
    (task({"type": "labels"}), 'result[0] has no object "value"'),
    (task(region(0, 3, labels="LOC")), 'the labels of result[0] are "LOC"; they must be a list of strings'),
    (task({**region(0, 3), "score": "high"}), 'the score of result[0] is "high"; it must be a finite number'),
    (task({**region(0, 3), "score": float("nan")}), "the score of result[0] is NaN; it must be a finite number"),
    (task(region(0, 3), relation(score="x")), 'the score of result[1] is "x"; it must be a finite number'),
    (task(region("0", 3)), "neither globalOffsets nor start, end, startOffset and endOffset"),
    (task(region(None, 3)), "a region has start null and end 3; both must be whole numbers"),
    (task(region(0, float("nan"))), "a region has start 0 and end NaN; both must be whole numbers"),
    (task(region(0, 30)), "region 0–30: offset 30 lies outside the text of 10 code points; was the text changed"),
    (task(region(3, 3)), "region 3–3 has no extent"),
    (task(region(0, 3), relation(to_id="s")), 'result[1] is a relation whose to_id "s" is no region of this annota'),
    (task(region(0, 3), relation(from_id=["r"])), 'result[1] is a relation whose from_id ["r"] is no region of this'),
    (task(region(0, 3), region(7, 10, None), relation(to_id=None)), "whose to_id null is no region of this annotation"),
    (task(region(0, 3), region(7, 10), relation()), "result[2] belongs to the id 'r', which 2 regions have"),
    (task(region(0, 3), relation(direction="up")), 'the direction of result[1] is "up"; it is left, right or bi'),
    (task(region(0, 3), relation(labels=[1])), "the labels of result[1] are [1]; they must be a list of strings"),
])
def test_malformed_tasks_are_told(item, message, tmp_path):
    path = tasks(tmp_path, {"data": {"text": ""}}, {"id": 7, **item})
    with pytest.raises(FileError) as error:
        list(read(path, "label-studio"))
    assert message in str(error.value) and str(error.value).startswith(f"{path}:1 (task {item.get('id', 7)}): ")


@pytest.mark.parametrize("content, message", [
    (b'[{"data": {"text": "a"}}, {"da', ":1: not JSON: "), (b"[3]", ":1: 3 is not an object"),
    (b'[\n{"data": {"text": "\xde"}}]', ":2: not UTF-8: "),
    (b'[{"data": {"text": "a"}} 3]', ":1: not JSON: expecting a comma"),
])
def test_files_that_are_no_tasks(content, message, tmp_path):
    (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(FileError) as error:
        list(read(tmp_path / "t.json", "label-studio"))
    assert message in str(error.value)


def test_strict_and_failing_writers_leave_nothing(tmp_path):
    with pytest.raises(LossError, match="label that the schema"):
        write([Document("a", (Span(0, 1, "STAR"),))], tmp_path / "t.json", "label-studio", losses=Losses(strict=True))
    with pytest.raises(FileError, match="half of a surrogate pair"):
        write([Document("a"), Document("\ud83d")], tmp_path / "t.json", "label-studio")
    assert not list(tmp_path.iterdir())
