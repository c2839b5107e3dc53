"""A model's folder: config.json, tokenizer and model.safetensors; checked so that an error says which part is missing."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError

from arabie.errors import ModelError, SchemaError
from arabie.model import ArabieConfig, ArabieModel

DEFAULT_MODEL = Path(__file__).parent / "weights"
PARTS = ("config.json", "model.safetensors", "tokenizer.json")


def check_folder(path: str | Path) -> None:
    """Raise ModelError if a local path is no folder of an arabie model; a hub id is left to the hub."""
    folder = Path(path)
    if not folder.exists():
        looks_local = folder.is_absolute() or str(path).startswith((".", "~")) or str(path).count("/") != 1
        if looks_local:
            raise ModelError(f"{path}: no such folder; give the folder that training wrote, or a hub id such as 'name/model'")
        return
    missing = [part for part in PARTS if not (folder / part).exists()]
    if missing:
        raise ModelError(f"{path}: {', '.join(missing)} missing; a model folder holds {', '.join(PARTS)}. Copy it again, or train one "
                         "with training/train.py")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path}: config.json is not JSON ({error}); copy the folder again") from None
    if not isinstance(config, dict) or config.get("model_type") != ArabieConfig.model_type:
        kind = config.get("model_type") if isinstance(config, dict) else None
        raise ModelError(f"{path}: this is a folder of model type {kind!r}, not an arabie model; to start from it, name it as "
                         "the encoder in a config of training/train.py")


def load_model(path: str | Path) -> ArabieModel:
    """The model of a folder or hub id, in float32. Raises ModelError if it cannot be read whole."""
    try:
        model, report = ArabieModel.from_pretrained(path, dtype=torch.float32, output_loading_info=True,
                                                    ignore_mismatched_sizes=True)  # told below
    except (OSError, SafetensorError, SchemaError, RuntimeError, ValueError) as error:
        raise ModelError(f"{path}: the model cannot be loaded: {str(error).strip().splitlines()[0]}") from None
    lost = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if lost:
        raise ModelError(f"{path}: model.safetensors does not fit config.json ({len(lost)} weights missing or of another shape, "
                         f"such as {lost[0]}); the folder is mixed from two models")
    return model


def describe(path: str | Path) -> list[str]:
    """What a model folder says of itself, in lines for people."""
    folder = Path(path)
    config = ArabieConfig.from_pretrained(path)
    schema = config.read_schema()
    lines = [f"model: {path}", f"schema: {schema.name}"]
    lines += [f"  {layer.name}: {', '.join(layer.labels)}" for layer in schema.layers]
    if schema.statuses:
        lines.append(f"  statuses: {', '.join(schema.statuses)}")
    if schema.relations:
        lines.append(f"  relations: {', '.join(schema.relation_names)}")
    encoder = config.encoder
    lines.append(f"encoder: {encoder.get('model_type')}, {encoder.get('num_hidden_layers')} layers of {encoder.get('hidden_size')}, "
                 f"{encoder.get('vocab_size'):,} pieces; text profile {config.read_profile().name}; windows of {config.window} pieces")
    if (folder / "model.safetensors").exists():
        lines.append(f"weights: {(folder / 'model.safetensors').stat().st_size / 1e6:.1f} MB")
    if (folder / "training.json").exists():
        told = json.loads((folder / "training.json").read_text(encoding="utf-8"))
        data, dev = told["data"], told["dev"]
        lines.append(f"trained on {data['train_documents']:,} documents of {data['train_words']:,} words: {', '.join(data['train'])}")
        lines.append("dev: " + ", ".join(f"{name} {value:.3f}" for name, value in dev.items()))
    return lines
