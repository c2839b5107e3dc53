"""A linear-chain CRF over the tags of a layer (Lafferty, McCallum and Pereira, 2001): learnt scores of one tag after another."""

from __future__ import annotations

import torch
from torch import nn

from arabie.decoding import IMPOSSIBLE, possible_moves

SMALLEST = 1e-30  # keeps the logarithm of a tag that nothing leads to finite


class CRF(nn.Module):
    """The loss of whole sequences of tags, which a loss of single tags does not know: that a span goes on to its end, and
    that some hardly ever follow each other. ``transitions`` [tags, tags] are scores of a tag (row) before another (column)."""

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.register_buffer("impossible", torch.from_numpy(~possible_moves(tags)), persistent=False)

    def forward(self, scores: torch.Tensor, tags: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """The negative log-probability of the right tags of each sequence, shared out over their units: a mean.

        ``scores`` are float [batch, units, tags], ``tags`` int64 [batch, units], of which those that are not ``known``, bool,
        may be any. A sequence begins as after a unit outside every span.
        """
        right = torch.zeros_like(scores, dtype=torch.bool).scatter(2, tags.clamp(min=0).unsqueeze(-1), True)
        held = scores.masked_fill(known.unsqueeze(-1) & ~right, IMPOSSIBLE)
        with torch.autocast(scores.device.type, enabled=False):  # products in bf16 would add up to wrong sums
            every, gold = self._total(torch.cat([scores, held])).chunk(2)
        return (every - gold).sum() / known.sum().clamp(min=1)

    def _total(self, scores: torch.Tensor) -> torch.Tensor:
        """The logarithm of the sum over all possible sequences of tags, [batch]: the forward algorithm."""
        moves = self.transitions.masked_fill(self.impossible, IMPOSSIBLE).exp()
        reached = torch.full_like(scores[:, 0], IMPOSSIBLE)
        reached[:, 0] = 0
        for of_unit in scores.unbind(1):
            most = reached.amax(dim=1, keepdim=True)
            reached = ((reached - most).exp() @ moves).clamp(min=SMALLEST).log() + most + of_unit
        return reached.logsumexp(dim=1)
