"""Average the weights of models that were trained on from the same one, by other seeds or settings.

    python training/average.py runs/first/model runs/second/model --out runs/average/model --dev training/corpus/dev.jsonl

Such models can be averaged, since they have not gone far from where they started; the mean is often better than each
(Wortsman and others, "Model soups", 2022) and costs nothing where it runs. Its scores are fitted anew.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from transformers import AutoTokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.errors import ArabieError, ConfigError
from arabie.formats.files import read_text
from arabie.model import ArabieModel
from arabie.model_folder import check_folder, load_model
from training.train import read_documents, save_model

log = logging.getLogger("average")
KEPT = "settings", "data", "best_epoch", "dev"  # what training.json keeps of each model


@torch.no_grad()
def averaged(models: Sequence[ArabieModel]) -> ArabieModel:
    """The first of the models, with the mean of the weights of all. Raises ConfigError for models that are not alike."""
    weights = [model.state_dict() for model in models]
    kinds = [(model.config.schema, model.config.profile, {name: weight.shape for name, weight in found.items()})
             for model, found in zip(models, weights)]
    if any(kind != kinds[0] for kind in kinds):
        raise ConfigError("the models differ in schema, text profile or size; only models that went on from the same one can be averaged")
    for name, weight in weights[0].items():
        if weight.is_floating_point():
            weight.copy_(torch.stack([found[name].float() for found in weights]).mean(dim=0))
    return models[0]


def read_told(folder: Path) -> dict[str, Any]:
    """What a model's folder says of how it was made. Raises ConfigError."""
    path = folder / "training.json"
    try:
        told = json.loads(read_text(path))
        return told | {name: told[name] for name in KEPT}
    except (ValueError, LookupError, TypeError):
        raise ConfigError(f"{path}: is not what training/train.py writes; copy the folder again") from None


def main(models: Annotated[list[Path], typer.Argument(help="The folders of two models or more.")],
         out: Annotated[Path, typer.Option(help="The folder that the mean is written to.")],
         dev: Annotated[list[Path], typer.Option(help="Annotated documents to measure it on and to fit its scores to (.jsonl, .src), none that they were trained on.")],
         fit: Annotated[list[Path], typer.Option(help="More such documents to fit its scores to.")] = []) -> None:
    """Average models that were trained on from the same one."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if len(models) < 2:
        raise ConfigError("name two models or more")
    for folder in models:
        check_folder(folder)
    told = [read_told(folder) for folder in models]
    mean = averaged([load_model(folder) for folder in models])
    parts = [{name: found[name] for name in KEPT} for found in told]
    fitted = [path.name for path in (*dev, *fit)]
    save_model(mean, AutoTokenizer.from_pretrained(models[0]), "cpu", read_documents(dev, mean.schema),
               told[0] | {"averaged": parts, "fitted_to": fitted}, out, read_documents(fit, mean.schema))
    log.info("the model is in %s", out)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"average: {error}") from None
