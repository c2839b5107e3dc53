from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from comparing import changes, explained
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_documents import SCHEMA, documents, marks

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, FileError
from arabie.formats import read, write
from arabie.formats.losses import Losses

DATA = Path(__file__).parent / "data" / "spacy"
QUICK = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOST = {
    "relation of a span": "relations",
    "span that begins or ends with white space": "spans fragments statuses relations",
    "span that differs from another only in status": "spans fragments statuses relations",
}


@pytest.fixture(scope="module")
def spacy():
    return pytest.importorskip("spacy")


def read_all(path: Path, losses: Losses | None = None) -> list[Document]:
    return list(read(path, "spacy", losses=losses))


def told(document: Document) -> list[tuple]:
    return [(span.label, span.text, span.status) for span in document.spans]


def test_docs_as_json_with_crlf_and_bom():
    losses = Losses()
    document, empty = read_all(DATA / "docs.json", losses)
    assert (document.id, document.text) == ("خبر", "قُتل 😀 عمر\r\nقرب حلب\u200f ")
    assert told(document) == [("CASUALTY", "قُتل", "NEGATED"), ("OTHER", "عمر\r\nقرب حلب\u200f", None), ("PERSON",
                                                                                                         "عمر", None)]
    assert [(r.type, r.head.id, r.tail.text, r.score) for r in document.relations] == [("TARGET", "T1", "عمر", 0.5)]
    assert document.meta == {"tokens": [[[0, 4], [5, 6], [7, 10]], [[12, 15], [16, 20]]]}
    assert empty == Document("") and losses.counts == {
        '"cats" of a record not kept': 1, "words' tags, lemmas or syntax not kept": 1, "ids in a knowledge base not kept": 1,
        "extension attribute 'mine' not kept": 1, "span without a label or without a character": 1,
        "relation of a span that is not there": 1}


@QUICK
@given(documents(), st.sampled_from(["f.json", "f.jsonl"]))
def test_round_trip_of_json(tmp_path, before, name):
    check_round_trip(before, tmp_path / name)


@QUICK
@given(documents())
def test_round_trip_of_a_docbin(tmp_path, spacy, before):
    check_round_trip(before, tmp_path / "f.spacy")


def check_round_trip(before: Document, path: Path) -> None:
    losses = write([before], path, "spacy")
    [after] = read_all(path, losses)
    assert (after.text, after.id, after.meta) == (before.text, before.id, before.meta)
    assert changes(before, after) <= explained(losses.counts, LOST)
    counts = losses.counts
    assert len(before.spans) - sum(count for cause, count in counts.items()
                                   if cause.startswith("span ")) == len(after.spans)
    assert len(before.relations) - counts.get("relation of a span that is left out", 0) == len(after.relations)
    if not losses:
        assert after == before and marks(after) == marks(before)


@QUICK
@given(documents())
def test_spacy_reads_the_json_and_gives_the_same_doc_as_the_docbin(tmp_path, spacy, document):
    write([document], tmp_path / "f.jsonl", "spacy")
    write([document], tmp_path / "f.spacy", "spacy")
    vocab = spacy.vocab.Vocab()
    from_json = spacy.tokens.Doc(vocab).from_json(json.loads((tmp_path / "f.jsonl").read_bytes()))
    [from_bin] = spacy.tokens.DocBin().from_disk(tmp_path / "f.spacy").get_docs(vocab)
    for doc in (from_json, from_bin):
        assert doc.text == document.text
        found = {(span.start_char, span.end_char, span.label_) for span in (*doc.ents, *(s
                for g in doc.spans.values() for s in g))}
        assert found == {(span.start, span.end, span.label) for span in read_all(tmp_path / "f.jsonl")[0].spans}
        assert all(SCHEMA.layer_of(ent.label_) == "entities" for ent in doc.ents)
        assert all(SCHEMA.layer_of(span.label_) in (name, None) for name, group in doc.spans.items() for span in group)
    assert [token.text for token in from_json] == [token.text for token in from_bin]


def test_a_doc_that_spacy_made_is_read_from_both(tmp_path, spacy):
    nlp = spacy.blank("ar")
    nlp.add_pipe("sentencizer")
    doc = nlp("انشق ضابط من قسد. وصل حلب")
    doc.ents = [doc.char_span(5, 9, "ROLE"), doc.char_span(13, 16, "GROUP", kb_id="Q5")]
    doc.spans["sc"] = [doc.char_span(0, 4, "DEFECTION"), doc.char_span(5, 16, "X"), doc.char_span(5, 9, "ROLE")]
    doc.user_data["mine"] = 1
    spacy.tokens.DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "f.spacy")
    (tmp_path / "f.json").write_text(json.dumps([doc.to_json()]), encoding="utf-8")
    losses = Losses()
    [from_bin] = read_all(tmp_path / "f.spacy", losses)
    assert [from_bin] == read_all(tmp_path / "f.json")
    assert told(from_bin) == [("DEFECTION", "انشق", "ACTUAL"), ("X", "ضابط من قسد", None), ("ROLE", "ضابط", None),
                              ("GROUP", "قسد", None)]
    assert from_bin.meta["tokens"][1] == [[18, 21], [22, 25]]
    assert losses.counts == {"ids in a knowledge base not kept": 1, "user data not kept": 1}


