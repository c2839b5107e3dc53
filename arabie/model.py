"""Tensors only: one encoder, a token head (and CRF) for each layer, a status head and a relation head over the same states."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from arabie.crf import CRF
from arabie.decoding import tag_count
from arabie.encoding import WindowSettings
from arabie.errors import ConfigError
from arabie.schema import Schema
from arabie.text import PROFILES, Profile

IGNORED = -100  # a target that takes no part in the loss
DISTANCES = 14  # buckets of the distance between two spans; see _bucket
BETWEEN = 5  # 0, 1, 2, 3, or more spans of a kind between two spans


class ArabieConfig(PretrainedConfig):
    """What a model's folder says of it: its encoder's config, schema, text profile, window, and the sizes of the rest.

    ``crf``: have a CRF on the tags of the layers whose labels have several words. ``letters`` is the number of buckets of
    the Letters it reads beside the pieces, 0 for none, ``letter_size`` the size of their embeddings; ``scaling`` has slope and
    intercept of a Scaling, and ``outside`` what ModelFacts calls so, by layer.
    """

    model_type = "arabie"

    def __init__(self, encoder: dict | None = None, schema: dict | None = None, profile: dict | None = None, window: int = 256,
                 overlap: int = 64, dropout: float = 0.1, relation_size: int = 256, relation_threshold: float = 0.5,
                 crf: bool = False, letters: int = 0, letter_size: int = 64,
                 scaling: dict[str, list[float]] | None = None, outside: dict[str, float] | None = None, **kwargs: Any) -> None:
        self.encoder = encoder or {}
        self.schema = schema or {}
        self.profile = profile or PROFILES["default"].to_dict()
        self.window, self.overlap = window, overlap
        self.dropout = dropout
        self.relation_size = relation_size
        self.relation_threshold = relation_threshold
        self.crf = crf
        self.letters, self.letter_size = letters, letter_size
        self.scaling = scaling or {}
        self.outside = outside or {}
        super().__init__(**kwargs)

    def read_schema(self) -> Schema:
        return Schema.from_dict(self.schema)

    def read_profile(self) -> Profile:
        return Profile.from_dict(self.profile)

    def windows(self) -> WindowSettings:
        return WindowSettings(self.window, self.overlap)

    def encoder_config(self) -> PretrainedConfig:
        fields = {key: value for key, value in self.encoder.items() if key != "model_type"}
        if "model_type" not in self.encoder:
            raise ConfigError("the model's config names no encoder (encoder.model_type)")
        return AutoConfig.for_model(self.encoder["model_type"], **fields)


def without_pooler(config: PretrainedConfig) -> dict[str, bool]:
    """What to tell AutoModel so that it builds no pooling layer, which BERT and its kin carry and nothing here reads."""
    kind = AutoModel._model_mapping[type(config)]
    return {"add_pooling_layer": False} if "add_pooling_layer" in inspect.signature(kind.__init__).parameters else {}


@dataclass
class JointOutput(ModelOutput):
    """``loss`` (if targets were given) and its parts, detached."""

    loss: torch.Tensor | None = None
    parts: dict[str, torch.Tensor] | None = None


class LetterEmbedding(nn.Module):
    """The letters of units, added to the embedding of each unit's first piece and to the unit's state.

    In training the letters of some units are left out, so that the model does not lean on them.
    """

    def __init__(self, buckets: int, size: int, encoder_size: int, dropout: float) -> None:
        super().__init__()
        self.parts = nn.Embedding(buckets, size, padding_idx=0)
        self.to_pieces = nn.Linear(size, encoder_size, bias=False)
        self.to_states = nn.Linear(size, encoder_size, bias=False)
        self.dropout = dropout

    def forward(self, letters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What to add, to first pieces and to states, each [batch, units, encoder's size]; 0 for units without letters.
        ``letters`` are int32 [batch, units, letters.PARTS]."""
        mean = self.mean(letters)
        if self.training:
            mean = mean * (torch.rand_like(mean[..., :1]) >= self.dropout)
        return self.to_pieces(mean), self.to_states(mean)

    def mean(self, letters: torch.Tensor) -> torch.Tensor:
        """The parts of each unit together, [..., size]: their sum over the root of their number."""
        count = (letters > 0).sum(dim=-1, keepdim=True).clamp(min=1)
        return self.parts(letters).sum(dim=-2) / count.sqrt()


