"""Scores that are worth what they say: scalings fitted on annotated documents, and kept in a model's folder."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arabie.document import Document, Relation, Span
from arabie.errors import ConfigError, ModelError
from arabie.evaluation.pairs import paired, relations_of, spans_of
from arabie.extractor import Extractor
from arabie.formats import read
from arabie.model_folder import DEFAULT_MODEL, ModelFacts
from arabie.scaling import SAME, Scaling, log_odds
from arabie.schema import default_schema
from training.calibrate import FEWEST, OUTSIDES, calibrated, fit, fit_outside, scored, write_facts

ROOT = Path(__file__).resolve().parents[2]
scalings = st.builds(Scaling, st.floats(0.05, 20), st.floats(-20, 20))


@given(scalings, st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_scaled_scores_are_probabilities_in_the_order_of_the_scores(scaling, scores):
    found = scaling(np.sort(scores))
    assert ((found >= 0) & (found <= 1)).all() and (np.diff(found) >= 0).all()
    for score, scaled in zip(sorted(scores) if scaling != SAME else [], found.tolist()):
        odds = min(max(score, 1e-6), 1 - 1e-6)
        assert scaled == pytest.approx(1 / (1 + math.exp(-scaling.slope * math.log(odds / (1 - odds)) - scaling.intercept)))


def test_without_scaling_scores_stay_as_they_are():
    scores = np.array([0.0, 1e-9, 0.3, 1.0])
    assert SAME(scores) is scores


@pytest.mark.parametrize("slope, intercept", [(0.0, 0.0), (-1.0, 0.0), (math.nan, 0.0), (1.0, math.inf)])
def test_a_scaling_that_turns_the_order_round_is_refused(slope, intercept):
    with pytest.raises(ConfigError, match="slope above 0"):
        Scaling(slope, intercept)


@given(st.floats(0.3, 2), st.floats(-1, 1), st.integers(0, 100))
def test_a_scaling_is_found_again(slope, intercept, seed):
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.02, 0.98, 20_000)
    right = rng.random(20_000) < Scaling(slope, intercept)(scores)
    found = fit(zip(scores.tolist(), right.tolist()))
    assert found.slope == pytest.approx(slope, abs=0.15) and found.intercept == pytest.approx(intercept, abs=0.15)


def test_few_spans_say_nothing():
    wrong = [(0.9, False)] * 1000
    assert fit([]) == fit(wrong) == fit(wrong + [(0.9, True)] * (FEWEST - 1)) == SAME
    assert fit(wrong + [(0.8, True)] * FEWEST) == SAME, "the surer the less right: that is chance"
    assert fit(wrong + [(0.95, True)] * FEWEST) != SAME


@pytest.fixture(scope="module")
def documents():
    return list(read(ROOT / "training/corpus/dev.jsonl", "jsonl"))[:25]


@pytest.fixture(scope="module")
def fitted(documents):
    extractor = Extractor.load(DEFAULT_MODEL, device="cpu", engine="torch", precision="fp32")
    facts = calibrated(extractor, documents)
    plain = Extractor(replace(facts, scaling={}), extractor.encoder.tokenizer, extractor.engine)
    return extractor, facts, list(plain.label_many(documents))


class Eager:
    """An engine that takes units for outside less readily than another by so much, in every layer."""

    def __init__(self, engine, less):
        self.engine, self.less, self.relate, self.runs = engine, less, engine.relate, 0

    def run(self, windows):
        self.runs += 1
        return [replace(output, tags=tuple(tags - self.less * np.eye(tags.shape[1], dtype=np.float32)[0] for tags in output.tags))
                for output in self.engine.run(windows)]


def test_a_model_that_finds_too_much_is_held_back_by_as_much(documents, fitted):
    extractor, facts, _ = fitted
    eager = Extractor(replace(facts, outside={}), extractor.encoder.tokenizer, Eager(extractor.engine, 1.0))
    list(eager.label_many(documents))
    runs = eager.engine.runs
    found = fit_outside(eager, documents)
    as_much = {layer.name: facts.outside.get(layer.name, 0.0) + 1.0 for layer in facts.schema.layers}
    most = OUTSIDES[-2]  # the last value that has two neighbours
    assert {name: found[name] for name in facts.outside} == {name: min(as_much[name], most) for name in facts.outside}
    assert all(found[name] > 0 for name in as_much)
    assert eager.facts.outside == {} and eager.engine.runs == 2 * runs, "the texts were encoded once for all values"
    eager.facts = replace(facts, outside=as_much)
    assert [d.spans for d in eager.label_many(documents)] == [d.spans for d in extractor.label_many(documents)]


def test_scores_are_nearer_to_what_is_right(documents, fitted):
    extractor, facts, before = fitted
    after = list(extractor.label_many(documents))
    assert facts.scaling and extractor.facts is facts

    def surprise(found):
        told = [(span.score, (span.start, span.end, span.label) in {(s.start, s.end, s.label) for s in gold.spans})
                for gold, labelled in zip(documents, found) for span in labelled.spans]
        odds = log_odds([score for score, _ in told])
        return sum(math.log1p(math.exp(-odd if right else odd)) for odd, (_, right) in zip(odds.tolist(), told))

    assert [document.spans for document in after] == [document.spans for document in before], "only scores change"
    assert surprise(after) < surprise(before)


def test_relations_that_count_are_those_at_or_above_the_threshold(documents, fitted):
    extractor, facts, _ = fitted
    scores = [relation.score for document in extractor.label_many(documents) for relation in document.relations]
    assert scores and min(scores) >= facts.relation_threshold > 0


def test_facts_are_kept_in_the_folder(toy_model, tmp_path):
    folder = shutil.copytree(toy_model, tmp_path / "model")
    facts = replace(ModelFacts.load(folder), scaling={"events": Scaling(0.5, 0.25)}, outside={"causes": 1.5},
                    relation_threshold=0.35)
    write_facts(folder, facts)
    assert ModelFacts.load(folder) == facts
    assert ModelFacts.of(Extractor.load(folder, engine="torch").engine.runtime.model) == facts


@pytest.mark.parametrize(("name", "told"), [
    ("scaling", {"events": [0, 1]}), ("scaling", {"events": [1]}), ("scaling", {"events": 3}), ("scaling", {"events": ["a", "b"]}),
    ("scaling", [1]), ("outside", {"events": "a"}), ("outside", {"events": math.inf}), ("outside", {"events": [1]}), ("outside", [1])])
def test_facts_that_are_none_are_a_faulty_folder(toy_model, tmp_path, name, told):
    folder = shutil.copytree(toy_model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {name: told}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"config\.json"):
        Extractor.load(folder, engine="torch")


def test_an_item_is_right_by_label_and_extent_and_a_relation_by_type_and_both_ends():
    head, tail, other = Span(0, 4, "DEFECTION", "ACTUAL"), Span(5, 8, "GROUP"), Span(9, 12, "GROUP")
    gold = Document("انشق قسد قسد", [head, tail, other], [Relation("FROM", head, tail)])
    spans = [replace(head, status="NEGATED", score=0.7), replace(tail, score=0.6), replace(other, label="ORG", score=0.5)]
    found = Document(gold.text, spans, [Relation("FROM", spans[0], spans[1], 0.9), Relation("TO", spans[0], spans[1], 0.8)])
    pairs, schema = list(paired([gold], [found])), default_schema()
    layers = {layer.name: layer for layer in schema.layers}
    assert list(scored(pairs, lambda d: spans_of(d, layers["events"]))) == [(0.7, True)]
    assert list(scored(pairs, lambda d: spans_of(d, layers["entities"]))) == [(0.6, True), (0.5, False)]
    assert list(scored(pairs, lambda d: relations_of(d, schema))) == [(0.9, True), (0.8, False)]
