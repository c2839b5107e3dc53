"""Give a model more layers, at first of no effect, to be trained on with.

    python training/grow.py arabie/weights --layers 9 --out runs/grown
    python training/train.py configs/continue.toml --encoder runs/grown

Each new layer is a copy of the one before it whose two outputs are 0, so that the model begins as it was (Wu and others,
"LLaMA Pro: Progressive LLaMA with Block Expansion", 2024), and learns more than it had room for. That takes an encoder
whose layers add to what they are given and normalise it before they read it, as ModernBERT's do.
"""

from __future__ import annotations

import json
import logging
import shutil
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.errors import ArabieError, ConfigError
from arabie.formats.files import read_text
from arabie.model import ArabieConfig, ArabieModel
from arabie.model_folder import check_folder, load_model

log = logging.getLogger("grow")


def sources(layers: int, wanted: int) -> list[tuple[int, bool]]:
    """For each layer of the grown encoder, the layer that it is a copy of, and whether it is new; new ones lie evenly apart.

    >>> sources(4, 6)
    [(0, False), (1, False), (1, True), (2, False), (3, False), (3, True)]
    """
    more = wanted - layers
    new = [-(-number * layers // more) - 1 for number in range(1, more + 1)]
    return [(layer, copy > 0) for layer in range(layers) for copy in range(1 + new.count(layer))]


@torch.no_grad()
def grown(model: ArabieModel, wanted: int) -> ArabieModel:
    """A model of so many layers that computes what this one does. Raises ConfigError if its encoder has no fewer, or none
    that can be given without effect."""
    encoder = model.config.encoder_config()
    if encoder.model_type != "modernbert":
        raise ConfigError(f"an encoder of type {encoder.model_type} cannot be given layers of no effect; ModernBERT can")
    if wanted <= encoder.num_hidden_layers:
        raise ConfigError(f"the model has {encoder.num_hidden_layers} layers already; ask for more than these")
    plan = sources(encoder.num_hidden_layers, wanted)
    kinds = [encoder.layer_types[layer] for layer, _ in plan]
    larger = ArabieModel(ArabieConfig(**model.config.to_dict() | {
        "encoder": model.config.encoder | {"num_hidden_layers": wanted, "layer_types": kinds}}))
    larger.load_state_dict({name: weight for name, weight in model.state_dict().items() if ".layers." not in name}, strict=False)
    for layer, (source, new) in zip(larger.encoder.layers, plan):
        # The first layer has no norm of its own before its attention.
        layer.load_state_dict(model.encoder.layers[source].state_dict(), strict=source > 0 or not new)
        if new:
            layer.attn.Wo.weight.zero_()
            layer.mlp.Wo.weight.zero_()
    return larger


def main(model: Annotated[Path, typer.Argument(help="The folder of the model to grow.")],
         layers: Annotated[int, typer.Option(help="How many layers it is to have.")],
         out: Annotated[Path, typer.Option(help="The folder that the grown model is written to; it must not exist.")]) -> None:
    """Give a model more layers."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    check_folder(model)
    if out.exists():
        raise ConfigError(f"{out} is there already; name a folder that is not")
    larger = grown(load_model(model), layers)
    shutil.copytree(model, out, ignore=shutil.ignore_patterns("agreement.json"))
    larger.to(torch.float16).save_pretrained(out)
    told = out / "training.json"
    if told.exists():
        facts = json.loads(read_text(told)) | {"grown_to_layers": layers}
        told.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    log.info("the model with %d layers is in %s", layers, out)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"grow: {error}") from None