class RelationHead(nn.Module):
    """Scores pairs of spans: their states, labels and distance, the states between them, and how many spans lie between
    that have the layer, or the very label, of either."""

    def __init__(self, size: int, hidden: int, schema: Schema, dropout: float) -> None:
        super().__init__()
        labels, types = schema.all_labels, schema.relations
        self.layer_sizes = [len(layer.labels) for layer in schema.layers]
        self.head = nn.Linear(3 * size, hidden)
        self.tail = nn.Linear(3 * size, hidden)
        self.between = nn.Linear(size, hidden)
        self.head_label = nn.Embedding(len(labels), hidden)
        self.tail_label = nn.Embedding(len(labels), hidden)
        self.distance = nn.Embedding(2 * DISTANCES, hidden)
        self.head_kin = nn.Embedding(BETWEEN, hidden)
        self.tail_kin = nn.Embedding(BETWEEN, hidden)
        self.head_like = nn.Embedding(BETWEEN, hidden)
        self.tail_like = nn.Embedding(BETWEEN, hidden)
        self.product = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, len(types) + 1)
        self.dropout = nn.Dropout(dropout)
        place = {label: number for number, label in enumerate(labels)}
        allowed = torch.zeros(len(labels), len(labels), len(types) + 1, dtype=torch.bool)
        for number, relation in enumerate(types, 1):
            for head, tail in relation.joins:
                allowed[place[head], place[tail], number] = True
        allowed[..., 0] = True
        layer = torch.tensor([n for n, found in enumerate(schema.layers) for _ in found.labels], dtype=torch.long)
        self.register_buffer("allowed", allowed)
        self.register_buffer("layer", layer)

    def forward(self, states: torch.Tensor, spans: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
        """Scores, float [pairs, types + 1], first «none», -inf where the schema allows no such relation.

        ``states`` [batch, units, size]; ``spans`` [n, 4] are (row of the batch, first unit, last unit, label), each row's in
        text order; ``pairs`` [pairs, 2] index spans: head, tail, both of one row.
        """
        sums = _sums(states)
        row, first, last, label = spans.unbind(1)
        mean = (sums[row, last + 1] - sums[row, first]) / (last + 1 - first).unsqueeze(1)
        vectors = torch.cat([states[row, first], states[row, last], mean.to(states.dtype)], dim=1)
        heads = self.head(vectors) + self.head_label(label)
        tails = self.tail(vectors) + self.tail_label(label)
        h, t = pairs.unbind(1)
        left, right = torch.where(first[h] <= first[t], h, t), torch.where(first[h] <= first[t], t, h)
        start, end = torch.minimum(last[left] + 1, first[right]), first[right]
        # Of each unit, not of each pair, of which there are more; and summed after, since products may run in bf16.
        reach = _sums(nn.functional.linear(states, self.between.weight))
        context = (reach[row[h], end] - reach[row[h], start]) / (end - start).clamp(min=1).unsqueeze(1) + self.between.bias
        mixed = heads[h] + tails[t] + context.to(states.dtype) + self.product(heads[h] * tails[t])
        mixed = mixed + self.distance(_bucket(first[t] - first[h]))
        like = self._spans_between(spans, left, right, states.shape[:2])
        kin = torch.stack([part.sum(dim=1) for part in like.split(self.layer_sizes, dim=1)], dim=1)
        for counts, kind, of_head, of_tail in ((kin, self.layer[label], self.head_kin, self.tail_kin),
                                               (like, label, self.head_like, self.tail_like)):
            mixed = mixed + of_head(_count(counts, kind[h])) + of_tail(_count(counts, kind[t]))
        scores = self.score(self.dropout(nn.functional.gelu(mixed))).float()
        return scores.masked_fill(~self.allowed[label[h], label[t]], float("-inf"))

    def _spans_between(self, spans: torch.Tensor, left: torch.Tensor, right: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
        """How many spans of each label start after the left span's start and before the right span's: [pairs, labels]."""
        row, first, _, label = spans.unbind(1)
        labels = len(self.layer)
        counts = torch.zeros(shape[0] * (shape[1] + 1) * labels, dtype=torch.int32, device=spans.device)
        place = (row * (shape[1] + 1) + first + 1) * labels + label
        counts = counts.scatter_add(0, place, torch.ones_like(row, dtype=torch.int32))
        counts = counts.view(shape[0], shape[1] + 1, labels).cumsum(dim=1, dtype=torch.int32)
        return counts[row[right], first[right]] - counts[row[left], torch.minimum(first[left] + 1, first[right])]


def _count(counts: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
    """Of the counts [pairs, kinds] that of each pair's ``kind`` [pairs], at most BETWEEN - 1."""
    return counts.gather(1, kind.unsqueeze(1)).squeeze(1).clamp(0, BETWEEN - 1)


def _sums(states: torch.Tensor) -> torch.Tensor:
    """The sums of the states before each unit and before the end, in float32, [batch, units + 1, size]."""
    return nn.functional.pad(states.float().cumsum(dim=1), (0, 0, 1, 0))


def _bucket(distance: torch.Tensor) -> torch.Tensor:
    """Signed distances in units as buckets: 0–4 each their own, then doubling in halves; negative ones apart."""
    size = distance.abs().float()
    grown = (5 + 1.5 * torch.log2(size.clamp(min=5) / 5)).long()
    bucket = torch.where(size < 5, size.long(), grown).clamp(max=DISTANCES - 1)
    return bucket + DISTANCES * (distance < 0).long()


class ArabieModel(PreTrainedModel):
    """Labels units in every layer at once, statuses of events, and relations between spans, from one encoder pass."""

    config_class = ArabieConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True

    def __init__(self, config: ArabieConfig) -> None:
        super().__init__(config)
        schema = config.read_schema()
        encoder_config = config.encoder_config()
        self.schema = schema
        self.encoder = AutoModel.from_config(encoder_config, **without_pooler(encoder_config))
        size = encoder_config.hidden_size
        self.tag_counts = [tag_count(len(layer.labels)) for layer in schema.layers]
        self.letters = LetterEmbedding(config.letters, config.letter_size, size, config.dropout) if config.letters else None
        self.register_buffer("state_mean", torch.zeros(size))
        self.register_buffer("state_scale", torch.ones(size))
        self.dropout = nn.Dropout(config.dropout)
        self.tags = nn.Linear(size, sum(self.tag_counts))
        self.crf = nn.ModuleDict({layer.name: CRF(tag_count(len(layer.labels))) for layer in schema.layers
                                  if config.crf and not layer.one_word})
        self.status = nn.Linear(size, max(1, len(schema.statuses)))
        self.relations = RelationHead(size, config.relation_size, schema, config.dropout) if schema.relations else None
        self.post_init()
        if self.letters is not None:
            nn.init.zeros_(self.letters.to_pieces.weight)  # a pretrained encoder begins as it is
            nn.init.normal_(self.letters.to_states.weight, std=0.3)

    def unit_states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, first: torch.Tensor, last: torch.Tensor,
                    letters: torch.Tensor | None = None) -> torch.Tensor:
        """States of the units, [batch, units, size]: the mean of a unit's first and last piece, at the places
        ``first`` and ``last`` [batch, units] of ``input_ids`` [batch, pieces], standardised, and the unit's letters, if the
        model reads them, int32 [batch, units, letters.PARTS]."""
        given, own = {"input_ids": input_ids}, 0
        if self.letters is not None:
            of_pieces, own = self.letters(letters)
            embedded = self.encoder.get_input_embeddings()(input_ids)
            place = first.unsqueeze(-1).expand(-1, -1, embedded.shape[-1])
            given = {"inputs_embeds": embedded.scatter_add(1, place, of_pieces.to(embedded.dtype))}
        states = self.encoder(**given, attention_mask=attention_mask).last_hidden_state
        standard = (_of_units(states, first, last) - self.state_mean) * self.state_scale
        return self.dropout(standard + own)

    @torch.no_grad()
    def standardise(self, batches: Iterable[dict[str, torch.Tensor]]) -> None:
        """Have the states of the units in some batches, the arguments of ``forward``, come out of the encoder with mean 0
        and deviation 1 in each of their numbers. Those of a masked language model are small and much alike, and heads
        learn slowly from such."""
        was_training = self.encoder.training
        self.encoder.eval()
        found = []
        for batch in batches:
            states = self.encoder(batch["input_ids"], batch["attention_mask"]).last_hidden_state
            found.append(_of_units(states, batch["first"], batch["last"])[batch["tags"][:, 0] != IGNORED])
        of_all = torch.cat(found)
        self.state_mean.copy_(of_all.mean(dim=0))
        self.state_scale.copy_(1 / of_all.std(dim=0).clamp(min=1e-3))
        self.encoder.train(was_training)

    def tag_scores(self, states: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """For each layer, log-probabilities [batch, units, tags]."""
        return tuple(part.float().log_softmax(-1) for part in self.tags(states).split(self.tag_counts, dim=-1))

    def status_scores(self, states: torch.Tensor) -> torch.Tensor:
        """Log-probabilities [batch, units, statuses]; they mean something where a unit triggers an event."""
        return self.status(states).float().log_softmax(-1)

    def relation_scores(self, states: torch.Tensor, spans: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
        """Log-probabilities [pairs, types + 1]; see RelationHead for the arguments."""
        return self.relations(states, spans, pairs).log_softmax(-1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, first: torch.Tensor, last: torch.Tensor,
                tags: torch.Tensor, letters: torch.Tensor | None = None, statuses: torch.Tensor | None = None, spans: torch.Tensor | None = None,
                targets: torch.Tensor | None = None) -> JointOutput:
        """The joint loss. ``tags`` [batch, layers, units] and ``statuses`` [batch, units] are IGNORED where there is nothing to
        learn; ``spans`` [batch, n, 3] are (first, last, label) and ``targets`` [batch, n, n] the relation from row's span to
        column's, 0 for none, IGNORED for pairs that are no candidates."""
        states = self.unit_states(input_ids, attention_mask, first, last, letters)
        parts = {layer.name: self._tag_loss(layer.name, scores, tags[:, n])
                 for n, (layer, scores) in enumerate(zip(self.schema.layers, self.tag_scores(states)))}
        if statuses is not None and (statuses != IGNORED).any():
            parts["status"] = nn.functional.nll_loss(self.status_scores(states).flatten(0, 1), statuses.flatten(), ignore_index=IGNORED)
        if self.relations is not None and targets is not None and (targets != IGNORED).any():
            parts["relations"] = self._relation_loss(states, spans, targets)
        return JointOutput(loss=sum(parts.values()), parts={name: part.detach() for name, part in parts.items()})

    def _tag_loss(self, layer: str, scores: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        """The loss of each unit's tag, so that its scores stay probabilities; with a CRF the mean of that and the CRF's."""
        loss = nn.functional.nll_loss(scores.flatten(0, 1), tags.flatten(), ignore_index=IGNORED)
        return (loss + self.crf[layer](scores, tags, tags != IGNORED)) / 2 if layer in self.crf else loss

    def _relation_loss(self, states: torch.Tensor, spans: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        row, head, tail = (targets != IGNORED).nonzero().unbind(1)
        width = spans.shape[1]
        rows = torch.arange(len(spans), device=spans.device).repeat_interleave(width).unsqueeze(1)
        flat = torch.cat([rows, spans.flatten(0, 1)], dim=1)
        pairs = torch.stack([row * width + head, row * width + tail], dim=1)
        scores = self.relation_scores(states, flat, pairs)
        wanted = targets[row, head, tail]
        loss = nn.functional.nll_loss(scores, wanted, reduction="none")
        return loss.sum() / (wanted > 0).sum().clamp(min=1) / 4


def _of_units(states: torch.Tensor, first: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
    """States of units [batch, units, size] from those of pieces: the mean of each unit's first and last."""
    picked = [states.gather(1, place.unsqueeze(-1).expand(-1, -1, states.shape[-1])) for place in (first, last)]
    return (picked[0] + picked[1]) / 2


AutoConfig.register(ArabieConfig.model_type, ArabieConfig)
AutoModel.register(ArabieConfig, ArabieModel)
