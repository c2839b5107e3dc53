"""The model that training starts from: a pretrained encoder with new heads, or an arabie model to go on from."""

from __future__ import annotations

import logging
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel

from arabie.errors import ConfigError
from arabie.letters import Letters
from arabie.model import ArabieConfig, ArabieModel, without_pooler
from arabie.model_folder import DEFAULT_MODEL, check_folder, load_model
from arabie.schema import DEFAULT, Schema
from arabie.text import PROFILES

log = logging.getLogger("train")


@dataclass(frozen=True)
class ModelSettings:
    """What the model is: its encoder (a folder or hub id), how it reads text, and the sizes of its heads.

    ``schema`` is a TOML file, or «default» for the one in the package. ``encoder_dropout`` takes the place of the
    encoder's own, if it is given; attention keeps its own, since dropping there doubles the time of a step on a CPU.
    ``crf``: have a CRF on the tags. ``letters`` is the number of buckets of hashed letters that it reads beside the pieces, 0 for none, and
    ``letter_size`` the size of their embeddings, which start as those in the file ``letter_vectors``, if it is given.
    ``standardise``: have the states of units begin with mean 0 and deviation 1, see ArabieModel.standardise."""

    encoder: str
    profile: str = "default"
    schema: str = "default"
    window: int = 256
    overlap: int = 64
    crf: bool = False
    dropout: float = 0.1
    encoder_dropout: float | None = None
    relation_size: int = 256
    letters: int = 0
    letter_size: int = 64
    letter_vectors: str = ""
    standardise: bool = True

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ConfigError(f"profile is one of {', '.join(PROFILES)}, not {self.profile!r}")
        if self.letters:
            Letters(self.letters)  # refuses what is no number of buckets
        if self.letter_size < 1:
            raise ConfigError(f"letter_size is 1 or more, not {self.letter_size!r}")


def build_model(settings: ModelSettings, tokenizer: Any) -> tuple[ArabieModel, bool]:
    """The joint model to train, and whether its heads are new: over a pretrained encoder with new heads, or going on from
    an arabie model, whose sizes and letters are kept, and its heads if they are of the same schema."""
    schema, encoder, heads = Schema.load(DEFAULT if settings.schema == "default" else settings.schema), *_starting_point(settings)
    longest = min(getattr(encoder.config, "max_position_embeddings", settings.window), tokenizer.model_max_length)
    if settings.window > longest:
        raise ConfigError(f"window is {settings.window}, but {settings.encoder} has {longest} positions; lower it")
    embedded = encoder.get_input_embeddings().num_embeddings
    if len(tokenizer) > embedded:
        raise ConfigError(f"{settings.encoder}: the tokenizer has {len(tokenizer)} pieces, the encoder only {embedded}; they do not belong together")
    sizes = settings if heads is None else heads.config
    kept = heads is not None and heads.schema == schema
    model = ArabieModel(ArabieConfig(encoder.config.to_dict(), schema.to_dict(), PROFILES[settings.profile].to_dict(), settings.window,
                                     settings.overlap, settings.dropout, sizes.relation_size,
                                     crf=heads.config.crf if kept else settings.crf, letters=sizes.letters, letter_size=sizes.letter_size))
    if heads is not None:
        model.load_state_dict(heads.state_dict() if kept else _of_states(heads), strict=kept)
    elif settings.letter_vectors:
        set_letters(model, Path(settings.letter_vectors))
    model.encoder = encoder
    return model, not kept


def kept_sizes(config: ArabieConfig) -> dict[str, Any]:
    """The settings of a model that it has from the one it goes on from, if there is one, whatever the experiment says."""
    return {name: getattr(config, name) for name in ("crf", "relation_size", "letters", "letter_size")}


def _of_states(model: ArabieModel) -> dict[str, torch.Tensor]:
    """The weights of a model that come before its heads."""
    return {name: weight for name, weight in model.state_dict().items() if name.startswith(("letters.", "state_"))}


def set_letters(model: ArabieModel, path: Path) -> None:
    """Start from the embeddings of letters that training/letters.py learnt."""
    try:
        found = load_file(path)["parts"].float()
    except (OSError, SafetensorError, KeyError) as error:
        raise ConfigError(f"{path}: no embeddings of letters can be read ({error}); training/letters.py makes them") from None
    if model.letters is None or found.shape != model.letters.parts.weight.shape:
        raise ConfigError(f"{path} has {found.shape[0]} letters of size {found.shape[1]}; set letters and letter_size to these")
    with torch.no_grad():
        model.letters.parts.weight.copy_(found)


def _starting_point(settings: ModelSettings) -> tuple[PreTrainedModel, ArabieModel | None]:
    """The encoder to start from, and the arabie model it belongs to, if any."""
    path = encoder_path(settings)
    try:
        config = AutoConfig.from_pretrained(path)
        if config.model_type == ArabieConfig.model_type:
            check_folder(path)
            model = load_model(path)
            return model.encoder, model
        if settings.encoder_dropout is not None:
            for name in ("embedding_dropout", "mlp_dropout", "hidden_dropout_prob"):
                if hasattr(config, name):
                    setattr(config, name, settings.encoder_dropout)
        return AutoModel.from_pretrained(path, config=config, dtype=torch.float32, **without_pooler(config)), None
    except (OSError, ValueError) as error:
        raise ConfigError(f"the encoder {settings.encoder!r} cannot be loaded: {str(error).splitlines()[0]}") from None


def load_tokenizer(settings: ModelSettings) -> Any:
    """The tokenizer of the encoder to start from."""
    try:
        return AutoTokenizer.from_pretrained(encoder_path(settings))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the encoder {settings.encoder!r} has no tokenizer that can be loaded: {str(error).splitlines()[0]}") from None


def refuse_presegmented(tokenizer: Any, name: str) -> None:
    """AraBERT v1 and v2 were pretrained on words cut by Farasa («ال+ كتاب»); on text as published they read badly, silently."""
    if "ال+" in tokenizer.get_vocab() or re.search(r"arabert(v1|v2)?/?$", name):
        raise ConfigError(f"the encoder {name!r} expects text cut into morphemes by Farasa; use one that reads text as it is "
                          "published, such as 'aubmindlab/bert-base-arabertv02'")


def encoder_path(settings: ModelSettings) -> str:
    """The folder or hub id of the encoder; «default» is the model that comes with arabie."""
    return str(DEFAULT_MODEL) if settings.encoder == "default" else settings.encoder


def compile_encoder(model: ArabieModel) -> None:
    """Have torch compile the encoder, with plain attention: on a CPU the way back through torch's quick attention is
    slower than what the compiler makes of the plain one, at the lengths of our windows. Without a C++ compiler on the
    machine the encoder stays as it is."""
    if not any(map(shutil.which, filter(None, (os.environ.get("CXX"), "g++", "clang++")))):
        log.warning("compile = true has no effect: no C++ compiler (g++ or clang++) was found")
        return
    model.encoder.set_attn_implementation("eager")
    model.encoder.compile(dynamic=True)
