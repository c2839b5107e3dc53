"""From scores to spans: BIO tags with constrained Viterbi decoding.

A layer with labels x, y … has the tags O, B-x, I-x, B-y, I-y … in that order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

IMPOSSIBLE = -1e9
ROUNDING = 1e-3  # more than what adding up the scores of a line can be off by


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


def best_tags(scores: np.ndarray, line: np.ndarray) -> np.ndarray:
    """The most probable tags, int64 [units], in which I-x follows B-x or I-x of the same line.

    ``scores`` are log-probabilities [units, tags], of which O is never impossible; ``line`` is the line of each unit.
    Where the best tags of the units already make a possible sequence, that is the best; only elsewhere is searched.
    """
    tags = scores.argmax(axis=1)
    begins_line = np.ones(len(tags), dtype=bool)
    begins_line[1:] = line[1:] != line[:-1]
    before = np.concatenate([[0], tags[:-1]])
    inside = (tags > 0) & (tags % 2 == 0)
    broken = inside & (begins_line | ((before != tags) & (before != tags - 1)))
    if broken.any():
        open_tags = _open_tags(scores, tags, inside, broken, np.cumsum(begins_line))
        _search(np.where(open_tags, scores, IMPOSSIBLE), *_undecided(open_tags, begins_line), begins_line, tags)
    return tags


def _open_tags(scores: np.ndarray, tags: np.ndarray, inside: np.ndarray, broken: np.ndarray,
               line: np.ndarray) -> np.ndarray:
    """Whether each tag can be part of the best possible sequence, bool [units, tags].

    One possible sequence is soon found: where I-x follows nothing that it could, B-x stands for it, or it is left
    outside with the I-x after it. What this one gives away in a line, against the best tag of each unit, is the most
    that the best possible one can, and so the most by which a tag of that can be worse than the best tag of its unit.
    """
    starts = np.flatnonzero(broken)
    stops = np.append(np.flatnonzero(~inside | broken), len(tags))
    ends = stops[np.searchsorted(stops, starts, side="right")]
    best = scores[np.arange(len(tags)), tags]
    all_outside = np.append(0.0, np.cumsum(best - scores[:, 0], dtype=np.float64))
    begun = best[starts] - scores[starts, tags[starts] - 1]
    given_away = np.minimum(begun, all_outside[ends] - all_outside[starts])
    most = np.bincount(line[starts], given_away, minlength=line[-1] + 1)[line]
    return scores >= (best - most - ROUNDING)[:, None]


def _undecided(open_tags: np.ndarray, begins_line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of the ranges to search, the longest first: runs of units of a line that have several open tags,
    each with the unit after it, which has one."""
    several = open_tags.sum(axis=1) > 1
    goes_on = ~begins_line
    goes_on[1:] &= several[:-1]
    starts = np.flatnonzero(several & ~goes_on)
    stops = np.append(np.flatnonzero(~goes_on), len(several))
    ends = stops[np.searchsorted(stops, starts, side="right")]
    order = np.argsort(starts - ends, kind="stable")
    return starts[order], ends[order]


def _search(scores: np.ndarray, starts: np.ndarray, ends: np.ndarray, begins_line: np.ndarray,
            tags: np.ndarray) -> None:
    """Viterbi over all ranges at once, writing the best tags of each in place. The tag before a range is known."""
    rows, inside = np.arange(len(starts)), np.arange(2, scores.shape[1], 2)
    best = np.full((len(starts), scores.shape[1]), IMPOSSIBLE, dtype=np.float32)
    best[rows, np.where(begins_line[starts], 0, tags[starts - 1])] = 0
    steps = np.arange((ends - starts).max(initial=0))
    longer = np.searchsorted(starts - ends, -steps).tolist()  # how many ranges are longer than each step
    before = []
    for step, count in enumerate(longer):
        now = best[:count]
        came = np.repeat(now.argmax(axis=1)[:, None], scores.shape[1], axis=1)
        came[:, 2::2] = np.where(now[:, 2::2] > now[:, 1::2], inside, inside - 1)
        before.append(came.astype(np.int16))
        best[:count] = np.take_along_axis(now, came, axis=1) + scores[starts[:count] + step]
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
