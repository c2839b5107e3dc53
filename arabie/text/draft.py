"""A view while it is being made: four arrays, and the operations that keep the way back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from arabie.text.characters import WORD, kinds


class Edit(NamedTuple):
    """Put ``text`` in place of the characters from ``start`` to ``end``.

    ``kinds`` is the kind of each new character; where it is left empty each has its own.
    """

    start: int
    end: int
    text: str
    kinds: bytes = b""


def codes_of(text: str) -> np.ndarray:
    """The code points of a text, as uint32; lone surrogates pass."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


@dataclass
class Draft:
    """Code points, the raw range each came from, and the kind of each: arrays of one length."""

    codes: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    kinds: np.ndarray

    @classmethod
    def of(cls, raw: str) -> Draft:
        """The draft of a text in which nothing is rewritten yet."""
        codes = codes_of(raw)
        starts = np.arange(len(codes), dtype=np.int32)
        return cls(codes, starts, starts + np.int32(1), kinds(codes))

    def text(self) -> str:
        """The text as it stands."""
        return self.codes.tobytes().decode("utf-32-le", "surrogatepass")

    def replace(self, edits: Iterable[Edit]) -> bool:
        """Make edits, given in order and without overlap; each new character has the raw range of all it replaces.

        Returns whether there were any.
        """
        edits = list(edits)
        if edits:
            starts, ends = np.array([edit[:2] for edit in edits]).T
            lengths = np.array([len(edit.text) for edit in edits])
            codes = codes_of("".join(edit.text for edit in edits))
            given = np.frombuffer(b"".join(edit.kinds or bytes(len(edit.text)) for edit in edits), np.uint8)
            new = (codes, np.repeat(self.starts[starts], lengths), np.repeat(self.ends[ends - 1], lengths),
                   np.where(given > 0, given, kinds(codes)))
            self._splice(starts, ends - starts, lengths, new)
        return bool(edits)

    def insert_spaces(self, places: np.ndarray) -> None:
        """A space inside a word before each of the given places, with the raw range of the character before it."""
        new = (np.full(len(places), ord(" "), np.uint32), self.starts[places - 1], self.ends[places - 1],
               np.full(len(places), WORD, np.uint8))
        self._splice(places, np.zeros_like(places), np.ones_like(places), new)

    def _splice(self, starts: np.ndarray, removed: np.ndarray, added: np.ndarray, new: tuple[np.ndarray, ...]) -> None:
        """Put the rows of ``new``, ``added`` a time, where ``removed`` rows are taken out at ``starts``."""
        kept = np.ones(len(self.codes), bool)
        kept[_ranges(starts, removed)] = False
        shifts = np.cumsum(added) - added - np.cumsum(removed) + removed
        is_new = np.zeros(len(self.codes) + added.sum() - removed.sum(), bool)
        is_new[_ranges(starts + shifts, added)] = True
        for name, values in zip(("codes", "starts", "ends", "kinds"), new):
            merged = np.empty(len(is_new), values.dtype)
            merged[is_new] = values
            merged[~is_new] = getattr(self, name)[kept]
            setattr(self, name, merged)

    def drop(self, dropped: np.ndarray) -> None:
        """Leave out the characters of a mask.

        A word's dropped characters are not lost to it: the character before takes over their raw range, or, at the
        start of the word, the one after. A word of which nothing is kept vanishes.
        """
        if not dropped.any():
            return
        word = self.kinds == WORD
        firsts, ends = blocks(dropped & word)
        size = len(dropped)
        before, after = np.maximum(firsts - 1, 0), np.minimum(ends, size - 1)
        kept_word = word & ~dropped
        backward = kept_word[before] & (firsts > 0)
        forward = kept_word[after] & (ends < size) & ~backward
        self.ends[before[backward]] = self.ends[ends[backward] - 1]
        self.starts[after[forward]] = self.starts[firsts[forward]]
        for name in ("codes", "starts", "ends", "kinds"):
            setattr(self, name, getattr(self, name)[~dropped])


def blocks(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The starts and ends of the runs of True in a mask.

    >>> blocks(np.array([True, True, False, True]))
    (array([0, 3]), array([2, 4]))
    """
    padded = np.zeros(len(mask) + 2, bool)
    padded[1:-1] = mask
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return edges[::2], edges[1::2]


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """All the places from each start on, as many as its length."""
    return np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
