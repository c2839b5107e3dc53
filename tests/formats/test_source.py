from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import arabie.formats
from arabie.document import Document, Relation, Span
from arabie.errors import DocumentError, FileError
from arabie.formats import source
from arabie.formats.boundaries import Boundaries
from arabie.formats.losses import Losses, LossError
from arabie.schema import Layer, RelationType, Schema, default_schema

SHARED = Path(__file__).resolve().parents[3] / "shared"
SCHEMA = default_schema()
EXAMPLE = """\
=== one
@source invented
فرّ ثمانية عناصر من قوات النظام.

وانضم العناصر إلى قسد خوفاً من زجهم، وقسد ترحب
--- spans
T1 DEFECTION فرّ
T2 COUNT ثمانية عناصر
// a comment

T3 GROUP قوات النظام
T4 DEFECTION وانضم
T5 GROUP قسد
T6 FEAR_OF_FRONT خوفاً من زجهم
T7 DEPLOYMENT زجهم ~POSSIBLE
--- relations
T1 COUNT T2
T1 FROM T3
T4 TO T5
T6 CAUSES T4

=== two
=== three
نص
"""


def written(documents, path, schema=SCHEMA):
    losses = Losses()
    source.write(documents, path, schema=schema, losses=losses)
    return losses


def read_back(path, schema=SCHEMA):
    return list(source.read(path, schema=schema, losses=Losses()))


def problems(text, tmp_path, schema=SCHEMA):
    path = tmp_path / "broken.src"
    path.write_text(text, encoding="utf-8")
    return [(problem.line, problem.message) for checked in source.check(path, schema) for problem in checked.problems]


def test_reads_the_documents_of_a_source(tmp_path):
    path = tmp_path / "a.src"
    path.write_text(EXAMPLE, encoding="utf-8")
    one, two, three = arabie.formats.read(path, "source")
    assert (one.id, one.meta, two.text, three.text) == ("one", {"source": "invented"}, "", "نص")
    assert one.text.startswith("فرّ ثمانية") and one.text.endswith("وقسد ترحب") and one.text.count("\n") == 2
    assert [(span.id, span.label, span.text) for span in one.entities] == [
        ("T2", "COUNT", "ثمانية عناصر"), ("T3", "GROUP", "قوات النظام"), ("T5", "GROUP", "قسد")]
    assert [(event.text, event.status) for event in one.events] == [
        ("فرّ", "ACTUAL"), ("وانضم", "ACTUAL"), ("زجهم", "POSSIBLE")]
    assert [cause.text for cause in one.events[1].causes] == ["خوفاً من زجهم"]


@pytest.mark.parametrize("mangled", [EXAMPLE.replace("\n", "\r\n"), "\ufeff" + EXAMPLE], ids=["CRLF", "BOM"])
def test_line_ends_and_byte_order_mark_change_nothing(tmp_path, mangled):
    (tmp_path / "a.src").write_text(EXAMPLE, encoding="utf-8")
    (tmp_path / "b.src").write_bytes(mangled.encode())
    assert read_back(tmp_path / "a.src") == read_back(tmp_path / "b.src")


def test_a_span_names_the_first_place_after_the_one_before_it_in_its_layer(tmp_path):
    text = "=== d\nقسد ثم قسد ثم وقسد ثم قسد\n--- spans\nA GROUP قسد\nB GROUP قسد\nC GROUP قسد #3\n"
    assert [line for line, _ in problems(text, tmp_path)] == [5]  # B starts looking where A starts, and finds A again
    path = tmp_path / "b.src"
    path.write_text(text.replace("B GROUP قسد", "B GROUP قسد #2"), encoding="utf-8")
    assert [span.start for span in read_back(path)[0].spans] == [0, 7, 22]


