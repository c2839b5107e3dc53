"""Viterbi against trying every sequence and against the textbook; spans and their scores against reading tag by tag."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.decoding import best_tags, forbid, possible_moves, spans_to_tags, tags_to_spans

LABELS = ("A", "B")
TAGS = 5


def possible(tags, lines) -> bool:
    for n, tag in enumerate(tags):
        if tag in (2, 4) and (n == 0 or lines[n] != lines[n - 1] or tags[n - 1] not in (tag, tag - 1)):
            return False
    return True


@st.composite
def scored(draw, most=5):
    length = draw(st.integers(1, most))
    rows = st.lists(st.floats(-6, 2, width=32), min_size=TAGS, max_size=TAGS)
    values = draw(st.lists(rows, min_size=length, max_size=length))
    raw = np.array(values, dtype=np.float32)
    scores = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    line = np.cumsum(draw(st.lists(st.integers(0, 1), min_size=length, max_size=length)))
    return scores, line


def test_possible_moves_are_those_of_possible_sequences():
    expected = [[possible([tag, other], [0, 0]) or tag in (2, 4) and possible([tag - 1, tag, other], [0, 0, 0])
                 for other in range(TAGS)] for tag in range(TAGS)]
    assert possible_moves(TAGS).tolist() == expected


# What a CRF adds for one tag before another; None is a model without one.
moves = st.none() | st.lists(st.lists(st.floats(-4, 4), min_size=TAGS, max_size=TAGS), min_size=TAGS, max_size=TAGS).map(np.array)


def total(scores, line, transitions, tags) -> float:
    """The score of a sequence of tags; the first of a line comes after O."""
    found = 0.0
    for n, tag in enumerate(tags):
        before = 0 if n == 0 or line[n] != line[n - 1] else tags[n - 1]
        found += float(scores[n, tag]) + (0.0 if transitions is None else transitions[before, tag])
    return found


@settings(max_examples=200, deadline=None)
@given(scored(), moves)
def test_best_tags_are_the_best_of_all_possible_sequences(case, transitions):
    scores, line = case
    found = best_tags(scores, line, transitions)
    assert possible(found, line)
    every = itertools.product(range(TAGS), repeat=len(line))
    best = max(total(scores, line, transitions, tags) for tags in every if possible(tags, line))
    assert np.isclose(total(scores, line, transitions, found), best, atol=1e-4)


def textbook(scores, line, transitions):
    """The score of the best possible sequence: for each unit in turn, the best way to each of its tags."""
    moves = np.zeros((TAGS, TAGS)) if transitions is None else transitions
    best = [0.0] + [-np.inf] * (TAGS - 1)
    for n, row in enumerate(scores.astype(np.float64)):
        if n == 0 or line[n] != line[n - 1]:
            best = [max(best)] + [-np.inf] * (TAGS - 1)
        best = [row[tag] + max(best[before] + moves[before, tag] for before in range(TAGS) if tag not in (2, 4) or before in (tag, tag - 1))
                for tag in range(TAGS)]
    return max(best)


@st.composite
def texts(draw):
    """Scores of many units as a trained model gives them: nearly sure of most, and now and then of what cannot be."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length, doubt = draw(st.integers(1, 60)), draw(st.sampled_from([0.5, 2.0, 5.0]))
    meant = rng.choice(TAGS, length, p=[0.4, 0.15, 0.15, 0.15, 0.15])
    raw = rng.normal(0, doubt, (length, TAGS)) + 8 * np.eye(TAGS)[meant]
    line = np.cumsum(rng.random(length) < draw(st.sampled_from([0.0, 0.1, 0.5])))
    scores = forbid(raw - np.log(np.exp(raw).sum(axis=1, keepdims=True)), rng.random(length) < 0.8, draw(st.booleans()))
    return scores, line


