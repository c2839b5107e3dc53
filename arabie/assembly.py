"""From the scores of windows to the Documents of their texts, as the windows come in, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

import numpy as np

from arabie.decoding import IMPOSSIBLE, UnitSpan, best_tags, forbid, tag_count, tags_to_spans
from arabie.document import Document, Relation, Span
from arabie.encoding import Encoded, Window
from arabie.engines import WindowOutput
from arabie.model_folder import ModelFacts
from arabie.scaling import RELATIONS, SAME
from arabie.schema import Schema

LONGEST_LINE = 4096  # units; a longer line is decoded in parts that end outside every span
PAIRS_A_CALL = 4_096  # of spans in one window, candidates or not; bounds the memory that scoring relations takes
# What ``Engine.relate`` is: states of windows, spans and pairs to the probabilities of each relation.
Relate = Callable[[Sequence[np.ndarray], np.ndarray, np.ndarray], np.ndarray]


class _Part(NamedTuple):
    """Units of a text that can be decoded, from ``start`` on: their scores, layer by layer, and their statuses'."""

    assembler: Assembler
    start: int
    tags: Sequence[np.ndarray]
    statuses: np.ndarray

    def of_units(self, values: np.ndarray) -> np.ndarray:
        """What stands in an array of the text's units for those of the part."""
        return values[self.start:self.start + len(self.statuses)]


class _DecodedWindow(NamedTuple):
    """A window all of whose units are decoded, its states, and the spans that it holds whole."""

    assembler: Assembler
    window: Window
    states: np.ndarray
    spans: Sequence[tuple[UnitSpan, Span]]


class Assembler:
    """Takes the outputs of a text's windows in order, and keeps only those that are still needed.

    Each unit's scores come from the window that owns it. Lines are decoded as soon as they are complete; a window's
    relations are scored once all its units are decoded. A pair of spans belongs to the window that owns the unit in
    its middle, and is scored if that window holds both whole. With ``given`` spans nothing is decoded.
    """

    def __init__(self, text: str, encoded: Encoded, windows: Sequence[Window], facts: ModelFacts,
                 given: Sequence[Span] | None = None) -> None:
        self.text, self.encoded, self.windows, self.facts = text, encoded, windows, facts
        self.relations: list[Relation] = []
        self.done = 0
        self.pending: list[list[np.ndarray]] = []
        self.waiting: list[tuple[Window, np.ndarray]] = []
        self.found: list[tuple[UnitSpan, Span]] = []
        self.fresh = 0
        if given is not None:
            self.found = self._aligned(given)
            self.done = len(encoded)

    def document(self, id: str | None, meta: dict) -> Document:
        """The Document of all windows taken."""
        spans = tuple(span for _, span in self.found)
        return Document(self.text, spans, tuple(self.relations), id, meta, self.facts.schema)

    def take(self, window: Window, output: WindowOutput) -> _Part | None:
        """Keep the output of the next window. The units that are ready, up to the last line end among them or to the
        end of the text, are given out to be decoded."""
        self.waiting.append((window, output.states))
        if self.done == len(self.encoded):
            return None
        own = slice(window.own_start - window.start, window.own_end - window.start)
        self.pending.append([scores[own] for scores in (*output.tags, output.statuses)])
        line = self.encoded.units.line[self.done:window.own_end]
        count = len(line) if window is self.windows[-1] else _complete(line)
        if not count and len(line) <= LONGEST_LINE:
            return None
        *tags, statuses = (np.concatenate(parts) if len(parts) > 1 else parts[0] for parts in zip(*self.pending))
        if not count:
            outside = np.flatnonzero(np.logical_and.reduce([scores.argmax(axis=1) == 0 for scores in tags]))
            count = int(outside[-1]) + 1 if len(outside) else len(line)
        part = _Part(self, self.done, [scores[:count] for scores in tags], statuses[:count])
        self.pending = [[scores[count:] for scores in (*tags, statuses)]]
        self.done += count
        return part

    def place(self, span: UnitSpan, status: str | None) -> None:
        """Keep a span of the text's units; they come in order."""
        start, end = self.encoded.to_raw(span.first, span.last)
        self.found.append((span, Span(start, end, span.label, status, span.score, text=self.text[start:end])))

    def decoded_windows(self) -> Iterator[_DecodedWindow]:
        """The windows all of whose units are decoded by now and that hold spans, each once."""
        while self.waiting and (self.waiting[0][0].end <= self.done or self.done == len(self.encoded)):
            window, states = self.waiting.pop(0)
            while self.fresh < len(self.found) and self.found[self.fresh][0].first < window.start:
                self.fresh += 1
            inside = []
            for pair in islice(self.found, self.fresh, None):
                if pair[0].first >= window.end:
                    break
                if pair[0].last < window.end:
                    inside.append(pair)
            if inside:
                yield _DecodedWindow(self, window, states, inside)

    def _aligned(self, spans: Sequence[Span]) -> list[tuple[UnitSpan, Span]]:
        """The given spans with their units, without those that do not fit units or have labels the schema lacks."""
        found = []
        for span in spans:
            units = self.encoded.to_units(span.start, span.end)
            if units and self.facts.schema.layer_of(span.label):
                found.append((UnitSpan(*units, span.label, 1.0), span))
        return sorted(found, key=_text_order)