DOCUMENT = "=== d\nهرب 3 جنود من قسد، ثم اشتبكت قسد\n"
BROKEN = [
    ("--- spans\nT1 GROUP\n", 4, "'ID LABEL text'"),
    ("--- spans\nT1 GRUOP قسد\n", 4, "did you mean 'GROUP'?"),
    ("--- spans\nT1 GROUP داعش\n", 4, "is not in the text"),
    ("--- spans\nT1 GROUP جنو\n", 4, "part of longer words"),
    ("--- spans\nT1 GROUP قسد #3\n", 4, "its places are #1 to #2"),
    ("--- spans\nT1 GROUP قسد #0\n", 4, "its places are #1 to #2"),
    ("--- spans\nT1 GROUP قسد\nT2 COUNT 3 جنود\n", 5, "only before the span listed above"),
    ("--- spans\nT1 GROUP قسد،\n", 4, "punctuation"),
    ("--- spans\nT1 GROUP قسد\nT1 GROUP قسد #2\n", 5, "the name of two spans"),
    ("--- spans\nT1 COUNT 3 جنود\nT2 ROLE جنود\n", 5, "overlaps T1 «3 جنود»"),
    ("--- spans\nT1 ATTACK اشتبكت قسد\n", 4, "more than one word"),
    ("--- spans\nT1 ATTACK اشتبكت ~MAYBE\n", 4, "known: ACTUAL, NEGATED, POSSIBLE"),
    ("--- spans\nT1 GROUP قسد ~NEGATED\n", 4, "have none"),
    ("--- spans\nT1 DEFECTION هرب\n--- relations\nT1 FROM\n", 6, "'HEAD TYPE TAIL'"),
    ("--- spans\nT1 DEFECTION هرب\n--- relations\nT1 FRM T1\n", 6, "did you mean 'FROM'?"),
    ("--- spans\nT1 DEFECTION هرب\n--- relations\nT1 FROM T2\n", 6, "no span is named 'T2'"),
    ("--- spans\nT1 DEFECTION هرب\nT2 COUNT 3 جنود\n--- relations\nT1 FROM T2\n", 7, "FROM does not join"),
    ("--- spans\nT1 DEFECTION هرب\nT2 COUNT 3 جنود\n--- relations\nT1 COUNT T2\nT1 COUNT T2\n", 8, "twice"),
]


@pytest.mark.parametrize(("annotations", "line", "told"), BROKEN, ids=[told for _, _, told in BROKEN])
def test_what_breaks_a_rule_is_refused_with_its_line(tmp_path, annotations, line, told):
    (found,) = problems(DOCUMENT + annotations, tmp_path)
    assert found[0] == line and told in found[1]
    with pytest.raises(FileError, match=f"broken.src:{line}: document 'd': "):
        read_back(tmp_path / "broken.src")


@pytest.mark.parametrize(("text", "line", "told"), [
    ("قسد\n=== d\nقسد\n", 1, "before the first document"),
    ("// a comment\n\n=== \nقسد\n", 3, "no id"),
    ("=== d\n@source a\n@source b\nقسد\n", 3, "given twice"),
    ("=== d\n@ قسد\n", 2, "'@key value'"),
])
def test_what_breaks_the_layout_is_refused_with_its_line(tmp_path, text, line, told):
    (found,) = problems(text, tmp_path)
    assert found[0] == line and told in found[1]


def test_check_goes_on_after_a_broken_document_and_tells_all(tmp_path):
    path = tmp_path / "a.src"
    path.write_text("=== a\nقسد\n--- spans\nT1 X قسد\nT2 Y قسد\n--- relations\nT1 ALIAS T2\n"
                    "=== b\nقسد\n--- spans\nT1 GROUP قسد\n=== c\nقسد\n--- spans\nT1 GROUP داعش\n", encoding="utf-8")
    found = [(checked.line, [problem.line for problem in checked.problems]) for checked in source.check(path, SCHEMA)]
    assert found == [(1, [4, 5]), (8, []), (12, [15])]
    assert [checked.document and checked.document.id for checked in source.check(path, SCHEMA)] == [None, "b", None]
    with pytest.raises(FileError, match="a.src:4: .*and 1 more in this document"):
        read_back(path)


def test_read_gives_the_documents_before_the_broken_one(tmp_path):
    path = tmp_path / "a.src"
    path.write_text("=== a\nقسد\n=== b\nقسد\n--- spans\nT1 X قسد\n", encoding="utf-8")
    documents = source.read(path, schema=SCHEMA, losses=Losses())
    assert next(documents).id == "a"
    with pytest.raises(FileError):
        next(documents)


