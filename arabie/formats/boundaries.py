"""Where spans may start and end: at the words of a text, as docs/annotation.md has it under "Units"."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from arabie.text import view, words

PERCENT = ("%", "٪")  # part of the number before it, though no letter


class Boundaries:
    """The word boundaries of one text; ``starts`` and ``ends`` are those of its words, in order.

    >>> boundaries = Boundaries("فروا، بالأمس")
    >>> boundaries.fault(0, 4), boundaries.fault(0, 5)
    (None, 'begins or ends with punctuation or space; leave that outside')
    """

    def __init__(self, text: str) -> None:
        units = words(view(text))
        self.text = text
        self.starts: list[int] = units.raw_starts[units.is_word].tolist()
        self.ends: list[int] = units.raw_ends[units.is_word].tolist()

    @property
    def total(self) -> int:
        """How many words the text has."""
        return len(self.starts)

    def count(self, start: int, end: int) -> int:
        """How many words start in a stretch of the text."""
        return bisect_left(self.starts, end) - bisect_left(self.starts, start)

    def splits(self, at: int) -> bool:
        """Whether an offset lies inside a word."""
        before = bisect_left(self.starts, at) - 1
        return before >= 0 and at < self.ends[before]

    def places(self, surface: str, after: int = 0) -> Iterator[int]:
        """Where these characters stand in the text as whole words, from ``after`` on."""
        at = self.text.find(surface, after)
        while at >= 0:
            if not self.splits(at) and not self.splits(at + len(surface)):
                yield at
            at = self.text.find(surface, at + 1)

    def fault(self, start: int, end: int, *, one_word: bool = False) -> str | None:
        """What is wrong with the boundaries of a span, and what to do; or None."""
        if self.splits(start) or self.splits(end):
            return "begins or ends inside a word; take in the whole word"
        if not _has(self.starts, start) or not (_has(self.ends, end) or self.text[end - 1] in PERCENT):
            return "begins or ends with punctuation or space; leave that outside"
        if "\n" in self.text[start:end]:
            return "runs over a line break; end it with its line"
        if one_word and self.count(start, end) > 1:
            return "is more than one word; choose the word that most plainly names it"
        return None


def _has(ordered: list[int], value: int) -> bool:
    at = bisect_left(ordered, value)
    return at < len(ordered) and ordered[at] == value
