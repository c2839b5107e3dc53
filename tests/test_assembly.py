"""Documents from scores: the same whichever windows come together, and as a slow reading of each text has them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from arabie.assembly import Assembler, assemble
from arabie.decoding import best_tags, forbid, tag_count, tags_to_spans
from arabie.document import Span
from arabie.encoding import Encoder, WindowSettings, windows
from arabie.engines import WindowOutput
from arabie.model_folder import ModelFacts
from arabie.scaling import Scaling
from arabie.schema import default_schema
from arabie.text import PROFILES

SCHEMA = default_schema()
LABELS = {label: number for number, label in enumerate(SCHEMA.all_labels)}
JOINS = {pair for relation in SCHEMA.relations for pair in relation.joins}
TAGS = [tag_count(len(layer.labels)) for layer in SCHEMA.layers]
THRESHOLD = 0.3
SCALING = {"entities": Scaling(0.7, 0.2), "relations": Scaling(1.5, -0.4)}
OUTSIDE = {"entities": 1.5, "events": -0.5}
FACTS = ModelFacts(SCHEMA, PROFILES["default"], WindowSettings(40, 12), THRESHOLD, scaling=SCALING, outside=OUTSIDE)
SIZE = 3
quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = ["انشق", "قسد", "25", "،", "\n", "هـ.روب", "الرقة"]
seeds = st.integers(0, 2**32 - 1)
sizes = st.sampled_from([0, 1, 8, 40, 70])
texts = st.builds(lambda size, seed: " ".join(np.random.default_rng(seed).choice(WORDS, size)), sizes, seeds)


@pytest.fixture(scope="module")
def encoder(toy_encoder):
    return Encoder(AutoTokenizer.from_pretrained(toy_encoder))


def log_softmax(raw):
    return (raw - np.log(np.exp(raw).sum(axis=-1, keepdims=True))).astype(np.float32)


def outputs(cut, rng):
    """Made-up scores, with spans of every kind, and states."""
    for window in cut:
        units = window.end - window.start
        tags = tuple(log_softmax(rng.normal(0, 2, (units, count)) + 3 * (np.arange(count) == 0)) for count in TAGS)
        statuses = log_softmax(rng.normal(0, 1, (units, len(SCHEMA.statuses))))
        yield WindowOutput(tags, statuses, rng.random((units, SIZE)))


def related(head_state, tail_state, head_label, tail_label):
    """Made-up probabilities of the relations, the first none, between spans by their states and labels."""
    raw = head_state.sum(axis=-1) + 7 * tail_state.sum(axis=-1) + head_label + 3 * tail_label
    return np.exp(log_softmax(2 * np.sin(raw[..., None] * (1 + np.arange(len(SCHEMA.relations) + 1)))))


def relate(states, spans, pairs):
    assert {int(row) for row in spans[pairs[:, 0], 0]} == set(range(len(states))), "each window given has pairs"
    assert (spans[pairs[:, 0], 0] == spans[pairs[:, 1], 0]).all()
    firsts, lasts = (np.array([states[span[0]][span[end]] for span in spans.tolist()]) for end in (1, 2))
    head, tail = pairs.T
    return related(firsts[head], lasts[tail], spans[head, 3], spans[tail, 3])


def made(encoder, text, rng, given=None):
    """An assembler of a text, and the outputs of its windows."""
    encoded = encoder.encode(text)
    cut = windows(encoded, FACTS.windows)
    return Assembler(text, encoded, cut, FACTS, given), list(zip(cut, outputs(cut, rng)))


def told(document):
    """All that a Document says, scores included."""
    spans = [(span, span.score, span.text) for span in document.spans]
    return document.text, spans, [(relation, relation.score) for relation in document.relations]


@quick
@given(some=st.lists(texts, max_size=4), seed=seeds)
def test_it_does_not_matter_which_windows_come_together(encoder, some, seed):
    rng = np.random.default_rng(seed)
    rounds = {}
    for way in ("one by one", "all at once", "by chance"):
        parts = [made(encoder, text, np.random.default_rng(seed + n)) for n, text in enumerate(some)]
        todo = [(assembler, window, output) for assembler, outputs in parts for window, output in outputs]
        if way == "one by one":
            for item in todo:
                assemble([item], relate)
        elif way == "all at once":
            assemble(todo, relate)
        else:
            left = [list(group) for _, group in itertools.groupby(todo, key=lambda item: id(item[0]))]
            while left := [group for group in left if group]:
                assemble([group.pop(0) for group in left for _ in range(rng.integers(0, len(group) + 1))], relate)
        rounds[way] = [told(assembler.document(None, {})) for assembler, _ in parts]
    assert rounds["one by one"] == rounds["all at once"] == rounds["by chance"]


def slow_spans(encoder, text, read):
    """Each layer decoded in one piece, every unit's scores from its own window: (first, last, label, status)."""
    encoded, found = encoder.encode(text), []
    units = encoded.units
    owned = [[scores[w.own_start - w.start:w.own_end - w.start] for scores in (*output.tags, output.statuses)]
             for w, output in read]
    *layers, statuses = [np.concatenate(parts) for parts in zip(*owned)] or [()]
    for layer, scores in zip(SCHEMA.layers, layers):
        scores = forbid(scores, units.is_word, layer.one_word)
        weighed = scores + np.eye(scores.shape[1], dtype=np.float32)[0] * OUTSIDE.get(layer.name, 0)
        for span in tags_to_spans(best_tags(weighed, units.line), scores, units.is_word, layer.labels):
            status = layer.statuses[statuses[span.first].argmax()] if layer.statuses else None
            found.append((span.first, span.last, span.label, status))
    return encoded, found