def test_a_file_that_is_missing_or_not_utf8_is_told(tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        read_back(tmp_path / "none.src")
    (tmp_path / "a.src").write_bytes("=== a\nقسد".encode("cp1256"))
    with pytest.raises(FileError, match="a.src:2: not UTF-8"):
        read_back(tmp_path / "a.src")


def test_another_schema_needs_no_code(tmp_path):
    schema = Schema("farming", (Layer("things", ("CROP", "PEST"), statuses=("SEEN", "FEARED")),),
                    (RelationType("EATS", frozenset({("PEST", "CROP")})),))
    path = tmp_path / "a.src"
    text = ("=== d\nسوسة النخيل والنخيل\n--- spans\nP PEST سوسة النخيل ~FEARED\nC CROP والنخيل\n"
            "--- relations\nP EATS C\n")
    path.write_text(text, encoding="utf-8")
    (document,) = read_back(path, schema)
    assert [span.status for span in document.spans] == ["FEARED", "SEEN"]
    assert written([document], tmp_path / "b.src", schema).counts == {}
    assert (tmp_path / "b.src").read_text(encoding="utf-8") == text
    assert [line for line, _ in problems(text, tmp_path)] == [4, 5, 7]  # in the default schema


@pytest.mark.parametrize("text", [
    "=== x", "a\n=== x\nb", "--- spans", "a\n --- relations \n", "@key value", "\n@key", "\\", "\\@a\n\\\\=== b",
    "\n\na\n\n", "\n", "\\ is no markup", "===", "--- spans of time", "a\n@b", "//",
])
def test_a_text_that_looks_like_markup_is_kept(tmp_path, text):
    document = Document(text, id="d", meta={"source": "invented"})
    assert not written([document, Document("قسد", id="e")], tmp_path / "a.src")
    assert read_back(tmp_path / "a.src") == [document, Document("قسد", id="e")]


def test_markup_is_escaped_only_where_it_would_be_read_as_such(tmp_path):
    written([Document("@a\n@b\n\n--- spans\n\\c", id="d")], tmp_path / "a.src")
    assert (tmp_path / "a.src").read_text(encoding="utf-8") == "=== d\n\\@a\n@b\n\n\\--- spans\n\\c\n"


def test_a_carriage_return_before_a_line_end_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(DocumentError, match="document 'd': line 2 of its text ends in a carriage return"):
        written([Document("a", id="c"), Document("a\nb\r\nc", id="d")], tmp_path / "a.src")
    assert list(tmp_path.iterdir()) == []


def test_what_a_source_cannot_say_is_counted(tmp_path):
    text = "هرب ضابط من قسد، ثم هرب آخر"
    fled, force = Span(0, 3, "DEFECTION", score=0.9, id="a b"), Span(12, 15, "GROUP", id="G")
    officer, inside_it = Span(4, 11, "PERSON", id="//"), Span(4, 8, "ROLE")
    document = Document(text, (
        fled, force, officer, inside_it,
        Span(12, 16, "ORG"), Span(1, 3, "LOC"), Span(20, 27, "RAID"), Span(0, 3, "RUMOUR"),
        Span(12, 23, "OTHER", fragments=((12, 15), (20, 23))),
    ), (
        Relation("FROM", fled, force, score=0.5), Relation("LIKES", fled, force),
        Relation("AGENT", fled, officer), Relation("AGENT", fled, inside_it),
    ), meta={"year": 2024, "two words": "x", "note": "a\nb"})
    losses = written([document], tmp_path / "a.src")
    assert losses.counts == {
        "document id that is not a line of text, replaced": 1,
        "meta value that is not a line of text, written as JSON": 2,
        "meta key that is not one word, left out": 1,
        "span whose label the schema does not have, or has in several words": 1,
        "span that begins or ends with punctuation or space": 1,
        "span that begins or ends inside a word": 1,
        "span that is more than one word": 1,
        "span that overlaps another of its layer": 1,
        "span id that is not one word of its own, replaced": 2,
        "score of a span": 1,
        "fragments of a span, written as one stretch": 1,
        "relation of a span that is left out": 1,
        "relation that the schema does not allow": 1,
        "score of a relation": 1,
    }
    (back,) = read_back(tmp_path / "a.src")
    assert [(span.id, span.label, span.text) for span in back.spans] == [
        ("T1", "DEFECTION", "هرب"), ("T2", "PERSON", "ضابط من"), ("T3", "OTHER", "قسد، ثم هرب"), ("G", "GROUP", "قسد")]
    assert [relation.type for relation in back.relations] == ["AGENT", "FROM"]
    assert back.meta == {"year": "2024", "note": '"a\\nb"'}
    with pytest.raises(LossError):
        source.write([document], tmp_path / "b.src", schema=SCHEMA, losses=Losses(strict=True))
    assert not (tmp_path / "b.src").exists()


PIECES = ["قسد", "فرّ", "و", "هـ.روب", "#دير_الزور", "30%", "#2", "~ACTUAL", "«", "، ", ".", " ", " ", "\n", "\t",
          "\n=== ", "\n--- spans", "@", "\\", "\u200f", "\u0651", "ـ", "𝒜", "e\u0301", "T1 GROUP قسد"]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=30).map(
    lambda pieces: "".join(pieces).replace("\r", ""))
