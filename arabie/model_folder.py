"""A model's folder: config.json, tokenizer and model.safetensors; checked so that an error says which part is missing.

Only ``load_model`` and ``describe`` load torch and transformers; the rest can be read without.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tokenizers

from arabie.decoding import tag_count
from arabie.encoding import WindowSettings
from arabie.errors import ConfigError, ModelError, SchemaError
from arabie.scaling import Scaling
from arabie.schema import Schema
from arabie.text import Profile

if TYPE_CHECKING:
    from arabie.model import ArabieModel

DEFAULT_MODEL = Path(__file__).parent / "weights"
MODEL_TYPE = "arabie"
Rows = tuple[tuple[float, ...], ...]
PARTS = ("config.json", "model.safetensors", "tokenizer.json")
SPECIAL_PIECES = ("tokenizer_config.json", "special_tokens_map.json")  # either names them


@dataclass(frozen=True)
class ModelFacts:
    """What a model is made for: its labels, how it reads a text, and from what probability on a relation counts.

    ``letters`` is the number of buckets of the Letters it is given, 0 if it reads pieces alone. ``scaling`` says by
    layer, and for the relations, what scores are worth; where there is none they are taken at their word.
    ``outside`` says by layer what is added to a unit's log-probability of standing outside every span before the best tags
    are sought: more than 0 for a model that finds too much. ``transitions`` are those of the model's CRF, by layer; see
    ``decoding.best_tags``.
    """

    schema: Schema
    profile: Profile
    windows: WindowSettings
    relation_threshold: float
    letters: int = 0
    scaling: Mapping[str, Scaling] = field(default_factory=dict)
    outside: Mapping[str, float] = field(default_factory=dict)
    transitions: Mapping[str, Rows] = field(default_factory=dict)

    @classmethod
    def of(cls, model: ArabieModel) -> ModelFacts:
        """The facts of a model in memory."""
        config = model.config
        transitions = {layer: _rows(found.transitions.detach().float().cpu().numpy()) for layer, found in model.crf.items()}
        return cls(config.read_schema(), config.read_profile(), config.windows(), config.relation_threshold,
                   config.letters, _scaling(config.scaling), _outside(config.outside), transitions)

    @classmethod
    def load(cls, folder: Path) -> ModelFacts:
        """The facts that a folder's config.json states, and the transitions among its weights. Raises ModelError if it
        lacks one or contradicts itself."""
        config = _read_json(folder / "config.json")
        try:
            schema = Schema.from_dict(config["schema"])
            return cls(schema, Profile.from_dict(config["profile"]),
                       WindowSettings(_number(config, "window"), _number(config, "overlap")),
                       float(config["relation_threshold"]), _number({"letters": 0} | config, "letters"),
                       _scaling(config.get("scaling", {})), _outside(config.get("outside", {})),
                       _transitions(folder, schema) if config.get("crf") else {})
        except KeyError as error:
            raise ModelError(f"{folder}: config.json lacks {error}; copy the folder again") from None
        except (SchemaError, ConfigError, TypeError, ValueError) as error:
            raise ModelError(f"{folder}: the model cannot be loaded: config.json: {_first_line(error)}") from None


def _number(config: Mapping[str, Any], name: str) -> int:
    if type(config[name]) is not int or config[name] < 0:
        raise ConfigError(f"{name} is {config[name]!r}, not a number of 0 or more")
    return config[name]


def _transitions(folder: Path, schema: Schema) -> dict[str, Rows]:
    """The transitions of the layers whose labels have several words, read alone, without torch. Raises ModelError."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / "model.safetensors", "numpy") as weights:
            found = {layer.name: weights.get_tensor(f"crf.{layer.name}.transitions") for layer in schema.layers if not layer.one_word}
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{folder}: model.safetensors does not fit config.json ({_first_line(error)}); copy the folder again") from None
    for layer in schema.layers:
        if not layer.one_word and found[layer.name].shape != (tag_count(len(layer.labels)),) * 2:
            raise ModelError(f"{folder}: model.safetensors does not fit config.json (transitions of the layer {layer.name} for other "
                             "labels); the folder is mixed from two models")
    return {name: _rows(table.astype(np.float32)) for name, table in found.items()}


def _rows(table: np.ndarray) -> Rows:
    return tuple(map(tuple, table.tolist()))


def _scaling(told: Mapping[str, Sequence[float]]) -> dict[str, Scaling]:
    return {name: Scaling(slope, intercept) for name, (slope, intercept) in dict(told).items()}


def _outside(told: Mapping[str, float]) -> dict[str, float]:
    found = {name: float(added) for name, added in dict(told).items()}
    for name, added in found.items():
        if not math.isfinite(added):
            raise ConfigError(f"outside has a number for each layer, not {added!r} for {name}")
    return found


