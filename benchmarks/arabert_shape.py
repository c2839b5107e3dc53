"""A model of AraBERT's shape with random weights: as slow as a real one, for where none can be had."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from arabie.encoding import Encoder, windows
from arabie.engines.batching import batches
from arabie.schema import default_schema
from arabie.text import PROFILES, read

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from arabie.model import ArabieModel

SHAPE = dict(vocab_size=64_000, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
             max_position_embeddings=512, type_vocab_size=2)
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
PROFILE = PROFILES["arabert"]
LABELLED = (0.13, 0.04, 0.02)  # of the units, by layer: as many as training/corpus/train.jsonl has spans


def build(folder: Path, texts: Sequence[str]) -> None:
    """Write a model's folder, always the same for the same texts, of which its vocabulary is made."""
    import torch
    from transformers import BertConfig
    from transformers.utils import logging

    from arabie.model import ArabieConfig, ArabieModel

    logging.disable_progress_bar()
    torch.manual_seed(0)
    tokenizer = _tokenizer(vocabulary(texts))
    encoder = BertConfig(**SHAPE, pad_token_id=tokenizer.pad_token_id).to_dict()
    model = ArabieModel(ArabieConfig(encoder, default_schema().to_dict(), PROFILE.to_dict(), window=512, overlap=128))
    _calm(model.eval(), tokenizer, texts)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def vocabulary(texts: Sequence[str]) -> dict[str, int]:
    """64,000 pieces: the words seen twice or more, their beginnings and ends, and what fills it up."""
    words = Counter(word for reading in read(list(texts), PROFILE) for word in re.findall(r"\w+|\S", reading.view.text))
    letters = sorted({letter for word in words for letter in word})
    pieces = dict.fromkeys([*SPECIAL, *letters, *(f"##{letter}" for letter in letters)])
    pieces |= dict.fromkeys(word for word, seen in words.most_common() if seen > 1)
    parts = Counter(part for word in words for size in (2, 3, 4) for part in (word[:size], f"##{word[-size:]}"))
    pieces |= dict.fromkeys(part for part, _ in parts.most_common())
    pieces |= dict.fromkeys(f"[unused{number}]" for number in range(SHAPE["vocab_size"]))
    return {piece: number for number, piece in enumerate(list(pieces)[:SHAPE["vocab_size"]])}


def _tokenizer(pieces: dict[str, int]) -> PreTrainedTokenizerFast:
    from tokenizers import BertWordPieceTokenizer, Tokenizer
    from transformers import PreTrainedTokenizerFast

    backend = BertWordPieceTokenizer(pieces, strip_accents=False, lowercase=False)
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(backend.to_str()), **dict(zip(names, SPECIAL)))


def _calm(model: ArabieModel, tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> None:
    """Have the random heads label as much as news has; with all that they would label, pairs would take the time."""
    import torch

    from arabie.engines.torch import TorchRuntime

    encoder = Encoder(tokenizer, PROFILE)
    encoded = encoder.encode(max(texts, key=len))
    window = encoder.window_input(encoded, windows(encoded, model.config.windows())[0])
    states = next(TorchRuntime(model, torch.device("cpu")).encode(batches([window], 1, tokenizer.pad_token_id)))
    outside = 0
    for scores, labelled in zip(model.tag_scores(torch.from_numpy(states)), LABELLED, strict=True):
        gap = (scores[0, :, 1:].amax(1) - scores[0, :, 0]).detach().numpy()
        model.tags.bias.data[outside] += float(np.quantile(gap, 1 - labelled))
        outside += scores.shape[-1]
