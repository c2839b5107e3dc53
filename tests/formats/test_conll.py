from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from comparing import changes, explained
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_documents import documents

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, FileError
from arabie.formats import read, write
from arabie.formats.losses import Losses, LossError
from arabie.formats.tags import SCHEMES

DATA = Path(__file__).parent / "data" / "conll"
PUBLIC = Path(__file__).resolve().parents[3] / "shared" / "ner"
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOST = {
    "relation ": "relations",
    "status ": "statuses relations",
    "score ": "",
    "meta ": "meta",
    "parts of a discontinuous span": "fragments statuses relations",
    "spacing of the text": "text spans fragments statuses",
    "document id with a line break": "id",
    "span ": "spans fragments statuses relations",
    "label that a tag cannot hold": "spans fragments statuses relations",
    "tokens that a column cannot hold": "meta",
}


def told(document: Document) -> list[tuple[str, str]]:
    return [(span.label, span.text) for span in document.spans]


def read_all(path: Path, losses: Losses | None = None, **options) -> list[Document]:
    return list(read(path, "conll", losses=losses, **options))


def test_conll_2003_columns_in_iob1_with_crlf_and_bom():
    losses = Losses()
    first, second = read_all(DATA / "iob1.txt", losses, scheme="IOB1", tags=-1)
    assert (first.id, first.text, told(first)) == (None, "زار حماة حلب ،", [("LOC", "حماة"), ("LOC", "حلب")])
    assert (second.id, second.text, told(second)) == ("خبر 2", "قال أبو عمر 😀", [("PER", "أبو عمر")])
    assert not losses


def test_nested_tags_as_in_wojood():
    losses = Losses()
    [document] = read_all(DATA / "nested.txt", losses)
    assert document.text == "رئيس بلدية نابلس أمس .\nمدينة نابلس"
    assert told(document) == [("OCC", "رئيس بلدية نابلس"), ("ORG", "بلدية نابلس"), ("GPE", "نابلس"), ("DATE", "أمس"),
                              ("GPE", "مدينة نابلس"), ("GPE", "نابلس")]
    assert not losses


def test_any_column_separator_and_comment_and_sentences_as_documents():
    documents = read_all(DATA / "bilou.tsv", scheme="bilou", token="1", tags="0", separator="\t", comment="# ",
                         split="sentences")
    assert [(document.text, told(document)) for document in documents] == [
        ("في دير الزور الشرقي ع\u0650مر\u200f", [("LOC", "دير الزور الشرقي"), ("PER", "ع\u0650مر\u200f")]), ("نهاية",
                                                                                                             [])]
    assert documents[0].meta == {"tokens": [[[0, 2], [3, 12], [13, 19], [20, 25]]]} and documents[1].meta == {}


def test_sentences_as_documents_have_ids_of_their_own(tmp_path):
    (tmp_path / "f").write_text("a O\n\n-DOCSTART- (d)\n\nb O\n\nc O\n\n-DOCSTART- (e)\n\nd O\n")
    documents = read_all(tmp_path / "f", split="sentences")
    assert [document.id for document in documents] == [None, "d-1", "d-2", "e-1"]


@pytest.mark.parametrize(("repair", "found"), [
    ("begin", [("GROUP", "قسد"), ("LOC", "حلب حماة"), ("GROUP", "داعش")]), ("drop", [("LOC", "حلب حماة")])])
def test_impossible_sequences_are_repaired_by_the_rule_named_and_counted(repair, found):
    losses = Losses()
    [document] = read_all(DATA / "impossible.txt", losses, repair=repair)
    cause = f"impossible tag sequence, repaired by the rule '{repair}'"
    assert told(document) == found and losses.counts == {cause: 2}
    assert losses.examples[cause][1] == f"{DATA / 'impossible.txt'}:5: I-GROUP continues nothing"


def test_a_tag_that_is_none_can_be_read_as_another(tmp_path):
    (tmp_path / "f").write_text("قسد B-GROUP\nحلب OO\n", encoding="utf-8")
    assert told(read_all(tmp_path / "f", rename="OO=O")[0]) == told(read_all(tmp_path / "f", rename={"OO": "O"})[0])


