from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from comparing import changes, explained
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_documents import documents

from arabie.document import Document, Span
from arabie.errors import ArabieError, FileError
from arabie.formats import read, write
from arabie.formats.losses import Losses
from arabie.formats.tags import SCHEMES
from arabie.formats.tokens import Tokens

DATA = Path(__file__).parent / "data" / "conllu"
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOST = {
    "relation ": "relations",
    "status ": "statuses relations",
    "score ": "",
    "meta ": "meta",
    "parts of a discontinuous span": "fragments statuses relations",
    "span ": "spans fragments statuses relations",
    "label that ": "spans fragments statuses relations",
}


def told(document: Document) -> list[tuple[str, str]]:
    return [(span.label, span.text) for span in document.spans]


def read_all(path: Path, losses: Losses | None = None, **options) -> list[Document]:
    return list(read(path, "conllu", losses=losses, **options))


def row(*columns: str) -> str:
    """A line of ten columns: id, form and MISC as given."""
    number, form, misc = (*columns, "_")[:3]
    return "\t".join((number, form, *"_" * 7, misc)) + "\n"


def test_a_treebank_with_multiword_tokens_paragraphs_crlf_and_bom():
    losses = Losses()
    first, second = read_all(DATA / "news.conllu", losses)
    assert first.id == "خبر 1" and first.text == "وصل إلى بالرقة، أمس.  \nقال عمر علي\n😀 U+0020"
    assert told(first) == [("DEPLOYMENT", "وصل"), ("LOC", "بالرقة"), ("DATE", "أمس"), ("PERSON", "عمر علي")]
    assert (second.id, second.text, told(second)) == (None, "«ع\u0650مر»\u200f", [("PERSON", "ع\u0650مر")])
    assert losses.counts == {
        "lemma, part of speech, features or syntax of a word not kept": 1, "comment of a sentence not kept": 1,
        "empty node, which stands for no text": 1, "attribute in MISC not kept": 1,
        "span inside a multiword token, widened to the token": 1}


def test_other_attributes_and_schemes_by_option():
    losses = Losses()
    [document] = read_all(DATA / "stanza.conllu", losses, tags="ner", scheme="iobes")
    assert told(document) == [("PER", "Omar"), ("GPE", "Aleppo")]
    assert losses.counts == {"attribute in MISC not kept": 6}
    with pytest.raises(FileError, match=r"stanza.conllu:2: no word has entities or events or causes in MISC, but this one "
                                        "has ner; to read that, give tags='ner'"):
        read_all(DATA / "stanza.conllu")


@pytest.mark.parametrize(("misc", "text"), [("SpaceAfter=No", "ab"), ("SpaceAfter=Yes", "a b"), ("_", "a b"),
                                            ("SpacesAfter=", "ab"),
                                            ("SpacesAfter=\\s\\t\\r\\n\\p\\\\s\\x", "a \t\r\n|\\s\\xb")])
def test_what_stands_between_tokens(tmp_path, misc, text):
    (tmp_path / "f").write_text(row("1", "a", misc) + row("2", "b"), encoding="utf-8")
    assert read_all(tmp_path / "f")[0].text == text


def test_tags_of_a_multiword_token_itself_go_before_those_of_its_words(tmp_path):
    words = row("1-2", "بالرقة", "entities=B-LOC") + row("1", "ب", "entities=B-ORG") + row("2", "الرقة",
                                                                                           "entities=B-ORG")
    (tmp_path / "f").write_text(words + row("3", "الآن", "entities=I-LOC"), encoding="utf-8")
    losses = Losses()
    assert told(read_all(tmp_path / "f", losses)[0]) == [("LOC", "بالرقة الآن")] and not losses


def test_what_is_written(tmp_path):
    document = Document("وصل ضابط.\nوقال", (Span(0, 3, "DEPLOYMENT"), Span(4, 8, "ROLE")), id="1")
    assert not write([document], tmp_path / "f", "conllu")
    assert (tmp_path / "f").read_text(encoding="utf-8") == (
        "# newdoc id = 1\n# newpar\n# sent_id = 1-1\n# text = وصل ضابط.\n" + row("1", "وصل", "events=B-DEPLOYMENT")
        + row("2", "ضابط", "entities=B-ROLE|SpaceAfter=No") + row("3", ".")
        + "\n# newpar\n# sent_id = 1-2\n# text = وقال\n" + row("1", "وقال") + "\n")
    write([document], tmp_path / "g", "conllu", columns="NER=entities", scheme="iobes")
    assert row("2", "ضابط", "NER=S-ROLE|SpaceAfter=No") in (tmp_path / "g").read_text(encoding="utf-8")


@QUICK
@given(documents(), st.sampled_from(list(SCHEMES)))
def test_round_trip_keeps_the_text_exactly(tmp_path, before, scheme):
    losses = write([before], tmp_path / "f", "conllu", scheme=scheme)
    if "document without a word" in losses.counts:
        assert not read_all(tmp_path / "f") and losses.counts == {"document without a word": 1}
        return
    [after] = read_all(tmp_path / "f", losses, scheme=scheme)
    assert after.text == before.text
    assert changes(before, after) <= explained(losses.counts, LOST)
    left_out = sum(count for cause, count in losses.counts.items() if cause.startswith(("span ", "label ")))
    assert len(before.spans) - left_out == len(after.spans)
    again = tmp_path / "again"
    assert not write([after], again, "conllu", scheme=scheme) and again.read_bytes() == (tmp_path / "f").read_bytes()


