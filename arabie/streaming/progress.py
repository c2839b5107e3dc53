"""How far the work is, on standard error if that is a terminal, and nothing if it isn't."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn

from arabie.document import Document

T = TypeVar("T")


@dataclass
class Amount:
    """How much text: documents, words (what white space parts) and characters."""

    documents: int = 0
    words: int = 0
    characters: int = 0

    def add(self, documents: Iterable[Document]) -> None:
        for document in documents:
            self.documents += 1
            self.words += len(document.text.split())
            self.characters += len(document.text)

    def counting(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents, each added as it is taken."""
        for document in documents:
            self.add([document])
            yield document


class Meter:
    """Counts what is done and shows it on a bar. ``total`` is what there is to do, where that is known."""

    def __init__(self, bar: Progress, what: str, total: Amount | None) -> None:
        self.done, self.total = Amount(), total
        self._bar = bar
        self._task = bar.add_task(what, total=total and total.characters, told="")
        self._skipped, self._began = Amount(), time.monotonic()

    def skip(self, documents: Iterable[Document]) -> None:
        """Count what an earlier run did, which says nothing of the speed of this one."""
        self.done.add(documents)
        self._skipped, self._began = Amount(**vars(self.done)), time.monotonic()
        self._show()

    def add(self, documents: Iterable[Document]) -> None:
        """Count what has been done."""
        self.done.add(documents)
        self._show()

    def _show(self) -> None:
        told = describe(self.done, self._skipped, self.total, time.monotonic() - self._began)
        self._bar.update(self._task, completed=self.done.characters, told=told)


def describe(done: Amount, skipped: Amount, total: Amount | None, seconds: float) -> str:
    """How much is done, how fast, without what was skipped, and how long the rest takes at that speed.

    >>> describe(Amount(30, 600, 4000), Amount(10, 200, 1000), Amount(100, 2000, 10_000), 10)
    '30 of 100 documents, 2 a second, 40 words a second, 0:00:20 left'
    """
    of = f" of {total.documents:,}" if total else ""
    told = [f"{done.documents:,}{of} documents"]
    if seconds > 0 and done.characters > skipped.characters:
        for count, what in ((done.documents - skipped.documents, ""), (done.words - skipped.words, " words")):
            told.append(f"{_rounded(count / seconds)}{what} a second")
        if total:
            left = seconds * (total.characters - done.characters) / (done.characters - skipped.characters)
            told.append(f"{int(left) // 3600}:{int(left) // 60 % 60:02}:{int(left) % 60:02} left")
    return ", ".join(told)


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 or rate == int(rate) else f"{rate:.1f}"


@contextmanager
def meter(what: str, total: Amount | None = None) -> Iterator[Meter]:
    """A Meter whose bar stands while the block runs."""
    with _bar(TextColumn("{task.fields[told]}")) as bar:
        yield Meter(bar, what, total)


def counted(items: Iterable[T], what: str, total: int | None = None, *, vanishes: bool = False) -> Iterator[T]:
    """The items, counted on a bar while they are taken; a bar that ``vanishes`` leaves no line behind."""
    with _bar(MofNCompleteColumn(), TimeElapsedColumn(), transient=vanishes) as bar:
        yield from bar.track(items, total=total, description=what)


def _bar(*columns: ProgressColumn, transient: bool = False) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), *columns, console=Console(stderr=True),
                    transient=transient, redirect_stdout=False, disable=not sys.stderr.isatty())