def assemble(outputs: Iterable[tuple[Assembler, Window, WindowOutput]], relate: Relate) -> None:
    """Give assemblers, all of one model, the outputs of their next windows, and do at once what can be done.

    What comes of each text does not depend on which windows are given together.
    """
    assemblers, parts = {}, []
    for assembler, window, output in outputs:
        assemblers[assembler] = None
        if part := assembler.take(window, output):
            parts.append(part)
    if parts:
        _decode(parts, parts[0].assembler.facts)
    for windows in _in_calls(window for assembler in assemblers for window in assembler.decoded_windows()):
        _relate(windows, windows[0].assembler.facts, relate)


def _text_order(pair: tuple[UnitSpan, object]) -> tuple[int, int]:
    return pair[0].first, -pair[0].last


def _complete(line: np.ndarray) -> int:
    """How many units stand on lines that are followed by another."""
    return int(np.searchsorted(line, line[-1])) if len(line) else 0


def _decode(parts: Sequence[_Part], facts: ModelFacts) -> None:
    """Decode parts of texts as one sequence. After each comes a unit on a line of its own that is certainly outside."""
    starts = np.cumsum([0] + [len(part.statuses) + 1 for part in parts])
    is_word = _joined([part.of_units(part.assembler.encoded.units.is_word) for part in parts], True)
    line = _joined([part.of_units(part.assembler.encoded.units.line) for part in parts], -1)
    statuses = _joined([part.statuses for part in parts], 0.0).argmax(axis=1).tolist()
    found = []
    for number, layer in enumerate(facts.schema.layers):
        outside = np.where(np.arange(tag_count(len(layer.labels))) == 0, 0.0, IMPOSSIBLE)
        scores = forbid(_joined([part.tags[number] for part in parts], outside), is_word, layer.one_word)
        transitions = np.array(facts.transitions[layer.name]) if layer.name in facts.transitions else None
        tags = best_tags(_weighed(scores, facts.outside.get(layer.name, 0.0)), line, transitions)
        spans = tags_to_spans(tags, scores, is_word, layer.labels)
        probabilities = facts.scaling.get(layer.name, SAME)(np.array([span.score for span in spans]))
        for span, probability in zip(spans, probabilities.tolist()):
            status = layer.statuses[statuses[span.first]] if layer.statuses else None
            found.append((span._replace(score=probability), status))
    found.sort(key=_text_order)
    owners = np.searchsorted(starts, [span.first for span, _ in found], side="right") - 1
    shifts = [part.start - start for part, start in zip(parts, starts.tolist())]
    for owner, (span, status) in zip(owners.tolist(), found):
        moved = UnitSpan(span.first + shifts[owner], span.last + shifts[owner], span.label, span.score)
        parts[owner].assembler.place(moved, status)


def _weighed(scores: np.ndarray, outside: float) -> np.ndarray:
    """The scores with so much added to that of being outside; they themselves stay probabilities."""
    if not outside:
        return scores
    weighed = scores.copy()
    weighed[:, 0] += outside
    return weighed


