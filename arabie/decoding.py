"""From scores to spans: BIO tags with constrained Viterbi decoding.

A layer with labels x, y … has the tags O, B-x, I-x, B-y, I-y … in that order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IMPOSSIBLE = -1e9


@dataclass(frozen=True, slots=True)
class UnitSpan:
    """A label over the units from ``first`` to ``last`` inclusive, and the probability of exactly that."""

    first: int
    last: int
    label: str
    score: float


def tag_count(labels: int) -> int:
    """How many tags a layer of so many labels has."""
    return 2 * labels + 1


def spans_to_tags(spans: list[tuple[int, int, int]], length: int) -> np.ndarray:
    """Tags, int64 [length], of (first unit, last unit, label index) spans that do not overlap.

    >>> spans_to_tags([(1, 2, 0)], 4).tolist()
    [0, 1, 2, 0]
    """
    tags = np.zeros(length, dtype=np.int64)
    for first, last, label in spans:
        tags[first] = 2 * label + 1
        tags[first + 1:last + 1] = 2 * label + 2
    return tags


def forbid(scores: np.ndarray, is_word: np.ndarray, one_word: bool) -> np.ndarray:
    """Log-probabilities [units, tags] without what cannot be: a span that starts at punctuation, a trigger of two words."""
    scores = np.array(scores, dtype=np.float32)
    scores[~is_word, 1::2] = IMPOSSIBLE
    if one_word:
        scores[:, 2::2] = IMPOSSIBLE
    return scores


def best_tags(scores: np.ndarray, line: np.ndarray) -> np.ndarray:
    """The most probable tags, int64 [units], in which I-x follows B-x or I-x of the same line.

    ``scores`` are log-probabilities [units, tags], ``line`` the line of each unit. Where the best tag of each unit already makes
    a possible sequence that sequence is the best; only the other lines are searched.
    """
    tags = scores.argmax(axis=1)
    inside = (tags > 0) & (tags % 2 == 0)
    begins_line = np.ones(len(tags), dtype=bool)
    begins_line[1:] = line[1:] != line[:-1]
    before = np.concatenate([[0], tags[:-1]])
    broken = inside & (begins_line | ((before != tags) & (before != tags - 1)))
    if broken.any():
        starts = np.flatnonzero(begins_line)
        ends = np.append(starts[1:], len(tags))
        bad = np.unique(np.searchsorted(starts, np.flatnonzero(broken), side="right") - 1)
        _search(scores, starts[bad], ends[bad], tags)
    return tags


def _search(scores: np.ndarray, starts: np.ndarray, ends: np.ndarray, tags: np.ndarray) -> None:
    """Viterbi over the given ranges at once, writing the best tags of each in place."""
    lengths = ends - starts
    steps = int(lengths.max())
    rows = np.arange(len(starts))
    own = np.arange(scores.shape[1])
    inside = np.arange(2, scores.shape[1], 2)
    best = np.where(np.isin(own, inside), IMPOSSIBLE, scores[starts])
    back = np.zeros((steps, len(starts), scores.shape[1]), dtype=np.int16)
    for step in range(1, steps):
        alive = np.flatnonzero(step < lengths)
        now = best[alive]
        top = now.argmax(axis=1)
        came = np.repeat(top[:, None], len(own), axis=1)
        came[:, inside] = np.where(now[:, inside] > now[:, inside - 1], inside, inside - 1)
        back[step, alive] = came
        best[alive] = np.take_along_axis(now, came, axis=1) + scores[starts[alive] + step]
    tag = best.argmax(axis=1)
    for step in range(steps - 1, -1, -1):
        alive = step < lengths
        tags[starts[alive] + step] = tag[alive]
        tag = np.where(alive, back[step, rows, tag], tag)


def tags_to_spans(tags: np.ndarray, scores: np.ndarray, is_word: np.ndarray, labels: tuple[str, ...]) -> list[UnitSpan]:
    """The spans of a possible tag sequence, without the punctuation they end in; the score is that of all their tags
    and of ending there."""
    starts = np.flatnonzero(tags % 2 == 1)
    if not len(starts):
        return []
    outside = np.flatnonzero((tags == 0) | (tags % 2 == 1))
    following = np.searchsorted(outside, starts, side="right")
    ends = np.append(outside, len(tags))[following]
    picked = np.concatenate([[0.0], np.cumsum(scores[np.arange(len(tags)), tags], dtype=np.float64)])
    found = []
    for start, end in zip(starts.tolist(), ends.tolist()):
        label = (int(tags[start]) - 1) // 2
        score = float(np.exp(picked[end] - picked[start]))
        if end < len(tags):
            score *= 1.0 - float(np.exp(scores[end, 2 * label + 2]))
        while not is_word[end - 1]:
            end -= 1
        found.append(UnitSpan(start, end - 1, labels[label], min(1.0, max(0.0, score))))
    return found
