"""Where the time goes, part by part, and what relations cost."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from statistics import median
from typing import Any

import numpy as np

from arabie.document import Document
from arabie.engines import Engine
from arabie.extractor import Extractor
from arabie.schema import Schema

READ, ENCODE, COPY, HEADS = "read and tokenise", "encoder", "batches and copies", "heads of the units"
ASSEMBLE, RELATE, REST = "decode and assemble", "relation head", "the rest"
PARTS = (READ, COPY, ENCODE, HEADS, ASSEMBLE, RELATE, REST)
NETWORK = (ENCODE, HEADS, RELATE)  # the parts that the engine computes
UNITS = 170  # about a window of the default model


class Clock:
    """Seconds spent in parts of a program; what is spent in a part inside another counts to the inner one only."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds: Counter[str] = Counter()
        self._now, self._open, self._since = now, [], 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time in here to that part."""
        self._turn()
        self._open.append(name)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose time counts to that part."""
        def run(*given: Any) -> Any:
            with self.part(name):
                return function(*given)

        return run

    def each(self, name: str, items: Iterable[Any]) -> Iterator[Any]:
        """The items; the time that it takes to make them counts to that part."""
        left, ended = iter(items), object()
        while True:
            with self.part(name):
                item = next(left, ended)
            if item is ended:
                return
            yield item

    def _turn(self) -> None:
        now = self._now()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


class InTurn(Extractor):
    """An Extractor that does one thing after another, and not two at once, each on a clock."""

    def watch(self, clock: Clock) -> None:
        """Have the clock count the parts from now on."""
        runtime = self.engine.runtime
        encode, rounds, assembled = runtime.encode, self._rounds, self._assembled
        runtime.encode = clock.timed(ENCODE, lambda batches: list(encode(batches)))  # all, before any is labelled
        runtime.label = clock.timed(HEADS, runtime.label)
        self.engine.run = clock.timed(COPY, self.engine.run)
        self.engine.relate = clock.timed(RELATE, self.engine.relate)
        self._rounds = lambda *given: clock.each(READ, rounds(*given))
        self._assembled = lambda *given: clock.each(ASSEMBLE, assembled(*given))

    def _run(self, items: Iterable[Any]) -> Iterator[Document]:
        waiting: deque[Any] = deque()
        for gathered in self._rounds(items, waiting):
            done: Future[list] = Future()
            done.set_result(self.engine.run([window_input for _, _, window_input in gathered]))
            yield from self._assembled(gathered, done, waiting)


def where(extractor: Extractor, texts: Sequence[str], repeat: int) -> tuple[dict[str, float], float]:
    """Seconds of each part, one after another, and seconds of it all as ``extract_many`` does it; medians."""
    overlapped = [_seconds(lambda: list(extractor.extract_many(texts))) for _ in range(repeat + 1)][1:]
    in_turn, clock = InTurn(extractor.facts, extractor.encoder.tokenizer, extractor.engine), Clock()
    in_turn.watch(clock)
    rounds = []
    for _ in range(repeat + 1):
        clock.seconds.clear()
        with clock.part(REST):
            list(in_turn.extract_many(texts))
        rounds.append(dict(clock.seconds))
    return {part: median(found.get(part, 0.0) for found in rounds[1:]) for part in PARTS}, median(overlapped)


def where_rows(seconds: dict[str, float], overlapped: float, words: int) -> list[list[str]]:
    """Rows of µs a word and share of each part, of all but the encoder, of all but what the engine computes, and of it all."""
    total = sum(seconds.values())
    network = sum(seconds[part] for part in NETWORK)
    amounts = {**seconds, "**all but the encoder**": total - seconds[ENCODE],
               "**all but the encoder and the heads**": total - network, "**one after another**": total,
               "**as `extract_many` does it, two at once**": overlapped}
    return [[name, f"{1e6 * taken / words:,.1f}", f"{taken / total:.1%}"] for name, taken in amounts.items()]


def relation_rows(engine: Engine, schema: Schema, size: int, counts: Sequence[int], repeat: int) -> list[list[str]]:
    """Rows of what it costs to relate made-up spans, so many in a window: pairs, ms, µs a pair."""
    rows = []
    for count in counts:
        states, spans, pairs = made_up(schema, size, count)
        engine.relate(states, spans, pairs)
        taken = median(_seconds(lambda: engine.relate(states, spans, pairs)) for _ in range(max(10, repeat)))
        rows.append([str(count), f"{len(pairs):,}", f"{1e3 * taken:.2f}", f"{1e6 * taken / len(pairs):.2f}"])
    return rows


def made_up(schema: Schema, size: int, count: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """A window's states, spans in it with labels drawn from all, and the pairs of them that the schema lets relate."""
    rng, labels = np.random.default_rng(count), schema.all_labels
    joins = {join for relation in schema.relations for join in relation.joins}
    first = np.sort(rng.integers(0, UNITS - 3, count))
    label = rng.integers(0, len(labels), count)
    spans = np.stack([np.zeros_like(first), first, first + rng.integers(0, 3, count), label], axis=1)
    pairs = [(head, tail) for head in range(count) for tail in range(count)
             if head != tail and (labels[label[head]], labels[label[tail]]) in joins]
    states = rng.standard_normal((UNITS, size), dtype=np.float32)
    return [states], spans, np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
