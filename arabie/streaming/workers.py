"""Labelling chunks, in this process or in several."""

from __future__ import annotations

import functools
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from typing import TYPE_CHECKING

from arabie import __version__
from arabie.document import Document
from arabie.engines.choice import cores
from arabie.errors import ArabieError
from arabie.streaming.heap import share_heap

if TYPE_CHECKING:
    from pathlib import Path

    from arabie.engines.choice import Choice
    from arabie.extractor import Extractor

AHEAD = 2  # chunks in flight for each worker; bounds memory
THREADS = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")  # how torch and tokenizers are told; read when they are loaded


@dataclass(frozen=True)
class Labeller:
    """What labels: a model (None: the one in the package) and how it is run, as ``arabie.load`` takes it."""

    model: str | None = None
    device: str | None = None
    engine: str | None = None
    precision: str | None = None

    def extractor(self) -> Extractor:
        """The Extractor, loaded once a process. Raises ModelError."""
        return _load(self)

    def folder(self) -> Path:
        """The model's folder. Raises ModelError for one with a part missing."""
        from arabie.model_folder import DEFAULT_MODEL, local_folder

        return local_folder(self.model or DEFAULT_MODEL)

    def choice(self) -> Choice:
        """The engine that runs the model here, given or chosen. Raises ModelError for one that cannot be used."""
        from arabie.engines.agreement import fastest
        from arabie.engines.choice import best_device, offered

        device = self.device or best_device(self.engine, self.precision)
        return fastest(self.folder(), list(offered(self.engine, device, self.precision)))

    def told(self) -> dict[str, str]:
        """What the lines depend on beside the texts. Raises ModelError for a model or engine that cannot be used."""
        from arabie.model_folder import digest

        return {"arabie": __version__, "model": digest(self.folder()), "engine": str(self.choice())}

    def lines(self, documents: Iterable[Document]) -> Iterator[str]:
        """The Documents labelled anew, a line of JSON each, in order. Raises ModelError."""
        return (document.to_json() for document in self.extractor().label_many(documents))


@functools.lru_cache(maxsize=1)
def _load(labeller: Labeller) -> Extractor:
    from arabie import load

    return load(labeller.folder(), labeller.device, labeller.engine, labeller.precision)


def label(chunks: Iterable[list[Document]], labeller: Labeller,
          workers: int = 1) -> Iterator[tuple[list[Document], list[str]]]:
    """Documents with their labelled lines, in order, while they are read; close it to end the workers early.

    With several workers each is a process with a model of its own and its share of the cores. Raises ArabieError if one
    of them dies.
    """
    if workers == 1:
        return (([document], [line]) for chunk in chunks
                for line, document in zip(labeller.lines(chunk), chunk, strict=True))
    return _label_in_pool(chunks, labeller, workers)


def _label_in_pool(chunks: Iterable[list[Document]], labeller: Labeller,
                   workers: int) -> Iterator[tuple[list[Document], list[str]]]:
    waiting: deque[tuple[list[Document], Future]] = deque()
    with _pool(workers) as pool:
        for chunk in chunks:
            waiting.append((chunk, _submit(pool, labeller, chunk)))
            while waiting and (len(waiting) == AHEAD * workers or waiting[0][1].done()):
                yield _next(waiting)
        while waiting:
            yield _next(waiting)


def _next(waiting: deque[tuple[list[Document], Future]]) -> tuple[list[Document], list[str]]:
    chunk, future = waiting.popleft()
    return chunk, future.result()


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool whose workers are ended when the block is left by an error, and waited for when it isn't."""
    threads = max(1, cores() // workers)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (threads,))  # torch doesn't bear a fork
    try:
        yield pool
    except BaseException as error:
        for process in active_children():
            process.terminate()
        if isinstance(error, (BrokenProcessPool, MemoryError)):
            raise ArabieError("a worker process died: it was killed, or there was not enough memory; "
                              f"try fewer workers than {workers}") from None
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, labeller: Labeller, chunk: list[Document]) -> Future:
    """Submit a chunk. That may start a worker, and what it inherits is that Ctrl-C is held back: the parent answers."""
    if not hasattr(signal, "pthread_sigmask"):
        return pool.submit(_label_chunk, labeller, chunk)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_label_chunk, labeller, chunk)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _label_chunk(labeller: Labeller, chunk: list[Document]) -> list[str]:
    return list(labeller.lines(chunk))


def _start_worker(threads: int) -> None:
    share_heap()
    for name in THREADS:
        os.environ.setdefault(name, str(threads))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where a signal cannot be held back
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed cannot end its workers, and they would wait for it for ever."""
    parent_process().join()
    os._exit(1)