def test_words_without_spaces_are_told(tmp_path, spacy):
    doc = spacy.tokens.Doc(spacy.vocab.Vocab(), words=["a", "b"])
    spacy.tokens.DocBin(docs=[doc]).to_disk(tmp_path / "f.spacy")
    losses = Losses()
    assert read_all(tmp_path / "f.spacy", losses)[0].text == "a b "
    assert losses.counts == {"spaces between words unknown; one space is assumed": 1}


def test_relations_are_an_extension_attribute(tmp_path, spacy):
    role, group = Span(0, 4, "ROLE"), Span(8, 11, "GROUP")
    write([Document("ضابط من قسد", (role, group), (Relation("MEMBER_OF", role, group),), "d")], tmp_path / "f.spacy",
          "spacy")
    [doc] = spacy.tokens.DocBin().from_disk(tmp_path / "f.spacy").get_docs(spacy.vocab.Vocab())
    spacy.tokens.Doc.set_extension("relations", default=None, force=True)
    assert doc._.relations == ({"type": "MEMBER_OF", "head": (0, 4, "ROLE"), "tail": (8, 11, "GROUP")},)
    spacy.tokens.Doc.remove_extension("relations")


MALFORMED = {
    "not JSON": ("{", "f.json:1: not JSON"),
    "record that is no object": ("[1]", "f.json:1: 1 is not an object"),
    "no text": ('{"ents": []}', 'f.json:1: "text" is null; a record is what Doc.to_json gives'),
    "ents that are no list": ('{"text": "a", "ents": {}}', r'f.json:1: "ents" is \{\}; it must be a list'),
    "ent without ends": ('{"text": "a", "ents": [{"label": "X"}]}', "f.json:1: .* needs start and end: code points"),
    "ent as a list": ('{"text": "a", "ents": [[0, 1, "X"]]}', "f.json:1: .* needs start and end: code points"),
    "ent past the text": ('\n{"text": "a", "ents": [{"start": 0, "end": 2, "label": "X"}]}',
                          "f.json:2: .* code points of the text of 1 char"),
    "ent without label": ('{"text": "a", "ents": [{"start": 0, "end": 1}]}', "f.json:1: .* needs a label, a string"),
    "groups as a list": ('{"text": "a", "spans": []}' .replace("[]", "[1]"), 'f.json:1: "spans" and "_" are objects'),
    "tokens out of order": ('{"text": "ab", "tokens": [{"start": 1, "end": 2}, {"start": 0, "end": 1}]}',
                            "f.json:1: the tokens overlap or are out"),
    "relations of another shape": ('{"text": "a", "_": {"relations": [[0, 1]]}}',
                                   "f.json:1: relations, details or meta are not as arabie writes"),
    "score that is no number": ('{"text": "a", "ents": [{"start": 0, "end": 1, "label": "X"}], "details": [{"start": 0, "end": 1, '
                                '"label": "X", "score": "high"}]}', "f.json:1: .*the score of X at 0–1 is 'high'"),
    "fragments past the span": ('{"text": "abc", "ents": [{"start": 0, "end": 2, "label": "X"}], "details": [{"start": 0, "end": 2, '
                                '"label": "X", "fragments": [[0, 1], [1, 3]]}]}', "f.json:1: .* fragments of X do not reach"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_json(case, tmp_path):
    content, message = MALFORMED[case]
    (tmp_path / "f.json").write_text(content, encoding="utf-8")
    with pytest.raises(FileError, match=message):
        read_all(tmp_path / "f.json")


@pytest.mark.parametrize("content", [b"", b"{}", b"x\x9c\x03\x00\x00\x00\x00\x01", b"\x80\x04K\x01."])
def test_bytes_that_are_no_docbin(content, tmp_path, spacy):
    (tmp_path / "f.spacy").write_bytes(content)
    with pytest.raises(FileError, match="f.spacy: not a DocBin: .*; write it with DocBin.to_disk, and name JSON files"):
        read_all(tmp_path / "f.spacy")


def test_missing_files_and_a_missing_package(tmp_path, monkeypatch):
    for name in ("nothing.spacy", "nothing.json"):
        with pytest.raises(FileError, match="cannot be read: No such file or directory"):
            read_all(tmp_path / name)
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(ArabieError, match=r"a DocBin needs the package spacy; install it with: pip install 'arabie\[spacy\]'"):
        write([], tmp_path / "f.spacy", "spacy")
    assert not list(tmp_path.iterdir())