def test_what_is_written_for_a_layer_each_and_for_nested_spans(tmp_path):
    text = "انشق قائد شرطة الرقة.\nوصل"
    spans = Span(0, 4, "DEFECTION"), Span(5, 20, "ROLE"), Span(15, 20, "LOC")
    document = Document(text, spans, id="1")
    losses = write([document, Document("")], tmp_path / "f", "conll", columns="entities events")
    assert (tmp_path / "f").read_text(encoding="utf-8") == (
        "-DOCSTART- (1)\n\nانشق O B-DEFECTION\nقائد B-ROLE O\nشرطة I-ROLE O\nالرقة I-ROLE O\n. O O\n\nوصل O O\n\n"
        "-DOCSTART- -X- O O\n\n")
    assert losses.counts == {"span that overlaps another in its column": 1,
                             "spacing of the text, which is rebuilt from its tokens": 1}
    write([document], tmp_path / "g", "conll", columns=["entities", "entities"], scheme="iobes", separator="\t")
    assert "الرقة\tE-ROLE\tS-LOC\n" in (tmp_path / "g").read_text(encoding="utf-8")


def test_labels_that_the_schema_does_not_know_are_written_too(tmp_path):
    [document] = read_all(DATA / "nested.txt")
    losses = write([document], tmp_path / "f", "conll", columns="entities entities entities")
    assert read_all(tmp_path / "f") == [document] and not losses


@QUICK
@given(documents(), st.sampled_from(list(SCHEMES)))
def test_round_trip(tmp_path, before, scheme):
    losses = write([before], tmp_path / "f", "conll", scheme=scheme)
    [after] = read_all(tmp_path / "f", losses, scheme=scheme)
    assert changes(before, after) <= explained(losses.counts, LOST)
    relations = losses.counts.get("relation not carried by this format", 0)
    assert (len(after.relations), relations) == (0, len(before.relations))
    left_out = sum(count for cause, count in losses.counts.items() if cause.startswith(("span ", "label ")))
    assert len({*before.spans}) - left_out == len(after.spans)
    again = tmp_path / "again"
    assert not write([after], again, "conll", scheme=scheme) and again.read_bytes() == (tmp_path / "f").read_bytes()


@QUICK
@given(st.lists(st.lists(st.tuples(st.sampled_from(["قسد", "،", "3.5", "😀", "ب", "U.N."]),
                                   st.sampled_from(["O", "B-LOC", "I-LOC",
                                                    "B-PER"])), min_size=1, max_size=4), max_size=3))
def test_foreign_tokens_and_tags_come_back_exactly(tmp_path, rows):
    content = "-DOCSTART- -X- O O\n\n" + "".join("".join(f"{token} {tag}\n" for token, tag in row) + "\n"
                                                 for row in rows)
    (tmp_path / "f").write_text(content, encoding="utf-8")
    try:
        [document] = read_all(tmp_path / "f", repair="refuse")
    except FileError:
        return
    write([document], tmp_path / "g", "conll", columns=["entities"])
    assert (tmp_path / "g").read_text(encoding="utf-8") == content


@QUICK
@given(documents())
def test_spacy_reads_the_same_tokens_and_spans(tmp_path, document):
    converters = pytest.importorskip("spacy.training.converters")
    losses = write([document], tmp_path / "f", "conll", columns="entities", start="-DOCSTART- -X- O O")
    [ours] = read_all(tmp_path / "f")
    theirs = list(converters.conll_ner_to_docs((tmp_path / "f").read_bytes().decode(), no_print=True))
    assert [token.text for doc in theirs for token in doc] == ours.text.split()
    assert [(ent.label_, ent.text) for doc in theirs for ent in doc.ents] == [
        (span.label, " ".join(span.text.split())) for span in ours.spans]
    assert ("document id not carried by this format" in losses.counts) == (document.id is not None)


def test_tokens_and_ids_that_columns_cannot_hold(tmp_path):
    document = Document("دير الزور .", (Span(0, 9, "LOC"),), id="a\nb", meta={"tokens": [[[0, 9], [10, 11]]]})
    losses = write([document], tmp_path / "f", "conll", columns="entities")
    assert (tmp_path / "f").read_text(encoding="utf-8") == "-DOCSTART- -X- O O\n\nدير B-LOC\nالزور I-LOC\n. O\n\n"
    assert losses.counts == {"document id with a line break": 1,
                             "tokens that a column cannot hold: empty, or with white space inside; divided anew": 1}


