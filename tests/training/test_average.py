"""The mean of models that went on from the same one is a model as any other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import arabie
from arabie.errors import ArabieError, ConfigError
from arabie.extractor import Extractor
from arabie.formats import read, write
from training.average import main
from training.calibrate import calibrated
from training.train import dev_scores

ROOT = Path(__file__).resolve().parents[2]
TOLD = {"settings": {"name": "toy", "training": {"seed": 1}}, "data": {"train_documents": 6}, "best_epoch": 1.0, "dev": {}, "encoder": "toy"}


@pytest.fixture
def models(toy_model, tmp_path) -> list[Path]:
    """Three models of the same shape whose weights differ by chance."""
    folders = []
    for seed in range(3):
        folder = Path(shutil.copytree(toy_model, tmp_path / f"model-{seed}"))
        rng = torch.Generator().manual_seed(seed)
        weights = {name: weight + 0.1 * torch.randn(weight.shape, generator=rng) if weight.is_floating_point() else weight
                   for name, weight in load_file(folder / "model.safetensors").items()}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        (folder / "training.json").write_text(json.dumps(TOLD | {"best_epoch": float(seed)}), encoding="utf-8")
        folders.append(folder)
    return folders


@pytest.fixture
def dev(tmp_path) -> Path:
    documents = sorted(read(ROOT / "training/corpus/dev.jsonl"), key=lambda d: len(d.text))[:3]
    write(documents, tmp_path / "dev.jsonl")
    return tmp_path / "dev.jsonl"


def test_every_weight_is_the_mean(models, dev, tmp_path):
    out = tmp_path / "mean"
    main(models, out, [dev])
    found, parts = load_file(out / "model.safetensors"), [load_file(folder / "model.safetensors") for folder in models]
    assert found.keys() == parts[0].keys()
    for name, weight in found.items():
        mean = sum(part[name].double() for part in parts) / len(parts)
        assert torch.allclose(weight.double(), mean, atol=2e-3, rtol=2e-3), name
    told = json.loads((out / "training.json").read_text(encoding="utf-8"))
    assert told["settings"] == TOLD["settings"] and [part["best_epoch"] for part in told["averaged"]] == [0.0, 1.0, 2.0]
    assert told["dev"].keys() >= {"entities_f1", "score"} and told["data"] == TOLD["data"]
    assert arabie.load(out, device="cpu").extract("انشق 7 عناصر من قسد").text == "انشق 7 عناصر من قسد"


def test_scores_are_fitted_to_more_than_dev_where_that_is_asked_and_measured_on_dev(models, dev, tmp_path):
    more = sorted(read(ROOT / "training/corpus/test.jsonl"), key=lambda d: len(d.text))[:12]
    write(more, tmp_path / "more.jsonl")
    main(models, tmp_path / "mean", [dev], [tmp_path / "more.jsonl"])
    told = json.loads((tmp_path / "mean" / "training.json").read_text(encoding="utf-8"))
    assert told["fitted_to"] == ["dev.jsonl", "more.jsonl"]
    extractor = Extractor.load(tmp_path / "mean", device="cpu", engine="torch", precision="fp32")
    scores = dev_scores(extractor, list(read(dev)))
    assert told["dev"] == pytest.approx({name: value for name, value in scores.items() if value is not None}, abs=2e-3)
    kept = extractor.facts
    refitted = calibrated(extractor, [*read(dev), *more])
    assert refitted.outside == kept.outside and abs(refitted.relation_threshold - kept.relation_threshold) < 0.02


def test_models_that_are_not_alike_have_no_mean(models, toy_letters_model, dev, tmp_path):
    other = Path(shutil.copytree(toy_letters_model, tmp_path / "other"))
    (other / "training.json").write_text(json.dumps(TOLD), encoding="utf-8")
    with pytest.raises(ConfigError, match="differ in schema, text profile or size"):
        main([models[0], other], tmp_path / "mean", [dev])
    config = json.loads((models[2] / "config.json").read_text(encoding="utf-8"))
    config["schema"]["layers"][0]["labels"].reverse()
    (models[2] / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ConfigError, match="differ in schema, text profile or size"):
        main([models[0], models[2]], tmp_path / "mean", [dev])
    with pytest.raises(ConfigError, match="two models or more"):
        main(models[:1], tmp_path / "mean", [dev])
    for content in ("{", "[]", "{}"):
        (models[1] / "training.json").write_text(content, encoding="utf-8")
        with pytest.raises(ConfigError, match="is not what training/train.py writes"):
            main(models[:2], tmp_path / "mean", [dev])
    (models[1] / "training.json").unlink()
    with pytest.raises(ArabieError, match="training.json"):
        main(models, tmp_path / "mean", [dev])
    assert not (tmp_path / "mean").exists()
