"""Annotation without its texts: nothing of a text is left in it, and with the texts every document comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import arabie
from arabie.errors import ConfigError, FileError
from training import standoff

TRAINING = Path(__file__).resolve().parents[2] / "training"
DEV, ARTICLES = TRAINING / "corpus/dev.jsonl", TRAINING / "articles"


@pytest.fixture
def news(tmp_path):
    """The texts of the dev corpus as raw news, backwards and among others."""
    texts = [document.text.replace("\n", "\t") for document in arabie.read(DEV) if "\t" not in document.text]
    (tmp_path / "news.txt").write_text("\n".join(["قسد", *reversed(texts)]), encoding="utf-8")
    return tmp_path / "news.txt"


def test_stripped_and_restored_is_the_same(news, tmp_path):
    before = [document for document in arabie.read(DEV) if "\t" not in document.text]
    arabie.write(before, tmp_path / "before.jsonl")
    standoff.strip([tmp_path / "before.jsonl"], tmp_path / "stripped.jsonl")
    kept = (tmp_path / "stripped.jsonl").read_text(encoding="utf-8")
    assert not any(line in kept for document in before for line in document.text.split("\n") if len(line.split()) > 4)
    standoff.restore(tmp_path / "stripped.jsonl", [news], tmp_path / "after.jsonl")
    assert (tmp_path / "after.jsonl").read_bytes() == (tmp_path / "before.jsonl").read_bytes()


def test_a_text_that_is_not_there_is_left_out_and_counted(news, tmp_path, caplog):
    caplog.set_level("INFO")
    standoff.strip([DEV], tmp_path / "stripped.jsonl")
    news.write_text("\n".join(news.read_text(encoding="utf-8").split("\n")[:4]), encoding="utf-8")
    standoff.restore(tmp_path / "stripped.jsonl", [news], tmp_path / "after.jsonl")
    assert len(list(arabie.read(tmp_path / "after.jsonl"))) == 3
    assert "3 of 66 documents with their texts" in caplog.text
    news.write_text("قسد", encoding="utf-8")
    with pytest.raises(FileError, match="none of its 66 texts is among the data"):
        standoff.restore(tmp_path / "stripped.jsonl", [news], tmp_path / "none.jsonl")
    assert not (tmp_path / "none.jsonl").exists()


@pytest.mark.parametrize("broken, told", [({"sha256": None}, 'no "sha256"'), ({"spans": [{"id": "T1", "start": 0, "end": 9999, "label": "LOC"}]}, "9999")])
def test_a_record_that_does_not_fit_is_told_with_its_line(news, tmp_path, broken, told):
    standoff.strip([DEV], tmp_path / "stripped.jsonl")
    first = json.loads((tmp_path / "stripped.jsonl").read_text(encoding="utf-8").splitlines()[0])
    (tmp_path / "broken.jsonl").write_text(json.dumps(first | {"relations": []} | broken), encoding="utf-8")
    with pytest.raises(FileError, match=rf"broken\.jsonl:1: .*{told}"):
        standoff.restore(tmp_path / "broken.jsonl", [news], tmp_path / "after.jsonl")
    assert not (tmp_path / "after.jsonl").exists()


def test_no_article_kept_here_is_there_twice():
    records = [record for name in ("train", "dev") for _, record in standoff.read_stripped(ARTICLES / f"{name}.jsonl")]
    for key in ("id", "sha256"):
        assert len({record[key] for record in records}) == len(records)


def test_the_articles_kept_here_come_back_and_are_none_of_those_measured_on(shared, tmp_path):
    measured = {standoff.digest(json.loads(line)["text"]) for path in (shared / "real").glob("*.jsonl") for line in path.open(encoding="utf-8")}
    seen = set(measured)
    for part in ("train", "dev"):
        kept = ARTICLES / f"{part}.jsonl"
        digests = [record["sha256"] for _, record in standoff.read_stripped(kept)]
        assert not seen & set(digests) and len(digests) == len(set(digests))
        seen |= set(digests)
        standoff.restore(kept, [shared / "pretrain"], tmp_path / "back.jsonl")
        assert [standoff.digest(document.text) for document in arabie.read(tmp_path / "back.jsonl")] == digests


def test_only_annotated_files_are_stripped(news, tmp_path):
    with pytest.raises(ConfigError, match=r"news\.txt: training reads \.jsonl and \.src"):
        standoff.strip([news], tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
