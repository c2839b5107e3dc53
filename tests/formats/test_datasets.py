from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from comparing import changes, explained
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_documents import documents, marks

from arabie.document import Document, Span
from arabie.errors import ArabieError, FileError
from arabie.formats import read, write
from arabie.formats.losses import Losses

hugging = pytest.importorskip("datasets")

DATA = Path(__file__).parent / "data" / "datasets"
QUICK = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LOST = {
    "relation ": "relations",
    "status ": "statuses relations",
    "score ": "",
    "meta ": "meta",
    "parts of a discontinuous span": "fragments statuses relations",
    "spacing of the text": "text spans fragments statuses",
    "span ": "spans fragments statuses relations",
    "label ": "spans fragments statuses relations",
    "tag whose label": "spans fragments statuses relations",
}
NAMES = ["O", "B-PER", "I-PER"]


def read_all(path: Path, losses: Losses | None = None, **options) -> list[Document]:
    return list(read(path, "datasets", losses=losses, **options))


def told(document: Document) -> list[tuple[str, str]]:
    return [(span.label, span.text) for span in document.spans]


@pytest.fixture(scope="module")
def people():
    features = hugging.Features({"id": hugging.Value("string"), "tokens": [hugging.Value("string")],
                                 "ner_tags": [hugging.ClassLabel(names=NAMES)]})
    rows = {"id": ["0", "1"], "tokens": [["وصل", "أبو", "عمر"], ["دير الزور"]], "ner_tags": [[0, 1, 2], [0]]}
    return hugging.Dataset.from_dict(rows, features=features)


def test_tokens_and_tags_as_json_lines_with_crlf_and_bom():
    losses = Losses()
    first, second = read_all(DATA / "tokens.jsonl", losses)
    assert (first.id, first.text, told(first)) == ("0", "وصل أبو عمر حلب 😀", [("PER", "أبو عمر"), ("LOC", "حلب")])
    assert (second.id, second.text, second.meta) == ("1", "دير الزور .", {"tokens": [[[0, 9], [10, 11]]]})
    assert losses.counts == {"column not kept": 1, "impossible tag sequence, repaired by the rule 'begin'": 1}
    assert told(read_all(DATA / "tokens.jsonl", repair="drop")[1]) == []


def test_numbers_whose_names_are_given():
    losses = Losses()
    [document] = read_all(DATA / "numbers.jsonl", losses, tokens="words", tags="labels,nested", names="O B-LOC I-LOC")
    assert told(document) == [("LOC", "حلب")] and not losses
    with pytest.raises(FileError, match="numbers.jsonl:1: labels holds numbers and the dataset does not say what they stand for"):
        read_all(DATA / "numbers.jsonl", tokens="words", tags="labels")


def test_the_nested_form():
    losses = Losses()
    [document] = read_all(DATA / "nested.jsonl", losses)
    assert (document.id, document.text, document.meta) == ("n", "انشق\r\nضابط 😀", {"source": [1]})
    assert [(s.label, s.status, s.score, s.fragments) for s in document.spans] == [
        ("GROUP", None, None, ((0, 1), (6, 10))), ("DEFECTION", "POSSIBLE", 0.5, ()), ("ROLE", None, None, ())]
    assert [(r.type, r.head.label, r.tail.label) for r in document.relations] == [("FROM", "DEFECTION", "GROUP")]
    assert losses.counts == {"column not kept": 1}


def test_what_hugging_face_saved_is_read(tmp_path, people):
    both = hugging.DatasetDict({"train": people, "test": people.select([1])})
    both.save_to_disk(tmp_path / "saved")
    (tmp_path / "hub" / "data").mkdir(parents=True)
    people.to_parquet(tmp_path / "hub" / "data" / "train-00000-of-00001.parquet")
    people.select([1]).to_parquet(tmp_path / "hub" / "data" / "test-00000-of-00001.parquet")
    people.to_json(tmp_path / "people.json")
    for name in ("saved", "hub"):
        losses = Losses()
        train, test = (read_all(tmp_path / name, losses, split=split) for split in ("train", "test"))
        assert [told(document) for document in train] == [[("PER", "أبو عمر")], []] and train[1:] == test and not losses
        assert len(read_all(tmp_path / name, losses)) == 3
        assert losses.counts == {"split of a row not kept; read one alone with the option split": 1}
        with pytest.raises(FileError, match="no split 'tests'; did you mean 'test'"):
            read_all(tmp_path / name, split="tests")
    assert read_all(tmp_path / "people.json", names=NAMES) == read_all(tmp_path / "saved", split="train")


def test_what_is_written_hugging_face_opens(tmp_path):
    text = "انشق ضابط من قسد"
    document = Document(text, (Span(0, 4, "DEFECTION"), Span(5, 9, "ROLE"), Span(13, 16, "GROUP")), id="d")
    losses = write([document] * 2, tmp_path / "tokens", "datasets", form="tokens")
    opened = hugging.load_from_disk(tmp_path / "tokens")
    names = opened.features["ner_tags"].feature.names
    assert [names[tag] for tag in opened[0]["ner_tags"]] == ["O", "B-ROLE", "O", "B-GROUP"]
    assert opened[1]["tokens"] == text.split() and losses.counts == {"span of a layer not written": 2}
    write([document], tmp_path / "f.parquet", "datasets", form="tokens", columns="entities=entities events=events",
          scheme="IOBES")
    opened = hugging.Dataset.from_parquet(str(tmp_path / "f.parquet"), cache_dir=tmp_path)
    assert opened.features["events"].feature.int2str(opened[0]["events"]) == ["S-DEFECTION", "O", "O", "O"]
    assert read_all(tmp_path / "f.parquet", tags="entities events", scheme="iobes") == [document]
    write([document], tmp_path / "nested", "datasets")
    assert hugging.load_from_disk(tmp_path / "nested")[0]["spans"][1]["label"] == "ROLE"


