"""In which numbers a training computes: what its settings ask for, where the machine can."""

from __future__ import annotations

import logging

import torch

from arabie.engines.choice import has_bf16
from arabie.errors import ConfigError

log = logging.getLogger(__name__)


def usable_precision(asked: str) -> str:
    """The precision to train in: ``asked``, but fp32 in place of bf16 on a processor without bf16, which would take dozens
    of times as long. Raises ConfigError for fp16 without a GPU."""
    if torch.cuda.is_available():
        return asked
    if asked == "fp16":
        raise ConfigError("precision 'fp16' needs a GPU; 'bf16' and 'fp32' don't")
    if asked == "bf16" and not has_bf16():
        log.info("this processor isn't known to compute in bf16: training in fp32")
        return "fp32"
    return asked
