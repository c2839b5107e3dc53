"""The training script on a toy encoder: it learns, resumes to the same weights, and says what is wrong."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import arabie
from arabie.errors import ConfigError
from arabie.formats import read, write
from training.settings import load_settings
from training.train import TrainSettings, read_documents, run_training

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "few.jsonl"
    documents = sorted(read(ROOT / "training/corpus/dev.jsonl"), key=lambda d: len(d.text))[:6]
    write(documents, path)
    return path


def settings(toy_encoder, tmp_path, epochs, rate=5e-3, extra="") -> TrainSettings:
    config = tmp_path / "toy.toml"
    config.write_text(f"""
name = "toy"
[model]
encoder = "{toy_encoder}"
window = 128
overlap = 32
relation_size = 32
dropout = 0.0
[training]
epochs = {epochs}
batch_size = 3
learning_rate = {rate}
head_learning_rate = {rate}
{extra}""", encoding="utf-8")
    return load_settings(config, TrainSettings)


def test_it_learns_what_it_is_shown(toy_encoder, data, tmp_path):
    folder = run_training(settings(toy_encoder, tmp_path, 40), [data], [data], tmp_path / "run", resume=False)
    told = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert told["dev"]["entities_f1"] > 0.8 and told["dev"]["relations_given_f1"] > 0.8
    assert told["data"]["train_documents"] == 6
    documents = read_documents([data], arabie.load(folder, device="cpu").schema)
    labelled = list(arabie.load(folder, device="cpu").label_many(documents))
    right = sum(len(set(a.spans) & set(b.spans)) for a, b in zip(documents, labelled))
    assert right > 0.7 * sum(len(d.spans) for d in documents)


def test_resumed_after_a_kill_it_ends_the_same(toy_encoder, data, tmp_path):
    made = settings(toy_encoder, tmp_path, 2, rate=1e-3, extra="mask_units = 0.2")
    run_training(made, [data], [data], tmp_path / "whole", resume=False)
    first, last = sorted((tmp_path / "whole" / "checkpoints").glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))
    shutil.copytree(first, tmp_path / "killed" / "checkpoints" / first.name)
    run_training(made, [data], [data], tmp_path / "killed", resume=True)
    whole, resumed = (load_file(tmp_path / run / "checkpoints" / last.name / "model.safetensors") for run in ("whole", "killed"))
    assert all(torch.allclose(whole[name].float(), resumed[name].float(), atol=1e-6) for name in whole)
    assert not torch.equal(load_file(first / "model.safetensors")["tags.weight"], whole["tags.weight"])


def test_going_on_from_an_arabie_model_keeps_its_heads(toy_model, data, tmp_path):
    made = settings(toy_model, tmp_path, 1, rate=1e-12)
    made = made.__class__(made.name, made.model.__class__(str(toy_model), window=64, overlap=24, relation_size=16), made.data, made.training)
    folder = run_training(made, [data], [data], tmp_path / "run", resume=False)
    before, after = load_file(toy_model / "model.safetensors"), load_file(folder / "model.safetensors")
    assert all(torch.allclose(before[name].float(), after[name].float(), atol=2e-3) for name in before)


def test_another_schema_is_another_file(toy_encoder, tmp_path):
    schema = tmp_path / "news.toml"
    schema.write_text('name = "news"\n[[layers]]\nname = "topics"\nlabels = ["WEATHER", "SPORT"]\n', encoding="utf-8")
    (tmp_path / "news.jsonl").write_text('{"id": "1", "text": "مطر غزير في حلب", "spans": [{"start": 0, "end": 8, "label": "WEATHER"}]}\n', encoding="utf-8")
    made = settings(toy_encoder, tmp_path, 1)
    made = made.__class__(made.name, made.model.__class__(str(toy_encoder), schema=str(schema), window=128, overlap=32), made.data, made.training)
    folder = run_training(made, [tmp_path / "news.jsonl"], [tmp_path / "news.jsonl"], tmp_path / "run", resume=False)
    document = arabie.load(folder, device="cpu").extract("مطر غزير")
    assert document.entities == () and document.schema.labels("topics") == ("WEATHER", "SPORT")


@pytest.mark.parametrize("extra, told", [
    ("epoch = 3", "unknown key 'epoch'; did you mean 'epochs'"),
    ('precision = "int3"', "precision is"),
    ("seed = \"one\"", "seed is a int"),
])
def test_a_wrong_setting_is_told(toy_encoder, tmp_path, extra, told):
    with pytest.raises(ConfigError, match=told):
        settings(toy_encoder, tmp_path, 1, extra=extra)


@pytest.mark.parametrize("arguments, told", [
    (["nowhere.toml"], "cannot be read"),
    (["configs/default.toml", "--encoder", "/nowhere/at/all"], "cannot be loaded|no tokenizer"),
    (["configs/default.toml", "--encoder", "default", "--train", "notes.txt"], "arabie convert"),
    (["configs/default.toml", "--encoder", "default", "--resume", "--out", "/tmp/no-such-run"], "no checkpoint to resume"),
])
def test_the_script_ends_with_one_line(arguments, told):
    done = subprocess.run([sys.executable, "training/train.py", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("train: ") and re.search(told, last), done.stderr[-500:]
