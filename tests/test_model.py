"""The joint model: saved and loaded it is the same; its relation head agrees with a slow reading of its definition."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from arabie import load
from arabie.errors import ModelError
from arabie.model import BETWEEN, ArabieModel, RelationHead, _bucket
from arabie.model_folder import load_model
from arabie.schema import default_schema

TEXT = "انشق 7 عناصر من قسد، بسبب الرواتب.\nقصف على دير الزور"


def test_saved_and_loaded_it_gives_the_same(toy_model, tmp_path):
    model = load_model(toy_model)
    model.save_pretrained(tmp_path)
    again = ArabieModel.from_pretrained(tmp_path)
    kept, loaded = dict(model.state_dict()), dict(again.state_dict())
    assert kept.keys() == loaded.keys() and all(torch.equal(kept[name], loaded[name]) for name in kept)
    ids = torch.tensor([[2, 7, 8, 9, 3]])
    places = torch.tensor([[1, 2, 3]])
    states = [m.eval().unit_states(ids, torch.ones_like(ids), places, places) for m in (model, again)]
    assert torch.equal(*states)


def test_modernbert_keeps_its_rotary_table_through_a_load(toy_model, tmp_path):
    """Tables that a checkpoint does not hold must be made anew, not left as memory was."""
    from transformers import AutoConfig

    from arabie.model import ArabieConfig

    encoder = AutoConfig.for_model("modernbert", vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
                                   pad_token_id=0, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3)
    model = ArabieModel(ArabieConfig(encoder.to_dict(), default_schema().to_dict(), relation_size=16)).eval()
    model.save_pretrained(tmp_path)
    again = load_model(tmp_path).eval()
    ids = torch.arange(5, 45).reshape(2, 20)
    places = torch.arange(20).repeat(2, 1)
    assert torch.allclose(*(m.unit_states(ids, torch.ones_like(ids), places, places) for m in (model, again)), atol=1e-6)


def slow_relation_score(head: RelationHead, states, spans, pair):
    """One pair at a time, as the docstring has it."""
    (_, hf, hl, hlabel), (_, tf, tl, tlabel) = spans[pair[0]], spans[pair[1]]

    def vector(first, last):
        return torch.cat([states[0, first], states[0, last], states[0, first:last + 1].mean(dim=0)])

    h = head.head(vector(hf, hl)) + head.head_label.weight[hlabel]
    t = head.tail(vector(tf, tl)) + head.tail_label.weight[tlabel]
    left, right = sorted((tuple(spans[pair[0]]), tuple(spans[pair[1]])), key=lambda s: s[1]) if hf != tf else (spans[pair[0]], spans[pair[1]])
    between = states[0, min(left[2] + 1, right[1]):right[1]]
    context = between.mean(dim=0) if len(between) else torch.zeros(states.shape[-1])
    inside = [label for _, first, _, label in spans if left[1] < first < right[1]]
    kin = [min(sum(int(head.layer[other] == head.layer[label]) for other in inside), BETWEEN - 1) for label in (hlabel, tlabel)]
    like = [min(inside.count(label), BETWEEN - 1) for label in (hlabel, tlabel)]
    mixed = h + t + head.between(context) + head.product(h * t) + head.distance(_bucket(torch.tensor(tf - hf)))
    mixed = mixed + head.head_kin.weight[kin[0]] + head.tail_kin.weight[kin[1]]
    mixed = mixed + head.head_like.weight[like[0]] + head.tail_like.weight[like[1]]
    scores = head.score(torch.nn.functional.gelu(mixed))
    return scores.masked_fill(~head.allowed[hlabel, tlabel], float("-inf"))


def test_relation_head_against_one_pair_at_a_time():
    torch.manual_seed(3)
    schema = default_schema()
    head = RelationHead(8, 16, schema, dropout=0.1).eval()
    states = torch.randn(1, 30, 8)
    spans = [[0, 0, 1, 0], [0, 3, 3, 9], [0, 5, 9, 17], [0, 6, 6, 3], [0, 8, 8, 10], [0, 12, 14, 6], [0, 20, 20, 12], [0, 29, 29, 3]]
    pairs = torch.tensor([(h, t) for h in range(len(spans)) for t in range(len(spans)) if h != t])
    scores = head(states, torch.tensor(spans), pairs)
    for pair, found in zip(pairs.tolist(), scores):
        assert torch.allclose(found, slow_relation_score(head, states, spans, pair), atol=1e-5), pair
    names = schema.all_labels
    for (h, t), found in zip(pairs.tolist(), scores):
        for n, name in enumerate(schema.relation_names, 1):
            assert torch.isfinite(found[n]) == schema.allows(name, names[spans[h][3]], names[spans[t][3]])


def test_padding_changes_nothing(toy_model):
    model = load_model(toy_model).eval()
    ids, places = torch.tensor([[2, 7, 8, 9, 3]]), torch.tensor([[1, 2, 3]])
    alone = model.unit_states(ids, torch.ones_like(ids), places, places)
    wide = torch.tensor([[2, 7, 8, 9, 3, 0, 0, 0]])
    padded = model.unit_states(wide, (wide > 0).long(), places, places)
    assert torch.allclose(alone, padded, atol=1e-5)


@pytest.mark.parametrize("break_it, told", [
    (lambda f: (f / "model.safetensors").unlink(), "model.safetensors missing"),
    (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json missing"),
    (lambda f: (f / "config.json").write_text("{"), "config.json is not JSON"),
    (lambda f: (f / "config.json").write_text('{"model_type": "bert"}'), "model type 'bert'"),
    (lambda f: (f / "model.safetensors").write_bytes(b"nothing"), "cannot be loaded"),
    (lambda f: save_file({k: v for k, v in load_file(f / "model.safetensors").items() if not k.startswith("tags")}, f / "model.safetensors",
                         metadata={"format": "pt"}), "does not fit config.json"),
])
def test_a_broken_folder_is_told_in_a_line(toy_model, tmp_path, break_it, told):
    folder = tmp_path / "broken"
    shutil.copytree(toy_model, folder)
    break_it(folder)
    with pytest.raises(ModelError, match=told) as error:
        load(folder, device="cpu")
    assert "\n" not in str(error.value)


def test_a_model_of_another_schema_is_told(toy_model, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(toy_model, folder)
    config = json.loads((folder / "config.json").read_text())
    config["schema"]["layers"][0]["labels"].append("NEW")
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="does not fit config.json"):
        load(folder, device="cpu")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ModelError, match="no such folder"):
        load(tmp_path / "nowhere")


def test_a_device_that_is_not_there(toy_model):
    with pytest.raises(ModelError, match="try device='cpu'"):
        load(toy_model, device="toaster")


@pytest.mark.parametrize("folder", ["toy_model", "toy_letters_model"])
def test_standardised_states_have_mean_0_and_deviation_1_and_padding_does_not_count(request, folder):
    model = load_model(request.getfixturevalue(folder)).train()
    torch.manual_seed(0)
    ids = torch.randint(5, 60, (6, 30))
    first = torch.arange(1, 27).repeat(6, 1)
    tags = torch.zeros(6, 3, 26, dtype=torch.long)
    tags[2:, :, 10:] = -100
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "first": first, "last": first + 1, "tags": tags}
    model.standardise([{name: part[:2] for name, part in batch.items()}, {name: part[2:] for name, part in batch.items()}])
    assert model.training and model.encoder.training, "it is left as it was"
    model.eval().letters = None
    states = model.unit_states(ids, batch["attention_mask"], first, first + 1)[tags[:, 0] == 0]
    assert torch.allclose(states.mean(dim=0), torch.zeros(32), atol=1e-5)
    assert torch.allclose(states.std(dim=0), torch.ones(32), atol=1e-4)


@pytest.mark.parametrize("name, value, told", [
    ("window", "x", "window is 'x', not a number"), ("overlap", 1.5, "overlap is 1.5"), ("letters", -5, "letters is -5"),
    ("letters", True, "letters is True"), ("window", 8, "a window of 8 pieces is too small"),
    ("relation_size", "wide", "config.json|cannot be loaded"),
])
def test_a_wrong_size_in_a_folder_is_told(toy_model, tmp_path, name, value, told):
    folder = shutil.copytree(toy_model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {name: value}), encoding="utf-8")
    with pytest.raises(ModelError, match=told):
        load(folder, engine="torch")