MALFORMED = {
    "tag of another scheme": (b"a S-LOC\n", {}, r"f:1: 'S-LOC' is no IOB2 tag .* name the right scheme"),
    "tag that is none": (b"a O\nb OO\n", {}, r"f:2: 'OO' is no IOB2 tag .*or give rename='OO=O'"),
    "part of speech read as a tag": (b"\na NNP I-LOC\n", {}, r"f:2: 'NNP' is no IOB2 tag .* tags=-1"),
    "no tag": (b"a O\n\nb\n", {}, r"f:3: 'b' has 1 column, too few; a line is a token and its tags"),
    "column missing": (b"a X O\nb O\n", {"tags": 2}, r"f:2: 'b O' has 2 columns, too few"),
    "token column missing": (b"a O\n", {"token": 4, "tags": 0}, r"f:1: 'a O' has 2 columns, too few"),
    "empty token": (b"a\tO\n\tO\n", {"separator": "\t"}, r"f:2: '\\tO' has no token; fill it in or delete the line"),
    "wrong separator": (b"a,O\n", {}, r"f:1: 'a,O' has 1 column, too few"),
    "not UTF-8": (b"a O\n\xc7\xe1 O\n", {}, r"f:2: not UTF-8: byte 0 of the line is 0xc7"),
    "impossible sequence refused": (b"a O\nb I-LOC\n", {"repair": "refuse"},
                                    r"f:2: I-LOC continues nothing; mend the tags"),
    "label missing": (b"a B-\n", {}, r"f:1: 'B-' is no IOB2 tag"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files(case, tmp_path):
    content, options, message = MALFORMED[case]
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(FileError, match=message):
        read_all(tmp_path / "f", **options)


def test_a_missing_file_and_impossible_options(tmp_path):
    with pytest.raises(FileError, match="nothing: cannot be read: No such file or directory"):
        read_all(tmp_path / "nothing")
    for options, message in [({"scheme": "iob"}, "unknown tag scheme 'iob'"), ({"split": "lines"},
                                                                               "unknown split 'lines'"),
                             ({"repair": "x"}, "unknown repair rule"), ({"separator": ""},
                                                                        "separator='' parts nothing"),
                             ({"tags": "last"}, "tags='last': give columns as numbers"), ({"rename": "OO"},
                                                                                          "rename='OO': give pairs")]:
        with pytest.raises(ArabieError, match=message):
            read_all(DATA / "nested.txt", **options)
    for name, value, kinds in [("comment", True, "text"), ("scheme", 1, "text"), ("token", True, "a whole number or text"),
                               ("rename", ["OO=O"], "text or a mapping"), ("tags", 1.5, "a whole number or text or a list")]:
        with pytest.raises(ArabieError, match=rf"conll: {name}=.* is of the wrong type; the option takes {kinds}$"):
            read_all(DATA / "nested.txt", **{name: value})
    with pytest.raises(ArabieError, match="conll: start=False is of the wrong type; the option takes text"):
        write([], tmp_path / "f", "conll", start=False)
    with pytest.raises(ArabieError, match="may stand in a token; use a space or a tab"):
        write([], tmp_path / "f", "conll", separator=",")


def test_a_strict_loss_leaves_no_file(tmp_path):
    role, group = Span(0, 4, "ROLE"), Span(5, 8, "GROUP")
    with pytest.raises(LossError, match="relation not carried"):
        write([Document("ضابط قسد", (role, group), (Relation("MEMBER_OF", role, group),))], tmp_path / "f", "conll",
              losses=Losses(strict=True))
    assert not list(tmp_path.iterdir())


def counted(path: Path, **options) -> tuple[int, Counter, int]:
    """Tokens, entities by label, and repairs of a file."""
    losses = Losses()
    documents = read_all(path, losses, **options)
    tokens = sum(len(document.text.split()) for document in documents)
    return tokens, Counter(span.label for document in documents for span in document.spans), sum(losses.counts.values())


@pytest.mark.skipif(not PUBLIC.exists(), reason="the folder shared with the public sets is not beside the repository")
def test_the_public_sets():
    tokens, labels, repairs = counted(PUBLIC / "cleananercorp" / "cleananercorp_TEST.txt")
    assert (tokens, labels["PERS"], labels["LOC"], labels.total(), repairs) == (25020, 902, 681, 3009, 19)
    tokens, labels, repairs = counted(PUBLIC / "wojood_sample" / "train.txt")
    assert (tokens, len(labels), labels.total(), repairs) == (18887, 21, 2883, 1)
    found = [counted(path, rename="OO=O IO=O I--ORG=I-ORG B-MIS1`=B-MIS1")
             for path in sorted((PUBLIC / "aqmar" / "articles").glob("*.txt"))]
    assert (len(found), sum(tokens for tokens, _, _ in found), sum(repairs for *_, repairs in found)) == (28, 73853, 68)
    assert sum(labels["PER"] for _, labels, _ in found) == 1478
