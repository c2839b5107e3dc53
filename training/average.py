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
from typing import Annotated

import torch
import typer
from transformers import AutoTokenizer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.errors import ArabieError, ConfigError
from arabie.extractor import Extractor
from arabie.formats.files import read_text
from arabie.model import ArabieModel
from arabie.model_folder import check_folder, load_model
from training.calibrate import calibrated, write_facts
from training.train import dev_scores, read_documents

log = logging.getLogger("average")


@torch.no_grad()
def averaged(models: Sequence[ArabieModel]) -> ArabieModel:
    """The first of the models, with the mean of the weights of all. Raises ConfigError for models of different shapes."""
    weights = [model.state_dict() for model in models]
    shapes = [{name: weight.shape for name, weight in found.items()} for found in weights]
    if any(other != shapes[0] for other in shapes):
        raise ConfigError("the models do not have the same weights; only models that went on from the same one can be averaged")
    for name, weight in weights[0].items():
        if weight.is_floating_point():
            weight.copy_(torch.stack([found[name].float() for found in weights]).mean(dim=0))
    return models[0]


def main(models: Annotated[list[Path], typer.Argument(help="The folders of two models or more.")],
         out: Annotated[Path, typer.Option(help="The folder that the mean is written to.")],
         dev: Annotated[list[Path], typer.Option(help="Annotated documents to fit its scores to (.jsonl, .src), none that they were trained on.")]) -> None:
    """Average models that were trained on from the same one."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if len(models) < 2:
        raise ConfigError("name two models or more")
    for folder in models:
        check_folder(folder)
    told = [json.loads(read_text(folder / "training.json")) for folder in models]
    model, tokenizer = averaged([load_model(folder) for folder in models]), AutoTokenizer.from_pretrained(models[0])
    extractor = Extractor.of_model(model, tokenizer, "cpu")
    documents = read_documents(dev, model.schema)
    facts = calibrated(extractor, documents)
    scores = {name: round(value, 4) for name, value in dev_scores(extractor, documents).items() if value is not None}
    model.to(torch.float16).save_pretrained(out)
    tokenizer.save_pretrained(out)
    write_facts(out, facts)
    made = told[0] | {"settings": told[0]["settings"] | {"averaged models": len(models)}, "dev": scores,
                      "averaged": [{name: found[name] for name in ("settings", "data", "best_epoch", "dev")} for found in told]}
    (out / "training.json").write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    log.info("dev: %s", ", ".join(f"{name} {value:.3f}" for name, value in scores.items()))
    log.info("the model is in %s", out)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"average: {error}") from None
