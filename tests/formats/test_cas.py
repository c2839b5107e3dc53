from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("cassis")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_documents import PIECES, documents, marks

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, DocumentError, FileError
from arabie.formats import read, write
from arabie.formats.losses import Losses

DATA = Path(__file__).parent / "data" / "cas"
QUICK = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
XML_PIECES = [piece for piece in PIECES if piece not in ("\x0b", "\x1c")]


def told(document: Document) -> list[tuple]:
    return [(span.text, span.label, span.status) for span in document.spans]


def joined(document: Document) -> list[tuple]:
    return [(relation.type, relation.head.text, relation.tail.text) for relation in document.relations]


def test_a_project_of_inception_as_xmi():
    losses = Losses()
    document, = read(DATA / "news.xmi", "cas", losses=losses, status="factuality",
                     layers="Span Relation Event:type CorefLink:referenceType")
    assert document.text == "فرّ 😀 ضابط من\r\nفي حلب" and document.id == "خبر.txt"
    assert told(document) == [("فرّ", "DEFECTION", "NEGATED"), ("ضابط", "ROLE", None), ("ضابط", "nam", None),
                              ("في حلب", "Span", None), ("حلب", "CorefLink", None), ("حلب", "LOC", None)]
    assert joined(document) == [("AGENT", "فرّ", "ضابط"), ("arguments", "فرّ", "حلب"), ("MEMBER_OF", "ضابط", "حلب"),
                                ("same", "ضابط", "حلب")]
    assert document.relations[2].tail.label == "LOC" and document.relations[3].tail.label == "CorefLink"
    assert not document.meta  # the tokens are the usual ones
    assert losses.counts == {"feature of an annotation (Span:certain)": 1, "feature of an annotation (Span:rank)": 1,
                             "annotation of a layer not asked for (POS)": 1}


def test_every_layer_is_read_when_none_is_named():
    document, = read(DATA / "news.xmi", "cas", layers="Event:type Span")
    assert {span.label for span in document.spans} == {"DEFECTION", "ROLE", "LOC", "Span"}
    with pytest.raises(FileError, match="custom.Event has the features type, factuality; say which one is the label "
                                        "with layers='Event:type'"):
        list(read(DATA / "news.xmi", "cas"))
    with pytest.raises(FileError, match="custom.Event has no feature 'kind'"):
        list(read(DATA / "news.xmi", "cas", layers="Event:kind"))


def test_json_brings_its_types():
    document, = read(DATA / "small.json", "cas")
    assert document == Document("😀 ضابط في قسد", (Span(2, 6, "ROLE"), Span(10, 13, "GROUP")),
                                (Relation("MEMBER_OF", Span(2, 6, "ROLE"), Span(10, 13, "GROUP")),), "small")


def test_a_zip_as_inception_exports_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "user.zip", "w") as archive:
        archive.write(DATA / "news.xmi", "news.xmi")
        archive.write(DATA / "TypeSystem.xml", "TypeSystem.xml")
    options = {"layers": "Span Relation Event:type", "status": "factuality"}
    assert list(read(tmp_path / "user.zip", "cas", **options)) == list(read(DATA / "news.xmi", "cas", **options))


@pytest.mark.parametrize("form, pieces", [("json", PIECES), ("xmi", XML_PIECES)])
def test_what_is_written_is_read(form, pieces, tmp_path):
    @QUICK
    @given(made=st.lists(documents(pieces=pieces), min_size=1, max_size=8))
    def check(made):
        losses, again = Losses(), Losses()
        folder = Path(tempfile.mkdtemp(dir=tmp_path)) / "out"
        write(made, folder, "cas", losses=losses, form=form)
        back = list(read(folder, "cas", losses=again))
        for document in made:  # files are read in the order of their names
            found = next((other for other in back if other == document and marks(other) == marks(document)), None)
            assert found is not None
            back.remove(found)
        assert not back
        assert not losses and not again
    check()


def test_the_package_itself_sees_the_same_spans(tmp_path):
    """Offsets in the file are UTF-16 units: dkpro-cassis, which converts them, covers the same text."""
    import cassis
    trigger, place = Span(3, 6, "DEFECTION", "POSSIBLE", 0.5), Span(10, 13, "LOC")
    made = Document("😀😀 فرّ من حلب", (trigger, place), (Relation("FROM", trigger, place),), "d")
    write([made], tmp_path / "out", "cas")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["TypeSystem.xml", "d.xmi"]
    types = cassis.load_typesystem(tmp_path / "out" / "TypeSystem.xml")
    cas = cassis.load_cas_from_xmi(tmp_path / "out" / "d.xmi", typesystem=types)
    event, = cas.select("webanno.custom.Events")
    link, = event.arguments.elements
    assert (event.get_covered_text(), event.label, event.status, event.score) == ("فرّ", "DEFECTION", "POSSIBLE", 0.5)
    assert (link.role, link.target.get_covered_text()) == ("FROM", "حلب")
    assert 'begin="5" end="8"' in (tmp_path / "out" / "d.xmi").read_text(encoding="utf-8")
    tokens = cas.select("de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token")
    assert [token.get_covered_text() for token in tokens] == ["😀", "😀", "فرّ", "من", "حلب"]


def test_a_cas_made_by_the_package_is_read(tmp_path):
    import cassis
    types = cassis.TypeSystem()
    types.create_feature(types.create_type("custom.Span"), "label", "uima.cas.String")
    cas = cassis.Cas(types, sofa_string="خبر 😀 قسد")
    cas.add(types.get_type("custom.Span")(begin=6, end=9, label="GROUP"))
    cas.to_xmi(tmp_path / "a.xmi")
    types.to_xml(tmp_path / "types.xml")
    cas.to_json(tmp_path / "a.json")
    for file in ("a.xmi", "a.json"):
        document, = read(tmp_path / file, "cas", types=tmp_path / "types.xml")
        assert told(document) == [("قسد", "GROUP", None)]


