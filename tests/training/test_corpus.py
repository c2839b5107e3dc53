from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import arabie.formats
from arabie.schema import default_schema
from arabie.text import view, words
from arabie.validation import validate

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "training" / "corpus"
SPLITS = ("train", "dev", "test")
HELD_OUT = json.loads((CORPUS / "split.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def splits():
    return {name: list(arabie.formats.read(CORPUS / f"{name}.jsonl")) for name in SPLITS}


def compile_corpus(*arguments):
    command = [sys.executable, ROOT / "training" / "compile_corpus.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_compiled_files_are_up_to_date(tmp_path):
    done = compile_corpus("--out", tmp_path)
    assert done.returncode == 0, done.stderr
    for name in SPLITS:
        assert (tmp_path / f"{name}.jsonl").read_bytes() == (CORPUS / f"{name}.jsonl").read_bytes(), (
            f"{name}.jsonl is not what the sources compile to; run: python training/compile_corpus.py")
    assert "FEAR_OF_FRONT" in done.stdout


def test_the_compiled_files_keep_every_rule():
    report = validate(*(CORPUS / f"{name}.jsonl" for name in SPLITS))
    assert report.problems == [] and report.counts.documents >= 495


def test_the_split_is_the_frozen_one(splits):
    held_out = {document.id: name for name in ("dev", "test") for document in splits[name]}
    assert held_out == HELD_OUT
    assert Counter(HELD_OUT.values()) == {"dev": 66, "test": 66}
    ids = [document.id for documents in splits.values() for document in documents]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ["dev", "test"])
def test_a_held_out_split_has_each_label_status_and_relation_and_is_of_each_source(splits, name):
    schema, documents = default_schema(), splits[name]
    assert {span.label for document in documents for span in document.spans} == set(schema.all_labels)
    assert {relation.type for document in documents for relation in document.relations} == set(schema.relation_names)
    assert {event.status for document in documents for event in document.events} == {"ACTUAL", "NEGATED", "POSSIBLE"}
    sources = ("analysis", "attacks", "east", "security", "social", "society", "strikes", "west")
    assert {document.meta["source_file"] for document in documents} == {f"{source}.src" for source in sources}


def test_no_two_splits_share_twelve_words_in_a_row(splits):
    homes: dict[tuple[str, ...], set[str]] = {}
    for name, documents in splits.items():
        for document in documents:
            seen = view(document.text)
            units = words(seen)
            ranges = zip(units.view_starts[units.is_word], units.view_ends[units.is_word])
            read = [seen.text[start:end] for start, end in ranges]
            for at in range(len(read) - 11):
                homes.setdefault(tuple(read[at:at + 12]), set()).add(name)
    assert [" ".join(run) for run, names in homes.items() if len(names) > 1] == []


def small_corpus(folder, source="=== a\nقسد\n--- spans\nT1 GROUP قسد\n\n=== b\nنص\n", split='{"b": "test"}'):
    (folder / "a.src").write_text(source, encoding="utf-8")
    (folder / "split.json").write_text(split, encoding="utf-8")
    return folder


def test_what_the_split_does_not_name_is_for_training(tmp_path):
    assert compile_corpus(small_corpus(tmp_path)).returncode == 0
    held = {name: list(arabie.formats.read(tmp_path / f"{name}.jsonl")) for name in SPLITS}
    assert {name: [document.id for document in documents] for name, documents in held.items()} == {
        "train": ["a"], "dev": [], "test": ["b"]}
    assert held["train"][0].meta == {"source_file": "a.src"}


@pytest.mark.parametrize(("broken", "told"), [
    ({"source": "=== a\nقسد\n--- spans\nT1 GRUOP قسد\n=== b\n"}, "a.src:4: document 'a': T1: unknown label 'GRUOP'"),
    ({"source": "=== a\n=== b\n=== a\n"}, "a.src:3: document 'a': "),
    ({"split": '{"b": "test", "c": "dev"}'}, "split.json: no source has c"),
    ({"split": '{"b": "train"}'}, "split.json: gives each id"),
    ({"split": "{"}, "split.json:1: not JSON"),
])
def test_a_broken_corpus_is_refused_and_nothing_written(tmp_path, broken, told):
    done = compile_corpus(small_corpus(tmp_path, **broken))
    assert done.returncode == 1 and told in done.stderr and "Traceback" not in done.stderr
    assert list(tmp_path.glob("*.jsonl")) == []
