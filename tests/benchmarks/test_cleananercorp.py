"""CLEANANERCorp made ready, on a corpus of our own in its form: nothing is lost, and dev is held out."""

from __future__ import annotations

from pathlib import Path

import pytest
from cleananercorp import HELD_OUT, SCHEMA, SENTENCES, main

from arabie.formats import read
from arabie.schema import Schema
from training.settings import load_settings
from training.train import TrainSettings

ROOT = Path(__file__).resolve().parents[2]
COUNT = SENTENCES * HELD_OUT * 2 + 3


@pytest.fixture()
def published(tmp_path) -> Path:
    """A folder of the corpus's form: sentences of one name and a number, some tags with an I that continues nothing."""
    def sentence(number: int) -> str:
        return f"زار O\nسامر {'I' if number % 7 == 0 else 'B'}-PERS\nالعلي I-PERS\nحلب B-LOC\n{number} O\n\n"
    for name in ("TRAIN", "TEST"):
        text = "".join(map(sentence, range(COUNT)))
        (tmp_path / f"cleananercorp_{name}.txt").write_text(text, encoding="utf-8")
    return tmp_path


def test_every_sentence_and_name_is_in_one_part(published, tmp_path, capsys):
    main(published, tmp_path / "data")
    schema = Schema.load(SCHEMA)
    parts = {name: list(read(tmp_path / f"data/{name}.jsonl", schema=schema)) for name in ("train", "dev", "test")}
    sentences = {name: [line.split()[-1] for d in part for line in d.text.split("\n")] for name, part in parts.items()}
    assert sorted(sentences["train"] + sentences["dev"], key=int) == sentences["test"] == [str(n) for n in range(COUNT)]
    assert [d.id for d in parts["dev"]] == [f"train-{n * HELD_OUT:03}" for n in (1, 2)]
    assert all(d.text.count("\n") == SENTENCES - 1 for d in parts["dev"])
    for part in parts.values():
        for document in part:
            names = [(span.label, span.text) for span in document.spans]
            assert names == [("PERS", "سامر العلي"), ("LOC", "حلب")] * (document.text.count("\n") + 1)
    assert f"{2 * len(range(0, COUNT, 7))} × impossible tag sequence" in capsys.readouterr().out


def test_the_experiment_reads_what_is_made():
    settings = load_settings(ROOT / "configs/cleananercorp.toml", TrainSettings)
    assert (ROOT / settings.model.schema).samefile(SCHEMA)
    assert {Path(path).name for path in (*settings.data.train, *settings.data.dev)} == {"train.jsonl", "dev.jsonl"}