def test_characters_that_xml_cannot_hold(tmp_path):
    with pytest.raises(DocumentError, match="document 'd' holds characters that a CAS cannot: .*; write form='json'"):
        write([Document("a\x0bb", id="d")], tmp_path / "out", "cas")
    assert not list(tmp_path.iterdir())
    write([Document("a\x0bb", id="d")], tmp_path / "out", "cas", form="json")
    assert next(read(tmp_path / "out", "cas")).text == "a\x0bb"
    for name in ("d.json", "d.xmi", "new"):
        with pytest.raises(FileError, match=f"{name}: cannot be written as UTF-8: half of a surrogate pair, '.ud83d'"):
            write([Document("\ud83d", id="d")], tmp_path / name, "cas")


def test_an_unknown_form_and_several_documents_for_a_file(tmp_path):
    with pytest.raises(ArabieError, match="unknown form 'xml' of a CAS; known: xmi, json"):
        write([], tmp_path / "out", "cas", form="xml")
    with pytest.raises(FileError, match="a .json file holds one document, and there are more"):
        write([Document("a"), Document("b")], tmp_path / "out.json", "cas")


def cas_json(**changes) -> str:
    return json.dumps({**json.loads((DATA / "small.json").read_text(encoding="utf-8")), **changes})


def with_span(**changes) -> str:
    structures = json.loads((DATA / "small.json").read_text(encoding="utf-8"))["%FEATURE_STRUCTURES"]
    structures[1] |= changes
    return cas_json(**{"%FEATURE_STRUCTURES": structures})


@pytest.mark.parametrize("name, content, message", [
    ("a.json", '{"%TYPES":\n', ":2: not JSON: "),
    ("a.json", "[]", ": no %FEATURE_STRUCTURES list; export the document as UIMA CAS JSON"),
    ("a.json", cas_json(**{"%FEATURE_STRUCTURES": {}}), ": no %FEATURE_STRUCTURES list"),
    ("a.json", cas_json(**{"%TYPES": {}}), ": not readable as UIMA CAS JSON: TypeNotFoundError: "),
    ("a.json", cas_json(**{"%VIEWS": {}, "%FEATURE_STRUCTURES": []}), ": the CAS has no text in its first view"),
    ("a.json", cas_json(**{"%VIEWS": {"_InitialView": {"%SOFA": 1, "%MEMBERS": [99]}}}),
     ": not readable as UIMA CAS JSON: KeyError: 99"),
    ("a.json", with_span(begin=1), ": not readable as UIMA CAS JSON: UserWarning: Not mapping external offset [1]"),
    ("a.json", with_span(end=99), ": not readable as UIMA CAS JSON: UserWarning: Not mapping external offset [99]"),
    ("a.json", with_span(begin=7, end=3), ": annotation 2 (custom.Span) reaches from 6 to 2, outside the text of 13"),
    ("a.json", with_span(colour="red"), ": not readable as UIMA CAS JSON: TypeError: "),
    ("a.json", with_span(**{"%TYPE": "custom.Other"}), ": not readable as UIMA CAS JSON: TypeNotFoundError: "),
    ("a.xmi", "<xmi:XMI", ": not XMI, which names the space http://www.omg.org/XMI on top"),
    ("a.xmi", '<xmi:XMI xmlns:xmi="http://www.omg.org/XMI"><cas', ": not readable as UIMA CAS XMI: XMLSyntaxError: "),
    ("a.xmi", (DATA / "news.xmi").read_text(encoding="utf-8").replace("custom:Span", "custom:Other"),
     "TypeNotFoundError: "),
    ("a.zip", "PK", ": no type system"),
])
def test_malformed_files_are_told(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    if name != "a.zip":
        (tmp_path / "TypeSystem.xml").write_bytes((DATA / "TypeSystem.xml").read_bytes())
    with pytest.raises(FileError) as error:
        list(read(path, "cas"))
    assert str(error.value).startswith(str(path)) and message in str(error.value)


def test_xmi_without_a_type_system_or_with_a_broken_one(tmp_path):
    (tmp_path / "a.xmi").write_bytes((DATA / "news.xmi").read_bytes())
    with pytest.raises(FileError, match="a.xmi: no type system; put its TypeSystem.xml beside it, or name it with"):
        list(read(tmp_path / "a.xmi", "cas"))
    (tmp_path / "TypeSystem.xml").write_text("<typeSystem", encoding="utf-8")
    with pytest.raises(FileError, match="TypeSystem.xml: not readable as a UIMA type system: XMLSyntaxError"):
        list(read(tmp_path / "a.xmi", "cas"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "a")
    with pytest.raises(FileError, match="the zip holds 0 .xmi or .json files"):
        list(read(tmp_path / "a.zip", "cas"))
    (tmp_path / "b.json").write_bytes(b'{"a": "\xde"}')
    with pytest.raises(FileError, match="b.json:1: not UTF-8: byte 7 is 0xde"):
        list(read(tmp_path / "b.json", "cas"))


def test_without_the_package_the_error_says_what_to_install(tmp_path):
    code = ("import sys; sys.modules['cassis'] = None\n"
            "from arabie.errors import ArabieError\nfrom arabie.formats import read\n"
            f"try: list(read({str(DATA / 'small.json')!r}, 'cas'))\nexcept ArabieError as error: print(error)")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "UIMA CAS needs the package dkpro-cassis; install it with: pip install 'arabie[uima]'\n"