@settings(max_examples=300, deadline=None)
@given(texts(), moves)
def test_best_tags_of_many_units_score_as_the_textbook_says(case, transitions):
    scores, line = case
    found = best_tags(scores, line, transitions)
    assert possible(found, line)
    assert np.isclose(total(scores, line, transitions, found), textbook(scores, line, transitions), atol=1e-3)


@settings(max_examples=100, deadline=None)
@given(texts(), moves)
def test_each_line_is_decoded_as_by_itself(case, transitions):
    scores, line = case
    alone = [best_tags(scores[line == n], line[line == n], transitions) for n in np.unique(line)]
    assert best_tags(scores, line, transitions).tolist() == np.concatenate(alone).tolist()


def test_a_text_without_units_has_no_tags():
    for transitions in (None, np.ones((TAGS, TAGS))):
        assert best_tags(np.zeros((0, TAGS), dtype=np.float32), np.zeros(0, dtype=np.int64), transitions).tolist() == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 1)), max_size=6))
def test_tags_and_back(steps):
    spans, at = [], 0
    for gap, length, label in steps:
        spans.append((at + gap, at + gap + length - 1, label))
        at += gap + length
    tags = spans_to_tags(spans, at + 1)
    certain = np.where(np.arange(TAGS) == tags[:, None], 0.0, -30.0)
    found = tags_to_spans(tags, certain, np.ones(len(tags), dtype=bool), LABELS)
    assert [(s.first, s.last, LABELS.index(s.label)) for s in found] == spans
    assert all(s.score > 0.99 for s in found)


def test_what_cannot_be_is_forbidden():
    scores = np.log(np.full((3, TAGS), 1 / TAGS, dtype=np.float32))
    closed = forbid(scores, np.array([True, False, True]), one_word=True)
    assert (closed[1, [1, 3]] < -1e8).all() and (closed[:, [2, 4]] < -1e8).all() and (closed[0, [0, 1, 3]] > -2).all()
    assert (scores > -2).all(), "the scores given are left as they were"


def slow_spans(tags, scores, is_word):
    """Spans by following each from its first unit on."""
    found = []
    for first in np.flatnonzero(tags % 2 == 1).tolist():
        end = first + 1
        while end < len(tags) and tags[end] == tags[first] + 1:
            end += 1
        probability = np.prod([np.exp(float(scores[n, tags[n]])) for n in range(first, end)])
        if end < len(tags):
            probability *= 1 - np.exp(float(scores[end, tags[first] + 1]))
        last = max(n for n in range(first, end) if is_word[n])
        found.append((first, last, LABELS[tags[first] // 2], probability))
    return found


@settings(max_examples=200, deadline=None)
@given(texts(), st.integers(0, 2**32 - 1))
def test_spans_and_scores_are_those_of_following_each_span(case, seed):
    scores, line = case
    tags = best_tags(scores, line)
    is_word = (tags % 2 == 1) | (np.random.default_rng(seed).random(len(tags)) < 0.5)
    found = tags_to_spans(tags, scores, is_word, LABELS)
    slow = slow_spans(tags, scores, is_word)
    assert [span[:3] for span in found] == [span[:3] for span in slow]
    assert np.allclose([span.score for span in found], [span[3] for span in slow], atol=1e-6)


def test_punctuation_at_the_end_of_a_span_stays_outside():
    tags = np.array([1, 2, 2, 0])
    scores = np.where(np.arange(TAGS) == tags[:, None], 0.0, -30.0)
    (span,) = tags_to_spans(tags, scores, np.array([True, True, False, True]), LABELS)
    assert (span.first, span.last) == (0, 1)


def test_score_is_the_probability_of_exactly_that_span():
    scores = np.log(np.array([[0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.1, 0.6, 0.1, 0.1], [0.5, 0.1, 0.2, 0.1, 0.1]]))
    (span,) = tags_to_spans(np.array([1, 2, 0]), scores, np.ones(3, dtype=bool), LABELS)
    assert np.isclose(span.score, 0.6 * 0.6 * 0.8)
