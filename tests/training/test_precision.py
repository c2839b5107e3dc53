"""In which numbers a training computes on a processor."""

import pytest
import torch

from arabie.engines.choice import has_bf16
from arabie.errors import ConfigError
from training.precision import usable_precision


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU computes in every precision")
def test_a_processor_trains_in_what_it_computes_in(caplog):
    caplog.set_level("INFO")
    assert usable_precision("fp32") == "fp32" and not caplog.messages
    assert usable_precision("bf16") == ("bf16" if has_bf16() else "fp32")
    assert bool(caplog.messages) != has_bf16()
    with pytest.raises(ConfigError, match="'fp16' needs a GPU"):
        usable_precision("fp16")