def slow_relations(spans, read):
    """Every pair of spans by itself: (type, head, tail) by numbers of spans."""
    found = set()
    for (h, head), (t, tail) in itertools.permutations(enumerate(spans), 2):
        start, end = min(head[0], tail[0]), max(head[1], tail[1])
        for window, output in read:
            owns = window.own_start <= (start + end) // 2 < window.own_end
            if owns and (head[2], tail[2]) in JOINS and window.start <= start and end < window.end:
                states = output.states[head[0] - window.start], output.states[tail[1] - window.start]
                scores = related(*states, LABELS[head[2]], LABELS[tail[2]])
                if SCALING["relations"](scores[1:].max()) >= THRESHOLD:
                    found.add((SCHEMA.relation_names[scores[1:].argmax()], h, t))
    return found


def placed(encoded, spans):
    return [Span(*encoded.to_raw(first, last), label, status) for first, last, label, status in spans]


@quick
@given(text=texts, seed=seeds)
def test_spans_and_relations_are_those_of_the_slow_way(encoder, text, seed):
    assembler, read = made(encoder, text, np.random.default_rng(seed))
    assemble([(assembler, *item) for item in read], relate)
    document = assembler.document("d", {"a": 1})
    encoded, slow = slow_spans(encoder, text, read)
    spans = placed(encoded, slow)
    assert (document.id, document.meta) == ("d", {"a": 1})
    assert set(document.spans) == set(spans)
    relations = {(kind, spans[h], spans[t]) for kind, h, t in slow_relations(slow, read)}
    assert {(r.type, r.head, r.tail) for r in document.relations} == relations


@quick
@given(text=texts, seed=seeds)
def test_given_spans_are_related_and_nothing_else_is_found(encoder, text, seed):
    rng = np.random.default_rng(seed)
    encoded = encoder.encode(text)
    edges = np.sort(rng.integers(0, len(encoded), (6, 2))) if len(encoded) else np.zeros((0, 2), int)
    ranges = sorted(set(map(tuple, edges.tolist())))
    units = [(first, last, rng.choice(list(LABELS)).item(), None) for first, last in ranges]
    given = placed(encoded, units)
    assembler, read = made(encoder, text, rng, [*given, Span(0, 1, "NO_LABEL"), Span(1, 3, "LOC")])
    assemble([(assembler, *item) for item in read], relate)
    document = assembler.document(None, {})
    places = [(span.start, span.end, span.label) for span in given]
    assert sorted(map(place, document.spans)) == sorted(places)
    found = {(r.type, place(r.head), place(r.tail)) for r in document.relations}
    assert found == {(kind, places[h], places[t]) for kind, h, t in slow_relations(units, read)}


def place(span):
    return span.start, span.end, span.label


@pytest.mark.parametrize("most", [1, 1000, 10**6])
def test_relations_are_scored_in_calls_of_bounded_size(encoder, most, monkeypatch):
    monkeypatch.setattr("arabie.assembly.PAIRS_A_CALL", most)
    text, calls = "انشق قسد 25 الرقة \n" * 20, []

    def counting(states, spans, pairs):
        calls.append((np.bincount(spans[:, 0]) ** 2).tolist())
        return relate(states, spans, pairs)

    assembler, read = made(encoder, text, np.random.default_rng(3))
    assemble([(assembler, *item) for item in read], counting)
    assert sum(map(len, calls)) == len(read)
    assert all(sum(call[:-1]) < most for call in calls) and all(sum(call) >= most for call in calls[:-1])
    encoded, slow = slow_spans(encoder, text, read)
    assert len(assembler.document(None, {}).relations) == len(slow_relations(slow, read))