@QUICK
@given(st.lists(documents(), max_size=2), st.sampled_from(["f.parquet", "f.jsonl"]))
def test_round_trip_of_the_nested_form_loses_nothing(tmp_path, before, name):
    assert not write(before, tmp_path / name, "datasets")
    losses = Losses()
    after = read_all(tmp_path / name, losses)
    assert after == before and not losses
    assert [[mark[1] for mark in marks(d)[:len(d.spans)]] for d in after] == [[s.score for s in d.spans]
                                                                              for d in before]


@QUICK
@given(documents(), st.sampled_from(["f.parquet", "f.jsonl"]))
def test_round_trip_of_tokens(tmp_path, before, name):
    losses = write([before], tmp_path / name, "datasets", form="tokens")
    [after] = read_all(tmp_path / name, losses)
    assert changes(before, after) <= explained(losses.counts, LOST)
    kept = len(before.spans) - sum(count for cause, count in losses.counts.items() if cause.startswith(("span ",
                                                                                                        "label ")))
    assert (kept > len(after.spans)) == any(cause.startswith("tag whose label") for cause in losses.counts)


def test_a_saved_folder_round_trips_and_is_never_overwritten(tmp_path):
    document = Document("وصل عمر", (Span(4, 7, "PERSON"),), id="1", meta={"a": [1]})
    write([document], tmp_path / "out", "datasets")
    assert read_all(tmp_path / "out") == [document]
    write([], tmp_path / "none", "datasets")
    assert read_all(tmp_path / "none") == []
    with pytest.raises(FileError, match="is there already and is not an empty folder"):
        write([document], tmp_path / "out", "datasets")


ROW = {"id": "0", "tokens": ["a", "b"], "ner_tags": ["O", "O"]}
MALFORMED = {
    "not JSON": ("{", "f.jsonl:1: not JSON"),
    "no known columns": ({"words": ["a"]}, "f.jsonl:1: no column 'tokens'; the columns are words. Name them with tokens and tags"),
    "tags of another length": ({**ROW, "ner_tags": ["O"]}, r'f.jsonl:1: ner_tags is \["O"\]; it must be a list of 2 tags'),
    "tags that are no list": ({**ROW, "ner_tags": "O O"}, r'f.jsonl:1: ner_tags is "O O"; it must be a list of 2 tags'),
    "tokens that are no strings": ({**ROW, "tokens": [1, 2]}, r"f.jsonl:1: tokens is \[1, 2\]; it must be a list of strings"),
    "number without a name": ({**ROW, "ner_tags": [0, 3]}, "f.jsonl:1: ner_tags has 3, but there are names for 0 to 2 only"),
    "tag of another scheme": ({**ROW, "ner_tags": ["O", "S-LOC"]}, "f.jsonl:1: ner_tags: 'S-LOC' is no IOB2 tag"),
    "impossible sequence refused": ({**ROW, "ner_tags": ["O", "I-LOC"]},
                                    "f.jsonl:1: token 1: I-LOC continues nothing; mend"),
    "text that is null": ({"text": None, "spans": []}, 'f.jsonl:1: a document is an object with a "text" string'),
    "span past the text": ({"text": "a", "spans": [{"start": 0, "end": 2, "label": "X"}]},
                           "f.jsonl:1: .* does not lie in the text"),
    "relation to no span": ({"text": "a", "spans": [], "relations": [{"type": "R", "head": "T1", "tail": "T1"}]},
                            "f.jsonl:1: .* is not the id"),
    "meta that is no JSON": ({"text": "a", "spans": [], "meta": "x"},
                             "f.jsonl:1: meta is not JSON: Expecting value at column 1"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_rows(case, tmp_path):
    content, message = MALFORMED[case]
    (tmp_path / "f.jsonl").write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    with pytest.raises(FileError, match=message):
        read_all(tmp_path / "f.jsonl", repair="refuse", names=NAMES)


def test_malformed_files_and_folders(tmp_path, people):
    people.to_parquet(tmp_path / "f.parquet")
    whole = (tmp_path / "f.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[:-20])
    (tmp_path / "spoilt.parquet").write_bytes(whole[:4] + bytes(len(whole) // 2) + whole[4 + len(whole) // 2:])
    (tmp_path / "empty").mkdir()
    for name, message in [("cut.parquet", "cut.parquet: not a parquet file"), ("spoilt.parquet", "spoilt.parquet: "),
                          ("nothing.parquet", "nothing.parquet: cannot be read: there is no such file"),
                          ("empty", "empty: neither a dataset that save_to_disk wrote nor a folder of parquet files")]:
        with pytest.raises(FileError, match=message):
            read_all(tmp_path / name)
    with pytest.raises(FileError, match="no split 'train'; it is not divided, so leave the option out"):
        read_all(tmp_path / "f.parquet", split="train")
    with pytest.raises(FileError, match="f.parquet: row 1: no column 'x'; the columns are id, tokens, ner_tags"):
        read_all(tmp_path / "f.parquet", tags="x")


def test_impossible_options_and_a_missing_package(tmp_path, monkeypatch):
    with pytest.raises(ArabieError, match="unknown form 'token'; did you mean 'tokens'"):
        write([], tmp_path / "f.jsonl", "datasets", form="token")
    with pytest.raises(ArabieError, match="f.csv: a dataset is a .parquet file, a .jsonl file, or a folder without a suffix"):
        write([], tmp_path / "f.csv", "datasets")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ArabieError, match=r"need the package datasets; install it with: pip install 'arabie\[train\]'"):
        write([Document("a")], tmp_path / "f.parquet", "datasets")
    assert not list(tmp_path.iterdir())
