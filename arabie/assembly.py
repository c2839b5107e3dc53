"""From the scores of a text's windows to its Document, window by window, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np

from arabie.decoding import UnitSpan, best_tags, forbid, tags_to_spans
from arabie.document import Document, Relation, Span
from arabie.encoding import Encoded, Window
from arabie.engines import WindowOutput
from arabie.schema import Schema

LONGEST_LINE = 4096  # units; a longer line is decoded in parts that end outside every span
Relate = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class Assembler:
    """Takes the outputs of a text's windows in order, and keeps only those that are still needed.

    Each unit's scores come from the window that owns it. Lines are decoded as soon as they are complete; a window's
    relations are scored once all its units are decoded. A pair of spans belongs to the window that owns the unit in
    its middle, and is scored if that window holds both whole. With ``given`` spans nothing is decoded.
    """

    def __init__(self, text: str, encoded: Encoded, windows: Sequence[Window], schema: Schema, relate: Relate, threshold: float,
                 given: Sequence[Span] | None = None) -> None:
        self.text, self.encoded, self.windows, self.schema = text, encoded, windows, schema
        self.relate, self.threshold = relate, threshold
        self.label_numbers = {label: number for number, label in enumerate(schema.all_labels)}
        self.candidates = _candidates(schema)
        self.relations: list[Relation] = []
        self.done = self.ready = 0
        self.pending: list[WindowOutput] = []
        self.waiting: list[tuple[Window, np.ndarray]] = []
        self.found: list[tuple[UnitSpan, Span]] = []
        self.fresh = 0
        if given is not None:
            self.found = self._aligned(given)
            self.done = len(encoded)

    def add(self, window: Window, output: WindowOutput) -> None:
        """Take the output of the next window."""
        own = slice(window.own_start - window.start, window.own_end - window.start)
        if self.done < len(self.encoded):
            self.pending.append(WindowOutput(tuple(scores[own] for scores in output.tags), output.statuses[own], output.states[:0]))
            self.ready = window.own_end
            self._decode(final=window is self.windows[-1])
        self.waiting.append((window, output.states))
        while self.waiting and (self.waiting[0][0].end <= self.done or self.done == len(self.encoded)):
            self._relate(*self.waiting.pop(0))

    def document(self, id: str | None, meta: dict) -> Document:
        """The Document of all windows taken."""
        return Document(self.text, tuple(span for _, span in self.found), tuple(self.relations), id, meta, self.schema)

    def _decode(self, final: bool) -> None:
        """Decode the units that are ready up to the last line end among them, or all at the end of the text."""
        line = self.encoded.units.line[self.done:self.ready]
        if final:
            count = len(line)
        else:
            breaks = np.flatnonzero(line[1:] != line[:-1])
            count = int(breaks[-1]) + 1 if len(breaks) else 0
        if not count and len(line) <= LONGEST_LINE:
            return
        merged = [np.concatenate(parts) for parts in zip(*(output.tags for output in self.pending))]
        statuses = np.concatenate([output.statuses for output in self.pending])
        if not count:
            outside = np.flatnonzero(np.logical_and.reduce([scores.argmax(axis=1) == 0 for scores in merged]))
            count = int(outside[-1]) + 1 if len(outside) else len(line)
        is_word = self.encoded.units.is_word[self.done:self.done + count]
        spans = []
        for layer, scores in zip(self.schema.layers, merged):
            possible = forbid(scores[:count], is_word, layer.one_word)
            tags = best_tags(possible, line[:count])
            for span in tags_to_spans(tags, possible, is_word, layer.labels):
                status = layer.statuses[int(statuses[span.first].argmax())] if layer.statuses else None
                spans.append(self._placed(span, status))
        self.found += sorted(spans, key=lambda pair: (pair[0].first, -pair[0].last))
        rest = WindowOutput(tuple(scores[count:] for scores in merged), statuses[count:], np.zeros((0, 0)))
        self.pending = [rest]
        self.done += count

    def _placed(self, span: UnitSpan, status: str | None) -> tuple[UnitSpan, Span]:
        moved = UnitSpan(span.first + self.done, span.last + self.done, span.label, span.score)
        return moved, Span(*self.encoded.to_raw(moved.first, moved.last), moved.label, status, moved.score)

    def _aligned(self, spans: Sequence[Span]) -> list[tuple[UnitSpan, Span]]:
        """The given spans with their units, without those that do not fit units or have labels the schema lacks."""
        found = []
        for span in spans:
            units = self.encoded.to_units(span.start, span.end)
            if units and span.label in self.label_numbers:
                found.append((UnitSpan(*units, span.label, 1.0), span))
        return sorted(found, key=lambda pair: (pair[0].first, -pair[0].last))

    def _relate(self, window: Window, states: np.ndarray) -> None:
        """Score the pairs that belong to a window."""
        while self.fresh < len(self.found) and self.found[self.fresh][0].first < window.start:
            self.fresh += 1
        inside = []
        for unit_span, span in islice(self.found, self.fresh, None):
            if unit_span.first >= window.end:
                break
            if unit_span.last < window.end:
                inside.append((unit_span, span))
        if not inside or not self.schema.relations:
            return
        units = np.array([(s.first, s.last, self.label_numbers[s.label]) for s, _ in inside], dtype=np.int64)
        pairs = _pairs(units, self.candidates, window)
        if len(pairs):
            units[:, :2] -= window.start
            scores = self.relate(states, units, pairs)
            self.relations += _chosen(scores, pairs, [span for _, span in inside], self.schema.relation_names, self.threshold)


def _candidates(schema: Schema) -> np.ndarray:
    """Whether the schema has a relation from a label (row) to a label (column)."""
    place = {label: number for number, label in enumerate(schema.all_labels)}
    allowed = np.zeros((len(place), len(place)), dtype=bool)
    for relation in schema.relations:
        for head, tail in relation.joins:
            allowed[place[head], place[tail]] = True
    return allowed


def _pairs(units: np.ndarray, candidates: np.ndarray, window: Window) -> np.ndarray:
    """(head, tail) numbers of the candidate pairs whose middle unit the window owns."""
    head, tail = np.nonzero(candidates[np.ix_(units[:, 2], units[:, 2])])
    start, end = np.minimum(units[head, 0], units[tail, 0]), np.maximum(units[head, 1], units[tail, 1])
    middle = (start + end) // 2
    kept = (head != tail) & (window.own_start <= middle) & (middle < window.own_end)
    return np.stack([head[kept], tail[kept]], axis=1)


def _chosen(scores: np.ndarray, pairs: np.ndarray, spans: Sequence[Span], names: tuple[str, ...], threshold: float) -> list[Relation]:
    """For each pair that is probably related, its most probable relation."""
    chosen = np.flatnonzero(1 - scores[:, 0] >= threshold)
    best = scores[chosen, 1:].argmax(axis=1)
    return [Relation(names[kind], spans[pairs[n, 0]], spans[pairs[n, 1]], float(scores[n, kind + 1]))
            for n, kind in zip(chosen.tolist(), best.tolist())]
