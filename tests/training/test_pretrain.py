"""Pretraining: masking by whole words, batches that depend on the step alone, and a resumed run that ends the same."""

from __future__ import annotations

import json
import lzma
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from arabie.errors import ConfigError
from training import pretrain
from training.mlm_data import MaskedBatches, data_files, excluded_lines, normalised, raw_documents
from training.pretrain import Budget, EncoderSettings, PretrainSettings, prepare, schedule, train

SHAPE = dict(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_position_embeddings=64)
SETTINGS = PretrainSettings("toy", EncoderSettings(vocabulary=300, shape=SHAPE), length=32, batch_size=4, precision="fp32", log_every=2, save_every=3)


def batches(seed=1, ratio=0.3) -> MaskedBatches:
    rng = np.random.default_rng(0)
    ids = rng.integers(5, 50, 4000).astype(np.uint32)
    continues = np.arange(50) >= 35
    special = np.arange(50) < 5
    ids[::97] = 3
    return MaskedBatches(ids, continues, special, 2, 4, 50, batch_size=8, length=64, mask_ratio=ratio, seed=seed)


def test_words_are_masked_whole_and_special_pieces_never():
    made = batches()
    for step in range(20):
        ids, labels = (part.numpy() for part in made.batch(step))
        assert (ids[:, 0] == 2).all() and (labels[:, 0] == -100).all()
        original = np.where(labels == -100, ids, labels)
        assert not made.special[labels[labels != -100]].any()
        for row in range(len(ids)):
            for place in range(2, 64):
                here, before = original[row, place], original[row, place - 1]
                if made.continues[here] and not made.special[before] and not made.special[here]:
                    assert (labels[row, place] == -100) == (labels[row, place - 1] == -100)


def test_share_and_fate_of_masked_pieces():
    made = batches(ratio=0.3)
    ids, labels = zip(*(made.batch(step) for step in range(100)))
    ids, labels = torch.cat(ids).numpy(), torch.cat(labels).numpy()
    masked = labels != -100
    assert 0.26 < masked.mean() < 0.33
    assert 0.77 < (ids[masked] == 4).mean() < 0.83
    assert 0.08 < (ids[masked] == labels[masked]).mean() < 0.13


def test_a_batch_is_a_function_of_seed_and_step():
    one, two = batches(), batches()
    two.batch(3)
    assert all(torch.equal(a, b) for a, b in zip(one.batch(7), two.batch(7)))
    assert not torch.equal(one.batch(7)[0], one.batch(8)[0])
    assert not torch.equal(one.batch(7)[0], batches(seed=2).batch(7)[0])


def test_an_epoch_reads_every_row_once():
    made = batches()
    per_epoch = len(made.ids) // 63
    rows = np.concatenate([made._rows(step, per_epoch) for step in range(2 * per_epoch // 8 + 1)])
    assert sorted(rows[:per_epoch]) == sorted(rows[per_epoch:2 * per_epoch]) == list(range(per_epoch))
    assert rows[:per_epoch].tolist() != rows[per_epoch:2 * per_epoch].tolist()


def test_schedule_rises_stays_and_falls():
    shares = [schedule(n / 100, SETTINGS) for n in range(101)]
    assert shares[0] == 0 and shares[1] == 0.5 and max(shares) == 1 and shares[100] == 0
    assert shares[2:60] == [1.0] * 58 and shares[61:] == sorted(shares[61:], reverse=True)


@pytest.fixture(scope="module")
def news(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("news")
    rng = random.Random(0)
    words = ["".join(rng.choices("ابتجدرسعفقكلمنهوي", k=rng.randint(2, 5))) for _ in range(120)]
    lines = ["\t".join(" ".join(rng.choices(words, k=12)) for _ in range(3)) for _ in range(300)]
    with lzma.open(folder / "agency.txt.xz", "wt", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")
    return folder


def test_annotated_articles_are_left_out_and_text_is_normalised(news, tmp_path):
    (tmp_path / "gold.jsonl").write_text(json.dumps({"id": "x", "text": "", "meta": {"source": "agency", "line": "7"}}) + "\n", encoding="utf-8")
    files = data_files([news], ("*.txt", "*.txt.xz"))
    every = list(raw_documents(files))
    assert len(every) == 300 and every[7][:2] == ("agency", 7) and "\n" in every[7][2]
    kept = list(normalised(iter([*every[:9], ("agency", 300, "أُوقِفَ")]), "default", excluded_lines([tmp_path / "gold.jsonl"])))
    assert len(kept) == 9 and every[7][2] not in [text for _, text in kept] and kept[-1] == ("agency", "اوقف")


def test_resumed_after_a_kill_it_ends_the_same(news, tmp_path, monkeypatch):
    tokenizer = prepare(SETTINGS, data_files([news], ("*.txt.xz",)), [], tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "killed")
    weights = {}
    for name in ("whole", "killed"):
        run = tmp_path / name
        if name == "killed":
            batch = MaskedBatches.batch

            def dies(self, step):
                if step == 4:
                    raise KeyboardInterrupt
                return batch(self, step)

            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(MaskedBatches, "batch", dies)
                train(SETTINGS, run, tokenizer, Budget(1, 7), resume=False)
        report = train(SETTINGS, run, tokenizer, Budget(1, 7), resume=name == "killed")
        assert report["steps"] == 7 and report["held_out_perplexity"] > 1
        weights[name] = torch.load(run / "checkpoint.pt", weights_only=True)["model"]
    assert all(torch.equal(weights["whole"][key], weights["killed"][key]) for key in weights["whole"])


def test_its_model_goes_on_pretraining_and_is_an_encoder(news, tmp_path):
    from transformers import AutoModel

    tokenizer = prepare(SETTINGS, data_files([news], ("*.txt.xz",)), [], tmp_path / "one")
    train(SETTINGS, tmp_path / "one", tokenizer, Budget(1, 3), resume=False)
    folder = tmp_path / "one" / "model"
    assert AutoModel.from_pretrained(folder).config.hidden_size == 32
    again = PretrainSettings("again", EncoderSettings(checkpoint=str(folder)), length=32, batch_size=4, precision="fp32")
    tokenizer = prepare(again, data_files([news], ("*.txt.xz",)), [], tmp_path / "two")
    assert train(again, tmp_path / "two", tokenizer, Budget(1, 2), resume=False)["steps"] == 2


def test_it_goes_on_from_a_bert(news, toy_encoder, tmp_path):
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    AutoModelForMaskedLM.from_pretrained(toy_encoder).save_pretrained(tmp_path / "bert")
    AutoTokenizer.from_pretrained(toy_encoder).save_pretrained(tmp_path / "bert")
    made = PretrainSettings("bert", EncoderSettings(checkpoint=str(tmp_path / "bert")), length=32, batch_size=4, precision="fp32")
    tokenizer = prepare(made, data_files([news], ("*.txt.xz",)), [], tmp_path / "run")
    assert train(made, tmp_path / "run", tokenizer, Budget(1, 2), resume=False)["steps"] == 2


def test_what_is_missing_is_told(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        data_files([tmp_path / "gone.txt"], ("*.txt",))
    with pytest.raises(ConfigError, match="no \\*.txt in"):
        data_files([tmp_path], ("*.txt",))
    with pytest.raises(ConfigError, match="precision"):
        PretrainSettings("x", EncoderSettings(), precision="fp64")
    assert pretrain.Budget(1, 0).progress(0) == 1.0
