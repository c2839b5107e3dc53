"""What one would write without arabie: a pipeline of transformers, over the very encoder of an arabie model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from arabie.model_folder import load_model

if TYPE_CHECKING:
    from arabie.model import ArabieModel

PIECES = 512  # of a text that are read at once


class Pipeline:
    """``pipeline("token-classification")`` for the tags of one layer; longer texts in overlapping strides.

    It finds neither events nor causes, statuses or relations. Its head finds nothing, which is the least it can do.
    """

    def __init__(self, folder: Path) -> None:
        from transformers import AutoTokenizer, pipeline

        model = load_model(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder, model_max_length=PIECES)
        self._run = pipeline("token-classification", model=_tagger(model), tokenizer=tokenizer, device="cpu",
                             aggregation_strategy="first", stride=model.config.overlap)

    def __call__(self, texts: Sequence[str], batch: int) -> list[list[dict]]:
        """The spans of each text."""
        return self._run(list(texts), batch_size=batch)


def _tagger(model: ArabieModel):
    """A model of transformers with the encoder of ours, for the tags of its first layer."""
    import torch
    from transformers import AutoModelForTokenClassification

    tags = ["O", *(f"{mark}-{label}" for label in model.schema.layers[0].labels for mark in "BI")]
    config = model.config.encoder_config()
    config.id2label, config.label2id = dict(enumerate(tags)), {tag: number for number, tag in enumerate(tags)}
    tagger = AutoModelForTokenClassification.from_config(config)
    tagger.base_model.load_state_dict(model.encoder.state_dict())
    with torch.no_grad():
        tagger.classifier.bias.zero_()[0] = 100.0
    return tagger.eval()
