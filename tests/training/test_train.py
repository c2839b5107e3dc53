"""The training script on a toy encoder: it learns, resumes to the same weights, and says what is wrong."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import arabie
from arabie.document import Document
from arabie.errors import ConfigError
from arabie.formats import read, write
from arabie.model_folder import load_model
from training.models import ModelSettings, build_model, load_tokenizer
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


def test_the_last_epoch_is_kept_where_that_is_asked(toy_encoder, data, tmp_path):
    write([Document(document.text) for document in read(data)], tmp_path / "nothing.jsonl")  # where no epoch is better than the first
    made = settings(toy_encoder, tmp_path, 2, extra='keep = "last"')
    folder = run_training(made, [data], [tmp_path / "nothing.jsonl"], tmp_path / "run", resume=False)
    first, last = sorted((tmp_path / "run" / "checkpoints").glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))
    assert Path(json.loads((last / "trainer_state.json").read_text())["best_model_checkpoint"]).name == first.name
    kept, whole = load_file(folder / "model.safetensors"), load_file(last / "model.safetensors")
    assert all(torch.equal(kept[name], whole[name].half()) for name in kept if kept[name].dtype == torch.float16)


@pytest.mark.parametrize("name", ["toy_model", "toy_letters_model"])
def test_going_on_from_an_arabie_model_keeps_its_heads(request, name, data, tmp_path):
    start = request.getfixturevalue(name)
    made = settings(start, tmp_path, 1, rate=1e-12)
    made = replace(made, model=replace(made.model, encoder=str(start), window=64, overlap=24))
    folder = run_training(made, [data], [data], tmp_path / "run", resume=False)
    before, after = load_file(start / "model.safetensors"), load_file(folder / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.allclose(before[part].float(), after[part].float(), atol=2e-3) for part in before)
    told = json.loads((folder / "training.json").read_text(encoding="utf-8"))["settings"]["model"]
    kept = json.loads((start / "config.json").read_text(encoding="utf-8"))
    assert all(told[size] == kept[size] for size in ("crf", "relation_size", "letters", "letter_size"))


@pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")
def test_a_compiled_encoder_is_trained_and_saved_as_any_other(toy_encoder, data, tmp_path):
    folder = run_training(settings(toy_encoder, tmp_path, 1, extra="compile = true"), [data], [data], tmp_path / "run", resume=False)
    before, after = load_file(toy_encoder / "model.safetensors"), load_file(folder / "model.safetensors")
    assert all((after[f"encoder.{name}"].float() - before[name]).abs().max() > 1e-4 for name in before if "LayerNorm.weight" in name)
    assert arabie.load(folder, device="cpu").extract("انشق عنصران").text == "انشق عنصران"


def test_without_a_compiler_it_is_said_and_done_without(toy_encoder, data, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("training.models.shutil.which", lambda name: None)
    run_training(settings(toy_encoder, tmp_path, 1, extra="compile = true"), [data], [data], tmp_path / "run", resume=False)
    assert "no C++ compiler" in caplog.text


def letters_file(path, buckets, size):
    torch.manual_seed(3)
    save_file({"parts": torch.randn(buckets, size).half()}, path)
    return path


def test_letters_start_from_their_file_and_are_trained(toy_encoder, data, tmp_path):
    given = letters_file(tmp_path / "letters.safetensors", 500, 8)
    made = settings(toy_encoder, tmp_path, 1, rate=1e-3, extra="mask_units = 0.2")
    model = replace(made.model, letters=500, letter_size=8, letter_vectors=str(given))
    folder = run_training(replace(made, model=model), [data], [data], tmp_path / "run", resume=False)
    before, after = load_file(given)["parts"].float(), load_file(folder / "model.safetensors")["letters.parts.weight"].float()
    assert 0 < (after - before)[1:].abs().max() < 0.1
    assert arabie.load(folder, device="cpu").facts.letters == 500


@pytest.mark.parametrize("buckets, size", [(400, 8), (500, 4)])
def test_letters_of_another_size_are_refused(toy_encoder, data, tmp_path, buckets, size):
    made = settings(toy_encoder, tmp_path, 1)
    model = replace(made.model, letters=500, letter_size=8, letter_vectors=str(letters_file(tmp_path / "x.safetensors", buckets, size)))
    with pytest.raises(ConfigError, match=rf"{buckets} letters of size {size}; set letters and letter_size"):
        run_training(replace(made, model=model), [data], [data], tmp_path / "run", resume=False)


def test_a_file_that_holds_no_letters_is_told(toy_encoder, data, tmp_path):
    made = settings(toy_encoder, tmp_path, 1)
    model = replace(made.model, letters=500, letter_vectors=str(tmp_path / "toy.toml"))
    with pytest.raises(ConfigError, match="no embeddings of letters can be read"):
        run_training(replace(made, model=model), [data], [data], tmp_path / "run", resume=False)


def test_states_begin_standardised_unless_the_setting_is_off(toy_encoder, data, tmp_path):
    made = settings(toy_encoder, tmp_path, 1, rate=1e-12)
    off = replace(made, model=replace(made.model, standardise=False))
    for run, asked in (("on", made), ("off", off)):
        folder = run_training(asked, [data], [data], tmp_path / run, resume=False)
        weights = load_file(folder / "model.safetensors")
        assert weights["state_mean"].any() == (run == "on") and (weights["state_scale"] != 1).any() == (run == "on")


def test_another_schema_is_another_file(toy_encoder, tmp_path):
    schema = tmp_path / "news.toml"
    schema.write_text('name = "news"\n[[layers]]\nname = "topics"\nlabels = ["WEATHER", "SPORT"]\n', encoding="utf-8")
    (tmp_path / "news.jsonl").write_text('{"id": "1", "text": "مطر غزير في حلب", "spans": [{"start": 0, "end": 8, "label": "WEATHER"}]}\n', encoding="utf-8")
    made = settings(toy_encoder, tmp_path, 1)
    made = made.__class__(made.name, made.model.__class__(str(toy_encoder), schema=str(schema), window=128, overlap=32), made.data, made.training)
    folder = run_training(made, [tmp_path / "news.jsonl"], [tmp_path / "news.jsonl"], tmp_path / "run", resume=False)
    document = arabie.load(folder, device="cpu").extract("مطر غزير")
    assert document.entities == () and document.schema.labels("topics") == ("WEATHER", "SPORT")


def test_another_schema_going_on_from_an_arabie_model_keeps_its_letters(toy_letters_model, tmp_path):
    schema = tmp_path / "news.toml"
    schema.write_text('name = "news"\n[[layers]]\nname = "topics"\nlabels = ["WEATHER", "SPORT"]\n', encoding="utf-8")
    start = ModelSettings(str(toy_letters_model), schema=str(schema), window=128, overlap=32)
    model, new = build_model(start, load_tokenizer(start))
    before = load_model(toy_letters_model)
    assert new and model.schema.name == "news" and model.tag_counts == [5]
    assert torch.equal(model.letters.parts.weight, before.letters.parts.weight)
    assert torch.equal(model.letters.to_pieces.weight, before.letters.to_pieces.weight)


@pytest.mark.parametrize("extra, told", [
    ("epoch = 3", "unknown key 'epoch'; did you mean 'epochs'"),
    ('precision = "int3"', "precision is"),
    ("seed = \"one\"", "seed is a int"),
    ('keep = "first"', "keep is 'best' or 'last'"),
    ('keep = "last"\npatience = 2', "take one of the two away"),
])
def test_a_wrong_setting_is_told(toy_encoder, tmp_path, extra, told):
    with pytest.raises(ConfigError, match=told):
        settings(toy_encoder, tmp_path, 1, extra=extra)


@pytest.mark.parametrize("wrong, told", [
    ({"letters": 1}, "letters is a number of buckets"), ({"letters": -5}, "letters is a number of buckets"),
    ({"letter_size": 0}, "letter_size is 1 or more"), ({"profile": "none"}, "profile is one of"),
])
def test_a_model_that_cannot_be_is_told(wrong, told):
    with pytest.raises(ConfigError, match=told):
        ModelSettings("training/encoder", **wrong)


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


def test_sources_can_be_left_out(toy_encoder, data, tmp_path):
    sources = [Path(document.meta["source_file"]).stem for document in read(data)]
    made = settings(toy_encoder, tmp_path, 1)
    made = replace(made, data=replace(made.data, without=(sources[0],)))
    folder = run_training(made, [data], [data], tmp_path / "run", resume=False)
    told = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    assert told["data"]["train_documents"] == sum(source != sources[0] for source in sources) < len(sources)
    made = replace(made, data=replace(made.data, without=(sources[0] + "s",)))
    with pytest.raises(ConfigError, match=f"take it off the list.*did you mean '{sources[0]}'"):
        run_training(made, [data], [data], tmp_path / "other", resume=False)
    unnamed = [replace(document, meta={"source_file": 7} if number else {}) for number, document in enumerate(read(data))]
    write(unnamed, tmp_path / "unnamed.jsonl")
    with pytest.raises(ConfigError, match="known: 7"):
        run_training(replace(made, data=replace(made.data, without=("social",))), [tmp_path / "unnamed.jsonl"], [data], tmp_path / "other", resume=False)
