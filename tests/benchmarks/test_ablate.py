"""Changed copies of an experiment, with several seeds: what is changed, what is refused, and that each is trained once."""

from __future__ import annotations

from pathlib import Path

import ablate
import pytest
from ablate import changed, runs, trained

from arabie.errors import ConfigError
from arabie.formats import read
from arabie.schema import DEFAULT as BUILT_IN
from arabie.schema import Schema
from training.settings import load_settings
from training.train import TrainSettings

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = load_settings(ROOT / "configs/default.toml", TrainSettings)


def test_a_change_is_that_and_nothing_else():
    found = changed(DEFAULT, "model.crf=false,training.epochs=3,training.warmup=0")
    assert (found.model.crf, found.training.epochs, found.training.warmup) == (False, 3, 0)
    assert changed(found, f"model.crf=true,training.epochs={DEFAULT.training.epochs},training.warmup={DEFAULT.training.warmup}") == DEFAULT
    assert changed(DEFAULT, "") == DEFAULT


@pytest.mark.parametrize("change, told", [
    ("model.crff=false", "did you mean 'crf'"), ("epochs=3", "unknown key 'epochs'"), ("model=3", "is a table"), ("training.epochs.x=3", "NAME=VALUE"),
    ("training.epochs=many", "NAME=VALUE"), ("training.epochs", "NAME=VALUE"), ('training.epochs="3"', "is a int")])
def test_what_is_no_change_is_told(change, told):
    with pytest.raises(ConfigError, match=told):
        changed(DEFAULT, change)


def test_every_copy_has_every_seed():
    found = [(copy.model.crf, copy.training.seed) for copy in runs(DEFAULT, ["model.crf=false"], 2)]
    assert found == [(True, 1), (False, 1), (True, 2), (False, 2)]


def test_a_copy_is_trained_once(toy_settings, tmp_path, monkeypatch):
    chosen, dev = sorted(read(ROOT / "training/corpus/dev.jsonl"), key=lambda d: len(d.text))[:2], tmp_path / "dev.src"
    dev.write_text("=== a\n@source invented\nانشق ضابط من الفرقة الرابعة.\n--- spans\nT1 DEFECTION انشق\n", encoding="utf-8")
    settings, schema = changed(toy_settings(dev), "model.crf=true"), Schema.load(BUILT_IN)
    run = trained(settings, chosen, schema, tmp_path / "runs")
    assert ablate.read_run(run)[0]["model.crf"] is True
    monkeypatch.setattr(ablate, "trained_on", lambda *_: pytest.fail("trained again"))
    assert trained(settings, chosen, schema, tmp_path / "runs") == run
