"""Schemas: another one is another file, its rules are checked when it is read, and Documents are checked by them."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import arabie
from arabie.document import Document, Relation, Span
from arabie.errors import FileError, SchemaError
from arabie.schema import Layer, RelationType, Schema, default_schema
from arabie.validation import validate

COURTS = """
name = "courts"

[[layers]]
name = "people"
labels = ["JUDGE", "ACCUSED"]

[[layers]]
name = "rulings"
labels = ["SENTENCE", "ACQUITTAL"]
statuses = ["FINAL", "APPEALED"]
one_word = true
"""
TEXT = "حكم القاضي على خالد وبرأ سالم"


@pytest.fixture
def courts(tmp_path):
    (tmp_path / "courts.toml").write_text(COURTS, encoding="utf-8-sig")  # as Windows' editor saves it
    return tmp_path / "courts.toml"


def line(*spans):
    found = [{"start": TEXT.index(surface), "end": TEXT.index(surface) + len(surface), "label": label, **fields}
             for label, surface, fields in spans]
    return json.dumps({"id": "c1", "text": TEXT, "spans": found}, ensure_ascii=False) + "\n"


def test_another_schema_is_another_file(courts, tmp_path):
    schema = Schema.load(courts)
    assert (schema.name, schema.relations, schema.relation_names) == ("courts", (), ())
    path = tmp_path / "c.jsonl"
    spans = ("SENTENCE", "حكم", {}), ("JUDGE", "القاضي", {}), ("ACQUITTAL", "وبرأ", {"status": "APPEALED"})
    path.write_text(line(*spans), encoding="utf-8")
    (document,) = arabie.read(path, schema=schema)
    assert [(s.text, s.status) for s in document.layer("rulings")] == [("حكم", "FINAL"), ("وبرأ", "APPEALED")]
    assert [s.text for s in document.layer("people")] == ["القاضي"]
    assert (document.entities, document.events, document.causes, document.layer("weather")) == ((), (), (), ())
    assert schema.problems(document) == [] and validate(path, schema=schema).problems == []
    arabie.write([document], tmp_path / "again.jsonl", schema=schema)
    assert list(arabie.read(tmp_path / "again.jsonl", schema=schema)) == [document]
    assert len(validate(path).problems) == 3, "the default schema has none of these labels"


def test_another_schema_has_its_own_rules_in_validation(courts, tmp_path):
    path = tmp_path / "c.jsonl"
    spans = ("JUDGE", "القاضي على", {}), ("ACCUSED", "على خالد", {}), ("SENTENCE", "وبرأ سالم", {"status": "ACTUAL"})
    path.write_text(line(*spans), encoding="utf-8")
    told = [problem.message for problem in validate(path, schema=Schema.load(courts)).problems]
    assert len(told) == 3
    for part in ("overlaps JUDGE", "status 'ACTUAL' is not one of rulings; known: FINAL, APPEALED",
                 "more than one word"):
        assert sum(part in message for message in told) == 1


def test_a_schema_of_one_layer_and_its_dictionary():
    schema = Schema.from_dict({"layers": [{"name": "things", "labels": ["A", "B"]}]})
    assert (schema.name, schema.all_labels) == ("unnamed", ("A", "B"))
    assert (schema.statuses, schema.default_status("A")) == ((), None)
    for one in (schema, default_schema()):
        again = Schema.from_dict(json.loads(json.dumps(one.to_dict())))
        assert again == one and hash(again) == hash(one) and again.titles == one.titles and again.layers == one.layers


def test_labels_layers_and_joins():
    schema = default_schema()
    assert [layer.name for layer in schema.layers] == ["entities", "events", "causes"]
    assert (schema.layer_of("RAID"), schema.layer_of("NONE"), schema.labels("none")) == ("events", None, ())
    assert (schema.default_status("RAID"), schema.default_status("LOC")) == ("ACTUAL", None)
    assert schema.slots("FEAR_OF_FRONT") == {"front": "LOC"}
    assert schema.allows("FROM", "DEFECTION", "GROUP") and not schema.allows("FROM", "RAID", "GROUP")
    assert not schema.allows("FROM", "GROUP", "DEFECTION") and not schema.allows("NONE", "DEFECTION", "GROUP")
    assert all(schema.allows("CAUSES", c, e) for c in schema.labels("causes") for e in schema.labels("events"))


THINGS = {"name": "things", "labels": ["A", "B"]}
ACTS = {"name": "acts", "labels": ["C"], "statuses": ["YES", "NO"]}


def schema_of(*layers, **parts):
    return {"name": "s", "layers": list(layers), **parts}


@pytest.mark.parametrize(("data", "told"), [
    ({}, "at least one layer"), (schema_of(), "at least one layer"),
    ({"layers": "things"}, r"layers is a list of tables.*\[\[layers\]\]"),
    ({"layers": ["things"]}, "layers is a list of tables"), ({"layers": THINGS}, "layers is a list of tables"),
    (schema_of(THINGS, name=""), "each schema needs a name"),
    (schema_of(THINGS, name=7), "each schema needs a name, not 7"),
    (schema_of(THINGS, layer=1), "unknown key 'layer' in a schema; did you mean 'layers'"),
    (schema_of({"labels": ["A"]}), "each layer needs a name"),
    (schema_of({"name": ["x"], "labels": ["A"]}), "each layer needs a name"),
    (schema_of(THINGS | {"label": ["A"]}), "unknown key 'label' in a layer; did you mean 'labels'"),
    (schema_of({"name": "things"}), "the layer things needs labels"),
    (schema_of({"name": "things", "labels": []}), "needs labels"),
    (schema_of({"name": "things", "labels": "PERSON"}), "labels of the layer things is a list of names, not 'PERSON'"),
    (schema_of({"name": "things", "labels": ["A", 1]}), "labels of the layer things"),
    (schema_of({"name": "x", "labels": [""]}), "labels"),
    (schema_of(THINGS | {"statuses": "YES"}), "statuses of the layer things is a list"),
    (schema_of(THINGS | {"one_word": "yes"}), "one_word of the layer things is true or false"),
    (schema_of(THINGS | {"slots": ["A"]}), "slots of the layer things is a table"),
    (schema_of(THINGS | {"slots": {"A": "B"}}), "slots of A is a table"),
    (schema_of(THINGS | {"slots": {"A": {"x": 1}}}), "slots of A"),
    (schema_of(THINGS | {"slots": {"C": {"x": "A"}}}), "layer things has slots for 'C'"),
    (schema_of(THINGS | {"slots": {"A": {"x": "C"}}}), "a slot of A looks for 'C'"),
    (schema_of({"name": "things", "labels": ["A", "A"]}), "the label 'A' stands in two places"),
    (schema_of(THINGS, {"name": "more", "labels": ["B"]}), "the label 'B' stands in two places"),
    (schema_of(THINGS, {"name": "things", "labels": ["C"]}), "the layer 'things' stands in two places"),
    (schema_of(ACTS, {"name": "more", "labels": ["D"], "statuses": ["NO", "YES"]}), "share one list; more has another"),
    (schema_of(THINGS, relations={"name": "R"}), "relations is a list of tables"),
    (schema_of(THINGS, relations=[{"joins": [["A", "B"]]}]), "needs a name"),
    (schema_of(THINGS, relations=[{"name": "R"}]), "the relation R needs joins"),
    (schema_of(THINGS, relations=[{"name": "R", "joins": []}]), "needs joins"),
    (schema_of(THINGS, relations=[{"name": "R", "joins": ["AB", "BA"]}]), "needs joins"),
    (schema_of(THINGS, relations=[{"name": "R", "joins": [["A"]]}]), "needs joins"),
    (schema_of(THINGS, relations=[{"name": "R", "joins": [["A", 1]]}]), "joins of R is a list of names"),
    (schema_of(THINGS, relations=[{"name": "R", "joins": [["A", "X"]]}]),
     "relation R joins 'X', which is no label there; known: A, B"),
    (schema_of(THINGS, relations=[{"name": "R", "joins": [["A", "@thing"]]}]), "relation R joins '@thing'"),
    (schema_of(THINGS, relations=[{"name": "R", "joins": [["A", "B"]]}] * 2), "the relation 'R' stands in two places"),
    (schema_of(THINGS, relations=[{"name": "R", "joins": [["A", "B"]], "label": 1}]),
     "unknown key 'label' in a relation"),
    (schema_of(THINGS, titles={"A": 1}), "titles is a table of names"),
    (schema_of(THINGS, titles=["A"]), "titles is a table of names"),
])
def test_a_schema_that_cannot_be_is_refused(data, told):
    with pytest.raises(SchemaError, match=told):
        Schema.from_dict(data)


@pytest.mark.parametrize(("content", "kind", "told"), [
    (None, FileError, "none.toml: cannot read the schema"), (b"name = ", SchemaError, "s.toml: not a TOML file"),
    (b"\xff\xfe", SchemaError, "s.toml: not a TOML file"),
    (b'name = "s"', SchemaError, "s.toml: a schema has at least one layer"),
    (b'[[layers]]\nname = "a"\nlabels = ["A", "A"]', SchemaError, "s.toml: schema 'unnamed': the label 'A'"),
])
def test_a_schema_file_that_cannot_be_read_is_named(content, kind, told, tmp_path):
    path = tmp_path / ("none.toml" if content is None else "s.toml")
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind, match=told):
        Schema.load(path)


SMALL = Schema("s", (Layer("things", ("A", "B")), Layer("acts", ("C",), ("YES", "NO"))),
               (RelationType("R", frozenset({("C", "A"), ("C", "B")})), RelationType("Q", frozenset({("A", "A")}))))


@st.composite
def small_documents(draw):
    places = st.tuples(st.integers(0, 8), st.integers(1, 4)).map(lambda place: (place[0], sum(place)))
    labels, statuses = st.sampled_from("ABCX"), st.sampled_from([None, "YES", "NO", "PERHAPS"])
    span = st.builds(lambda place, label, status: Span(*place, label, status), places, labels, statuses)
    spans = draw(st.lists(span, max_size=6, unique=True))
    spans = [s for s in spans if not (s.label == "C" and s.status == "YES" and Span(s.start, s.end, "C") in spans)]
    ends = st.sampled_from(spans) if spans else st.nothing()
    relation = st.builds(Relation, st.sampled_from("RQZ"), ends, ends)
    relations = draw(st.lists(relation, max_size=4 if spans else 0, unique=True))
    return Document("abcdefghijkl", tuple(spans), tuple(relations), schema=SMALL)


def slow_problems(document):
    """How many problems there are of each kind, every span held against every one before it."""
    labels = {"A": "things", "B": "things", "C": "acts"}
    known = [s for s in document.spans if s.label in labels]
    allowed = {("R", "C", "A"), ("R", "C", "B"), ("Q", "A", "A")}
    joins = [(r.type, r.head.label, r.tail.label) for r in document.relations]
    return {
        "unknown label": len(document.spans) - len(known),
        "is not one of": sum(s.status is not None and (s.label != "C" or s.status not in ("YES", "NO")) for s in known),
        "overlaps": sum(any(labels[b.label] == labels[s.label] and b.end > s.start for b in known[:n]) for n,
                        s in enumerate(known)),
        "unknown relation": sum(r.type == "Z" for r in document.relations),
        "does not join": sum(joined[0] != "Z" and joined not in allowed for joined in joins),
    }


# the last overlaps not its neighbour, but the first
LONG, SHORT, AFTER = Span(0, 9, "A"), Span(1, 3, "B"), Span(5, 7, "A")


@settings(max_examples=100, deadline=None)
@given(small_documents())
@example(Document("abcdefghijkl", (LONG, SHORT, AFTER), schema=SMALL))
def test_problems_are_those_of_the_slow_way(document):
    found = SMALL.problems(document)
    expected = slow_problems(document)
    assert {kind: sum(kind in problem for problem in found) for kind in expected} == expected
    assert len(found) == sum(expected.values())