LINES = st.text(max_size=8).map(lambda text: text.replace("\n", "").strip())


@st.composite
def documents(draw, spans_of):
    """A Document whose spans ``spans_of`` draws; relations are among those that the schema allows."""
    text = draw(TEXTS)
    spans = list({(span.start, span.end, span.label): span for span in draw(spans_of(text))}.values())
    allowed = [Relation(name, a, b) for a in spans for b in spans for name in SCHEMA.relation_names
               if SCHEMA.allows(name, a.label, b.label)]
    relations = draw(st.lists(st.sampled_from(allowed), unique=True, max_size=8)) if allowed else []
    meta = draw(st.dictionaries(st.sampled_from(["source", "@", "تاريخ"]), LINES, max_size=2))
    return Document(text, tuple(spans), tuple(relations), draw(LINES.filter(bool)), meta)


@st.composite
def sayable_spans(draw, text):
    """Spans from word to word within a line that do not overlap in their layer."""
    boundaries, spans = Boundaries(text), []
    for layer in SCHEMA.layers:
        reached = 0
        for first, start in enumerate(boundaries.starts):
            last = first + (0 if layer.one_word else draw(st.integers(0, 2)))
            end = boundaries.ends[min(last, len(boundaries.ends) - 1)]
            if start >= reached and "\n" not in text[start:end] and draw(st.booleans()):
                status = draw(st.sampled_from(layer.statuses)) if layer.statuses else None
                spans.append(Span(start, end, draw(st.sampled_from(layer.labels)), status, id=f"S{len(spans)}"))
                reached = end
    return spans


@st.composite
def any_spans(draw, text):
    ranges = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).filter(lambda r: r[0] < r[1])
    found = draw(st.lists(st.tuples(ranges, st.sampled_from(SCHEMA.all_labels)), max_size=12)) if text else []
    return [Span(*place, label) for place, label in found]


@settings(max_examples=70, deadline=None)
@given(st.lists(documents(sayable_spans), max_size=3))
def test_what_is_written_reads_back_equal(tmp_path_factory, drawn):
    path = tmp_path_factory.mktemp("source") / "a.src"
    losses = written(drawn, path)
    back = read_back(path)
    assert back == drawn and losses.counts == {}
    assert [document.to_dict() for document in back] == [document.to_dict() for document in drawn]  # span ids too


@settings(max_examples=50, deadline=None)
@given(documents(any_spans))
def test_what_does_not_read_back_is_counted(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("source") / "a.src"
    losses = written([document], path)
    (back,) = read_back(path)
    assert (back.text, back.id, back.meta) == (document.text, document.id, document.meta)
    assert set(back.spans) <= set(document.spans) and set(back.relations) <= set(document.relations)
    lost = {"span": len(document.spans) - len(back.spans), "relation": len(document.relations) - len(back.relations)}
    for what, count in lost.items():
        assert sum(times for cause, times in losses.counts.items() if cause.startswith(f"{what} ")) == count


@pytest.mark.parametrize("folder", ["corpus", "real"])
def test_the_shared_sources_compile_as_with_the_first_compiler(tmp_path, folder):
    sources = sorted((SHARED / folder).glob("*.src"))
    if not sources:
        pytest.skip(f"there is no folder shared/{folder} with sources beside the repository")
    expected = tmp_path / "expected.jsonl"
    compiler = SHARED / "tools" / "compile_annotations.py"
    subprocess.run([sys.executable, compiler, *sources, "-o", expected], check=True, capture_output=True)
    documents = [document for path in sources for document in arabie.formats.read(path, "source")]
    expected = [json.loads(line) for line in expected.read_text(encoding="utf-8").splitlines()]
    expected = [Document.from_dict(data) for data in expected]
    assert documents == expected
    assert [document.to_dict() for document in documents] == [document.to_dict() for document in expected]
