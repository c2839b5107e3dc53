"""The CRF's loss against adding up every sequence of tags; its transitions from training to the model's folder and to decoding."""

from __future__ import annotations

import itertools
import json
import math
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from arabie.crf import CRF
from arabie.decoding import possible_moves
from arabie.errors import ModelError
from arabie.extractor import Extractor
from arabie.model import ArabieConfig, ArabieModel
from arabie.model_folder import DEFAULT_MODEL, ModelFacts, load_model

TAGS = 5
POSSIBLE = possible_moves(TAGS)


def slow_loss(transitions, scores, tags, known) -> float:
    """Over all possible sequences, and over those of them that have the known tags right."""
    lost, units = 0.0, 0
    for row, right, sure in zip(scores.tolist(), tags.tolist(), known.tolist()):
        every = gold = 0.0
        for way in itertools.product(range(TAGS), repeat=len(row)):
            before = [0, *way[:-1]]
            if all(POSSIBLE[a, b] for a, b in zip(before, way)):
                weight = math.exp(sum(transitions[a][b] + of_unit[b] for a, b, of_unit in zip(before, way, row)))
                every += weight
                gold += weight if all(tag == wanted or not is_sure for tag, wanted, is_sure in zip(way, right, sure)) else 0.0
        lost += math.log(every) - math.log(gold)
        units += sum(sure)
    return lost / max(1, units)


@st.composite
def batches(draw):
    """Scores, possible tags of which some are not known, and transitions."""
    rows, units = draw(st.integers(1, 2)), draw(st.integers(1, 4))
    torch.manual_seed(draw(st.integers(0, 2**31)))
    scores = torch.randn(rows, units, TAGS).log_softmax(-1)
    tags = torch.zeros(rows, units, dtype=torch.long)
    for row, unit in itertools.product(range(rows), range(units)):
        before = int(tags[row, unit - 1]) if unit else 0
        tags[row, unit] = draw(st.sampled_from([tag for tag in range(TAGS) if POSSIBLE[before, tag]]))
    known = torch.tensor(draw(st.lists(st.booleans(), min_size=rows * units, max_size=rows * units))).view(rows, units)
    return scores, tags.where(known, -100), known, torch.randn(TAGS, TAGS)


@settings(max_examples=60, deadline=None)
@given(batches())
def test_the_loss_is_that_of_adding_up_every_sequence(batch):
    scores, tags, known, transitions = batch
    crf = CRF(TAGS)
    crf.transitions.data.copy_(transitions)
    assert math.isclose(crf(scores, tags, known).item(), slow_loss(transitions.tolist(), scores, tags, known), abs_tol=1e-4)


def test_under_autocast_it_is_the_same_and_long_sequences_have_a_gradient():
    torch.manual_seed(0)
    scores, crf = torch.randn(2, 300, TAGS).log_softmax(-1).requires_grad_(), CRF(TAGS)
    tags = torch.zeros(2, 300, dtype=torch.long)
    plain = crf(scores, tags, tags == 0)
    with torch.autocast("cpu", torch.bfloat16):
        lower = crf(scores, tags, tags == 0)
    assert plain.item() == lower.item()
    plain.backward()
    assert torch.isfinite(scores.grad).all() and torch.isfinite(crf.transitions.grad).all() and crf.transitions.grad.any()


@pytest.fixture
def with_crf(toy_model, tmp_path):
    """The folder of a toy model with a CRF of transitions that no training made."""
    model = load_model(toy_model)
    told = model.config.to_dict() | {"crf": True}
    made = ArabieModel(ArabieConfig.from_dict(told))
    made.load_state_dict(model.state_dict(), strict=False)
    torch.manual_seed(3)
    for found in made.crf.values():
        found.transitions.data.normal_()
    folder = tmp_path / "model"
    shutil.copytree(toy_model, folder)
    made.save_pretrained(folder)
    return folder


def test_transitions_go_from_the_model_through_its_folder(with_crf):
    model, facts = load_model(with_crf), ModelFacts.load(with_crf)
    assert facts == ModelFacts.of(model)
    assert set(facts.transitions) == {layer.name for layer in model.schema.layers if not layer.one_word}
    assert "events" not in facts.transitions and any(any(row) for row in facts.transitions["causes"])


def test_decoding_heeds_the_transitions(with_crf):
    """Where a move into every span costs more than any score, nothing is found."""
    text = "انشق ثمانية عناصر من الفرقة الرابعة في دير الزور بسبب الرواتب."
    before = Extractor.load(with_crf, engine="torch").extract(text)
    assert before.entities or before.causes
    weights = load_file(with_crf / "model.safetensors")
    for name in [name for name in weights if name.endswith(".transitions")]:
        weights[name] = torch.zeros_like(weights[name])
        weights[name][0, 1:] = -1e4
    save_file(weights, with_crf / "model.safetensors", metadata={"format": "pt"})
    found = Extractor.load(with_crf, engine="torch").extract(text)
    assert {found.schema.layer_of(span.label) for span in found.spans} <= {"events"}


def test_a_folder_without_the_transitions_it_claims_is_told(toy_model, tmp_path):
    folder = tmp_path / "mixed"
    shutil.copytree(toy_model, folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"crf": True}), encoding="utf-8")
    with pytest.raises(ModelError, match="does not fit config.json"):
        ModelFacts.load(folder)


def test_the_default_model_has_learnt_that_causes_go_on():
    facts = ModelFacts.load(DEFAULT_MODEL)
    assert set(facts.transitions) == {"entities", "causes"}
    causes = np.array(facts.transitions["causes"])
    begins, inside = np.arange(1, len(causes), 2), np.arange(2, len(causes), 2)
    assert causes[inside, inside].mean() > causes[begins, 0].mean(), "one word hardly ever is a cause"
