"""Pairing predicted with gold items that lie over one another, one to one, as many pairs as there can be.

Greedy pairing from left to right is not enough: a gold span may overlap two predicted ones, of which one has no other
partner. The pairs are a maximum matching of the bipartite graph of overlaps (Hopcroft and Karp 1973, from SciPy).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import accumulate
from typing import TypeVar

from arabie.document import Span

Item = TypeVar("Item")
Kind = Callable[[Item], Hashable]
Ends = Callable[[Item], tuple[Span, ...]]


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans share a character; the gaps of a discontinuous span are not part of it."""
    return any(start < other_end and other_start < end
               for start, end in one.fragments or ((one.start, one.end),)
               for other_start, other_end in other.fragments or ((other.start, other.end),))


def matching(gold: Sequence[Item], predicted: Sequence[Item], kind: Kind, ends: Ends) -> list[tuple[Item, Item]]:
    """As many (gold, predicted) pairs as possible: equal in kind, overlapping in all their ends, no item in two pairs.

    >>> gold, predicted = [Span(0, 5, "A"), Span(6, 9, "A")], [Span(4, 8, "A"), Span(0, 2, "A")]
    >>> [(g.start, p.start) for g, p in matching(gold, predicted, lambda span: span.label, lambda span: (span,))]
    [(0, 0), (6, 4)]
    """
    edges = list(_edges(gold, predicted, kind, ends))
    if not edges:
        return []
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    rows, columns = np.array(edges, dtype=np.int32).T
    graph = csr_array((np.ones(len(edges), dtype=np.int8), (rows, columns)), shape=(len(gold), len(predicted)))
    partners = maximum_bipartite_matching(graph, perm_type="column")
    return [(gold[row], predicted[column]) for row, column in enumerate(partners) if column >= 0]


def _edges(gold: Sequence[Item], predicted: Sequence[Item], kind: Kind, ends: Ends) -> Iterator[tuple[int, int]]:
    groups: dict[Hashable, list[int]] = {}
    for row, item in enumerate(gold):
        groups.setdefault(kind(item), []).append(row)
    indexes = {key: _Index(rows, [ends(gold[row])[0] for row in rows]) for key, rows in groups.items()}
    for column, item in enumerate(predicted):
        index = indexes.get(kind(item))
        for row in index.near(ends(item)[0]) if index else ():
            if all(map(overlap, ends(gold[row]), ends(item))):
                yield row, column


class _Index:
    """Rows by the place of their span, so that those near another span are found without looking at all."""

    def __init__(self, rows: Sequence[int], spans: Sequence[Span]) -> None:
        ranked = sorted(zip(spans, rows), key=lambda pair: pair[0].start)
        self._rows = [row for _, row in ranked]
        self._starts = [span.start for span, _ in ranked]
        self._reach = list(accumulate((span.end for span, _ in ranked), max))

    def near(self, span: Span) -> Iterator[int]:
        """All rows that overlap a span, and perhaps a few that lie before it."""
        place = bisect_left(self._starts, span.end)
        while place and self._reach[place - 1] > span.start:
            place -= 1
            yield self._rows[place]