@QUICK
@given(documents())
def test_the_conllu_package_reads_the_same_tokens_tags_and_comments(tmp_path, document):
    conllu = pytest.importorskip("conllu")
    write([document], tmp_path / "f", "conllu", columns="NER=entities")
    sentences = conllu.parse((tmp_path / "f").read_bytes().decode())
    assert [[word["form"] for word in sentence] for sentence in sentences] == Tokens.found(document.text).forms
    tags = [(word["misc"] or {}).get("NER", "O") for sentence in sentences for word in sentence]
    found = [span.label for document in read_all(tmp_path / "f", tags="NER") for span in document.spans]
    assert [tag[2:] for tag in tags if tag[0] == "B"] == found
    if sentences:
        assert sentences[0].metadata.get("newdoc id") == document.id


@QUICK
@given(documents(odd_names=["X"]))
def test_spacy_reads_the_same_spans(tmp_path, document):
    converters = pytest.importorskip("spacy.training.converters")
    write([document], tmp_path / "f", "conllu", columns="name=entities", scheme="bilou")
    content = (tmp_path / "f").read_bytes().decode()
    ours = [span.label for document in read_all(tmp_path / "f", tags="name", scheme="bilou") for span in document.spans]
    theirs = [ent.label_ for doc in converters.conllu_to_docs(content, no_print=True)
              for ent in doc.ents] if content else []
    assert theirs == ours


def test_forms_labels_and_ids_that_conllu_cannot_hold(tmp_path):
    document = Document("دير  الزور .", (Span(0, 10, "LOC"), Span(11, 12, "a|b")), id=" x", meta={"tokens": [[[0, 10],
            [11, 12]]]})
    losses = write([document], tmp_path / "f", "conllu")
    [after] = read_all(tmp_path / "f")
    assert (after.text, told(after), after.id) == (document.text, [("LOC", "دير  الزور")], None)
    assert losses.counts == {
        "document id that a comment cannot hold": 1, "label that MISC cannot hold": 1,
        "tokens that CoNLL-U cannot hold: empty, or with other than single spaces inside; divided anew": 1}


def test_files_that_the_conllu_package_writes(tmp_path):
    conllu = pytest.importorskip("conllu")
    sentences = conllu.parse((DATA / "news.conllu").read_text(encoding="utf-8-sig"))
    written = StringIO()
    written.writelines(sentence.serialize() for sentence in sentences)
    (tmp_path / "f").write_text(written.getvalue(), encoding="utf-8")
    assert read_all(tmp_path / "f") == read_all(DATA / "news.conllu")


MALFORMED = {
    "nine columns": ("1\ta" + "\t_" * 7 + "\n", "f:1: 9 columns instead of ten"),
    "spaces for tabs": ("1 a _ _ _ _ _ _ _ _\n", "f:1: 1 column instead of ten"),
    "id that is none": (row("a", "b"), "f:1: 'a' is no id; write 1, a range 1-2 or an empty node 1.1"),
    "id out of order": (row("1", "a") + row("3", "b"), "f:2: id 3 where 2 is due"),
    "sentence not begun at 1": (row("1", "a") + "\n" + row("2", "b"), "f:3: id 2 where 1 is due"),
    "range backwards": (row("2-1", "a"), "f:1: id 2-1 where 1 is due"),
    "range inside a range": (row("1-3", "abc") + row("1", "a") + row("2-3", "bc"), "f:3: id 2-3 where 2 is due"),
    "words of a range missing": ("\n" + row("1-2", "ab") + row("1", "a"), "f:2: the sentence ends before word 2"),
    "no form": (row("1", ""), "f:1: word 1 has no form; fill in the second column"),
    "tag of another scheme": (row("1", "a", "entities=S-LOC"), "f:1: 'S-LOC' is no IOB2 tag .* name the right scheme"),
    "SpaceAfter of its own": (row("1", "a", "SpaceAfter=Maybe"), "f:1: SpaceAfter=Maybe; it is No, or left out"),
    "CoNLL-U Plus": ("# global.columns = ID FORM NER\n1\ta\tO\n",
                     "f:1: CoNLL-U Plus with columns of its own; read it as conll"),
    "impossible sequence refused": (row("1", "a", "entities=I-LOC"), "f:1: I-LOC continues nothing; mend the tags"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files(case, tmp_path):
    content, message = MALFORMED[case]
    (tmp_path / "f").write_text(content, encoding="utf-8")
    with pytest.raises(FileError, match=message):
        read_all(tmp_path / "f", repair="refuse")


def test_a_missing_file_bytes_that_are_no_utf_8_and_impossible_options(tmp_path):
    with pytest.raises(FileError, match="nothing: cannot be read: No such file or directory"):
        read_all(tmp_path / "nothing")
    (tmp_path / "f").write_bytes(b"# text = \xe3\n")
    with pytest.raises(FileError, match="f:1: not UTF-8: byte 9 of the line is 0xe3"):
        read_all(tmp_path / "f")
    with pytest.raises(ArabieError, match="unknown tag scheme 'x'"):
        write([], tmp_path / "g", "conllu", scheme="x")
    with pytest.raises(ArabieError, match="columns='NER': give pairs with = between"):
        write([], tmp_path / "g", "conllu", columns="NER")


def test_a_text_that_contradicts_its_tokens_is_counted(tmp_path):
    (tmp_path / "f").write_text("# text = ab\n" + row("1", "a") + row("2", "b"), encoding="utf-8")
    losses = Losses()
    assert read_all(tmp_path / "f", losses)[0].text == "a b"
    assert losses.counts == {"sentence whose '# text' is not what its tokens spell; the tokens are followed": 1}
