"""From scores to spans: BIO tags with constrained Viterbi decoding.

A layer with labels x, y … has the tags O, B-x, I-x, B-y, I-y … in that order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

IMPOSSIBLE = -1e9


class UnitSpan(NamedTuple):
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
    """Log-probabilities [units, tags] without what cannot be: a span that starts at punctuation, or a trigger of two
    words."""
    scores = np.array(scores, dtype=np.float32)
    scores[~is_word, 1::2] = IMPOSSIBLE
    if one_word:
        scores[:, 2::2] = IMPOSSIBLE
    return scores


def possible_moves(tags: int) -> np.ndarray:
    """Whether one tag (row) may stand before another (column): I-x only after B-x and I-x. Bool [tags, tags].

    >>> possible_moves(3).astype(int).tolist()
    [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
    """
    kind = (np.arange(tags) + 1) // 2
    inside = (kind > 0) & (np.arange(tags) % 2 == 0)
    return ~inside | (kind[:, None] == kind)


def best_tags(scores: np.ndarray, line: np.ndarray, transitions: np.ndarray | None = None) -> np.ndarray:
    """The most probable tags, int64 [units], in which I-x follows B-x or I-x of the same line: Viterbi, line by line.

    ``scores`` are log-probabilities [units, tags], of which O is never impossible; ``line`` is the line of each unit;
    ``transitions`` [tags, tags] are what a CRF adds for a tag (row) before another (column), the first of a line
    being after O. Only lines whose best tags can be others than the best of each unit are searched.
    """
    tags = scores.argmax(axis=1)
    starts = np.flatnonzero(np.append(True, line[1:] != line[:-1])[:len(line)])
    moves = np.where(possible_moves(scores.shape[1]), 0.0 if transitions is None else transitions - transitions[0, 0], IMPOSSIBLE)
    doubtful = _broken(tags, starts, moves) if transitions is None else _inviting(scores, moves)
    if doubtful.any():
        searched = np.logical_or.reduceat(doubtful, starts)
        ends = np.append(starts[1:], len(tags))
        _search(scores, starts[searched], ends[searched], moves, tags)
    return tags


def _broken(tags: np.ndarray, starts: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Whether the tag of each unit cannot follow the one before."""
    before = np.append(0, tags[:-1])
    before[starts] = 0
    return moves[before, tags] < 0


def _inviting(scores: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Whether another tag than O can pay for a unit: each adds the difference to O, and two moves that are not from O to O,
    which is worth 0. In a line without such a unit O is the best throughout."""
    return scores[:, 1:].max(axis=1) + 2 * moves.max() > scores[:, 0]


def _search(scores: np.ndarray, starts: np.ndarray, ends: np.ndarray, moves: np.ndarray, tags: np.ndarray) -> None:
    """Viterbi over some lines at once, writing the best tags of each in place."""
    order = np.argsort(starts - ends, kind="stable")
    starts, ends = starts[order], ends[order]
    rows = np.arange(len(starts))
    best = np.full((len(starts), scores.shape[1]), IMPOSSIBLE)
    best[:, 0] = 0
    longer = np.searchsorted(starts - ends, -np.arange((ends - starts).max())).tolist()  # how many lines are longer than each step
    before = []
    for step, count in enumerate(longer):
        reached = best[:count, :, None] + moves
        came = reached.argmax(axis=1)
        before.append(came.astype(np.int16))
        best[:count] = np.take_along_axis(reached, came[:, None], axis=1)[:, 0] + scores[starts[:count] + step]
    tag = best.argmax(axis=1)
    for step, count in reversed(list(enumerate(longer))):
        tags[starts[:count] + step] = tag[:count]
        tag[:count] = before[step][rows[:count], tag[:count]]


def tags_to_spans(tags: np.ndarray, scores: np.ndarray, is_word: np.ndarray, labels: tuple[str, ...]) -> list[UnitSpan]:
    """The spans of a possible tag sequence, without the punctuation they end in; the score is that of all their tags
    and of ending there."""
    starts = np.flatnonzero(tags % 2 == 1)
    if not len(starts):
        return []
    stops = np.append(np.flatnonzero((tags == 0) | (tags % 2 == 1)), len(tags))
    ends = stops[np.searchsorted(stops, starts, side="right")]
    label = tags[starts] // 2
    picked = np.append(scores[np.arange(len(tags)), tags], 0).astype(np.float64)
    probability = np.exp(np.add.reduceat(picked, np.stack([starts, ends], axis=1).ravel())[::2])
    followed = ends < len(tags)
    probability[followed] *= 1.0 - np.exp(scores[ends[followed], 2 * label[followed] + 2]).astype(np.float64)
    words = np.flatnonzero(is_word)
    lasts = words[np.searchsorted(words, ends) - 1]
    columns = zip(starts.tolist(), lasts.tolist(), label.tolist(), np.clip(probability, 0.0, 1.0).tolist())
    return [UnitSpan(first, last, labels[number], score) for first, last, number, score in columns]