@dataclass(frozen=True, eq=False)
class FolderTokenizer:
    """The tokenizer of a model's folder; see ``encoding.Tokenizer``."""

    backend_tokenizer: tokenizers.Tokenizer
    cls_token_id: int | None = None
    sep_token_id: int | None = None
    pad_token_id: int | None = None
    unk_token_id: int | None = None
    mask_token_id: int | None = None

    @classmethod
    def load(cls, folder: Path) -> FolderTokenizer:
        """The tokenizer of a folder. Raises ModelError if it cannot be read or is another model's."""
        try:
            backend = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the tokenizers library has no class of its own for a broken file
            told = _first_line(error)
            raise ModelError(f"{folder}: the tokenizer cannot be loaded: {told}; copy the folder again") from None
        pieces, known = backend.get_vocab_size(), _vocabulary(_read_json(folder / "config.json"))
        if known and pieces > known:
            raise ModelError(f"{folder}: the tokenizer has {pieces:,} pieces, the model only {known:,}; "
                             "the folder is mixed from two models")
        told = [_read_json(folder / name) for name in SPECIAL_PIECES if (folder / name).exists()]
        if not told:
            raise ModelError(f"{folder}: {SPECIAL_PIECES[0]} missing, which says what pieces are special; "
                             "copy the folder again")
        names = "cls_token", "sep_token", "pad_token", "unk_token", "mask_token"
        return cls(backend, *(_special(backend, told, name) for name in names))


def _vocabulary(config: dict[str, Any]) -> int:
    """How many pieces the encoder of a config knows; 0 if it doesn't say."""
    encoder = config.get("encoder")
    return encoder.get("vocab_size", 0) if isinstance(encoder, dict) else 0


def _special(backend: tokenizers.Tokenizer, told: list[dict[str, Any]], name: str) -> int | None:
    """The number of a special piece, or None if there is none."""
    piece = next((found[name] for found in told if found.get(name)), None)
    content = piece.get("content") if isinstance(piece, dict) else piece
    return backend.token_to_id(content) if isinstance(content, str) else None


def local_folder(path: str | Path) -> Path:
    """The checked folder of a model, fetched first if ``path`` is a hub id. Raises ModelError."""
    check_folder(path)
    if Path(path).exists():
        return Path(path)
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(str(path), allow_patterns=["*.json", "*.safetensors"]))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be fetched from the hub: {_first_line(error)}") from None
    check_folder(folder)
    return folder


def check_folder(path: str | Path) -> None:
    """Raise ModelError if a local path is no folder of an arabie model; a hub id is left to the hub."""
    folder = Path(path)
    if not folder.exists():
        named = str(path)
        if isinstance(path, Path) or folder.is_absolute() or named.startswith((".", "~")) or named.count("/") != 1:
            raise ModelError(f"{path}: no such folder; give the folder that training wrote, "
                             "or a hub id such as 'name/model'")
        return
    missing = [part for part in PARTS if not (folder / part).exists()]
    if missing:
        raise ModelError(f"{path}: {', '.join(missing)} missing; a model folder holds {', '.join(PARTS)}. "
                         "Copy it again, or train one with training/train.py")
    kind = _read_json(folder / "config.json").get("model_type")
    if kind != MODEL_TYPE:
        raise ModelError(f"{path}: this is a folder of model type {kind!r}, not an arabie model; "
                         "to start from it, name it as the encoder in a config of training/train.py")


def digest(folder: Path) -> str:
    """The SHA-256, in hexadecimal, of what a model's folder says and weighs: of all PARTS."""
    found = hashlib.sha256()
    for part in PARTS:
        with open(folder / part, "rb") as stream:
            found.update(hashlib.file_digest(stream, "sha256").digest())
    return found.hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    """The object in a file of a model's folder. Raises ModelError if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path.parent}: {path.name} is not JSON ({error}); copy the folder again") from None
    if not isinstance(found, dict):
        raise ModelError(f"{path.parent}: {path.name} holds no JSON object; copy the folder again")
    return found


def load_model(path: str | Path) -> ArabieModel:
    """The model of a folder or hub id, in float32. Raises ModelError if it cannot be read whole."""
    import torch
    from safetensors import SafetensorError

    from arabie.model import ArabieModel

    try:
        with _quiet():
            model, report = ArabieModel.from_pretrained(path, dtype=torch.float32, output_loading_info=True,
                                                        ignore_mismatched_sizes=True)  # told below
    except (OSError, SafetensorError, SchemaError, RuntimeError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: the model cannot be loaded: {_first_line(error)}") from None
    lost = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if lost:
        raise ModelError(f"{path}: model.safetensors does not fit config.json ({len(lost)} weights missing or of "
                         f"another shape, such as {lost[0]}); the folder is mixed from two models, or made by another "
                         "version of arabie: then train the model again")
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress bars and reports of transformers; what matters in them comes as an error."""
    from transformers.utils import logging

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
    from arabie.model import ArabieConfig

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
    lines.append(f"encoder: {encoder.model_type}, {encoder.num_hidden_layers} layers of {encoder.hidden_size}, "
                 f"{encoder.vocab_size:,} pieces; text profile {profile.name}; windows of {config.window} pieces")
    if config.letters:
        lines.append(f"letters: {config.letters:,} embeddings of {config.letter_size}")
    if config.crf:
        lines.append(f"CRF: over the tags of {', '.join(layer.name for layer in schema.layers if not layer.one_word)}")
    weights, training = (Path(path) / name for name in ("model.safetensors", "training.json"))
    if weights.exists():
        lines.append(f"weights: {weights.stat().st_size / 1e6:.1f} MB")
    return lines + (_described_training(training) if training.exists() else [])


def _described_training(path: Path) -> list[str]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        data, dev = told["data"], told["dev"]
        return [f"trained on {data['train_documents']:,} documents of {data['train_words']:,} words: "
                + ", ".join(data["train"]),
                "dev: " + ", ".join(f"{name} {value:.3f}" for name, value in dev.items())]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ModelError(f"{path}: is not what training/train.py writes; take it out, or copy the folder again"
                         ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