def _joined(arrays: Sequence[np.ndarray], gap: object) -> np.ndarray:
    """The arrays one after another, with ``gap`` after each."""
    row = np.empty_like(arrays[0], shape=(1, *arrays[0].shape[1:]))
    row[:] = gap
    return np.concatenate([piece for array in arrays for piece in (array, row)])


def _in_calls(windows: Iterable[_DecodedWindow]) -> Iterator[list[_DecodedWindow]]:
    """The windows in lists; only the last window of a list can take it over PAIRS_A_CALL."""
    gathered, pairs = [], 0
    for window in windows:
        gathered.append(window)
        pairs += len(window.spans) ** 2
        if pairs >= PAIRS_A_CALL:
            yield gathered
            gathered, pairs = [], 0
    if gathered:
        yield gathered


@lru_cache(maxsize=16)
def _candidates(schema: Schema) -> tuple[dict[str, int], np.ndarray]:
    """The number of each label, and whether the schema has a relation from a label (row) to a label (column)."""
    numbers = {label: number for number, label in enumerate(schema.all_labels)}
    allowed = np.zeros((len(numbers), len(numbers)), dtype=bool)
    for relation in schema.relations:
        for head, tail in relation.joins:
            allowed[numbers[head], numbers[tail]] = True
    return numbers, allowed


def _relate(windows: Sequence[_DecodedWindow], facts: ModelFacts, relate: Relate) -> None:
    """Score the pairs that belong to each window, and give the probable relations to the assemblers."""
    numbers, allowed = _candidates(facts.schema)
    names = facts.schema.relation_names
    found = [(held.assembler, span) for held in windows for _, span in held.spans]
    spans = np.array([(row, unit.first, unit.last, numbers[unit.label])
                      for row, held in enumerate(windows) for unit, _ in held.spans], dtype=np.int64)
    pairs = _pairs(spans, np.array([(held.window.own_start, held.window.own_end) for held in windows]), allowed)
    if not len(pairs):
        return
    spans[:, 1:3] -= np.array([held.window.start for held in windows])[spans[:, :1]]
    scores = relate(*_scored([held.states for held in windows], spans, pairs))
    best = scores[:, 1:].argmax(axis=1)
    probabilities = facts.scaling.get(RELATIONS, SAME)(scores[np.arange(len(best)), best + 1])
    chosen = np.flatnonzero(probabilities >= facts.relation_threshold)
    for (head, tail), kind, score in zip(pairs[chosen].tolist(), best[chosen].tolist(), probabilities[chosen].tolist()):
        assembler, span = found[head]
        assembler.relations.append(Relation(names[kind], span, found[tail][1], score))


def _pairs(spans: np.ndarray, owned: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """The candidate pairs [m, 2] of spans [n, 4] (window, first and last unit of the text, label) that belong to their
    window, which owns the unit in their middle. ``owned`` [windows, 2] are the units that it owns, from and to."""
    window, first, last, label = spans.T
    counts = np.bincount(window)
    mates = counts[window]  # how many spans there are in the window of each
    head = np.repeat(np.arange(len(spans)), mates)
    tail = np.arange(len(head)) - np.repeat(np.cumsum(mates) - mates, mates)
    tail += (np.cumsum(counts) - counts)[window[head]]
    kept = allowed[label[head], label[tail]] & (head != tail)
    head, tail = head[kept], tail[kept]
    middle = (np.minimum(first[head], first[tail]) + np.maximum(last[head], last[tail])) // 2
    kept = (owned[window[head], 0] <= middle) & (middle < owned[window[head], 1])
    return np.stack([head[kept], tail[kept]], axis=1)


def _scored(states: Sequence[np.ndarray], spans: np.ndarray,
            pairs: np.ndarray) -> tuple[Sequence[np.ndarray], np.ndarray, np.ndarray]:
    """The same without the windows in which there are no pairs."""
    used = np.zeros(len(states), dtype=bool)
    used[spans[pairs[:, 0], 0]] = True
    kept = used[spans[:, 0]]
    spans, pairs = spans[kept], (np.cumsum(kept) - 1)[pairs]
    spans[:, 0] = (np.cumsum(used) - 1)[spans[:, 0]]
    return [rows for rows, wanted in zip(states, used.tolist()) if wanted], spans, pairs
