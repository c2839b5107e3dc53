"""A model's folder: config.json, tokenizer and model.safetensors; checked so that an error says which part is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging

from arabie.errors import ModelError, SchemaError
from arabie.model import ArabieConfig, ArabieModel

DEFAULT_MODEL = Path(__file__).parent / "weights"
PARTS = ("config.json", "model.safetensors", "tokenizer.json")


def check_folder(path: str | Path) -> None:
    """Raise ModelError if a local path is no folder of an arabie model; a hub id is left to the hub."""
    folder = Path(path)
    if not folder.exists():
        looks_local = isinstance(path, Path) or folder.is_absolute() or str(path).startswith((".", "~")) or str(path).count("/") != 1
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
        with _quiet():
            model, report = ArabieModel.from_pretrained(path, dtype=torch.float32, output_loading_info=True,
                                                        ignore_mismatched_sizes=True)  # told below
    except (OSError, SafetensorError, SchemaError, RuntimeError, ValueError) as error:
        raise ModelError(f"{path}: the model cannot be loaded: {_first_line(error)}") from None
    lost = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if lost:
        raise ModelError(f"{path}: model.safetensors does not fit config.json ({len(lost)} weights missing or of another shape, "
                         f"such as {lost[0]}); the folder is mixed from two models")
    return model


def load_tokenizer(path: str | Path, model: ArabieModel) -> PreTrainedTokenizerBase:
    """The tokenizer of the same folder or hub id. Raises ModelError if it cannot be read or is another model's."""
    try:
        with _quiet():
            tokenizer = AutoTokenizer.from_pretrained(path)
    except Exception as error:  # the tokenizers library has no class of its own for a broken file
        raise ModelError(f"{path}: the tokenizer cannot be loaded: {_first_line(error)}; copy the folder again") from None
    pieces = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > pieces:
        raise ModelError(f"{path}: the tokenizer has {len(tokenizer):,} pieces, the model only {pieces:,}; the folder is mixed from two models")
    return tokenizer


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress bars and reports of transformers; what matters in them comes as an error."""
    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def describe(path: str | Path) -> list[str]:
    """What a model folder says of itself, in lines for people. Raises ModelError for a config that cannot be read."""
    try:
        config = ArabieConfig.from_pretrained(path)
        schema, profile, encoder = config.read_schema(), config.read_profile(), config.encoder_config()
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: config.json cannot be read: {_first_line(error)}") from None
    lines = [f"model: {path}", f"schema: {schema.name}"]
    lines += [f"  {layer.name}: {', '.join(layer.labels)}" for layer in schema.layers]
    if schema.statuses:
        lines.append(f"  statuses: {', '.join(schema.statuses)}")
    if schema.relations:
        lines.append(f"  relations: {', '.join(schema.relation_names)}")
    lines.append(f"encoder: {encoder.model_type}, {encoder.num_hidden_layers} layers of {encoder.hidden_size}, {encoder.vocab_size:,} pieces; "
                 f"text profile {profile.name}; windows of {config.window} pieces")
    weights, training = (Path(path) / name for name in ("model.safetensors", "training.json"))
    if weights.exists():
        lines.append(f"weights: {weights.stat().st_size / 1e6:.1f} MB")
    return lines + (_described_training(training) if training.exists() else [])


def _described_training(path: Path) -> list[str]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        data, dev = told["data"], told["dev"]
        return [f"trained on {data['train_documents']:,} documents of {data['train_words']:,} words: {', '.join(data['train'])}",
                "dev: " + ", ".join(f"{name} {value:.3f}" for name, value in dev.items())]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ModelError(f"{path}: is not what training/train.py writes; take it out, or copy the folder again") from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
