"""Offsets between code points, which arabie counts in, and the units that other tools count in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from arabie.errors import ArabieError, DocumentError, nearest

UNITS = {
    "code-points": "code points",
    "utf-16": "UTF-16 units",
    "utf-8": "UTF-8 bytes",
    "graphemes": "grapheme clusters",
}


class Offsets:
    """The way between the code points of one text and another unit (a key of ``UNITS``).

    Building it costs one pass over the text, a conversion a binary search; a text in which the units agree costs
    neither. ``length`` is the text's length in the unit. Grapheme clusters are those of UAX #29 and need the package
    ``regex``. Both ways raise DocumentError for an offset outside the text or inside a character of the other side.

    >>> offsets = Offsets("😀 خبر", "utf-16")
    >>> offsets.to_code_points(3, 6), offsets.from_code_points(2, 5), offsets.length
    ((2, 5), (3, 6), 6)
    """

    def __init__(self, text: str, unit: str) -> None:
        if unit not in UNITS:
            raise ArabieError(f"unknown unit of offsets {unit!r}; {nearest(unit, UNITS)}")
        self.unit = unit
        self._text = text
        self._points, self._units = _boundaries(text, unit)

    @property
    def length(self) -> int:
        return int(self._units[-1])

    def to_code_points(self, start: int, end: int) -> tuple[int, int]:
        """The code points of a range given in the unit."""
        return self._to_code_point(start), self._to_code_point(end)

    def from_code_points(self, start: int, end: int) -> tuple[int, int]:
        """The range, in the unit, of a range of code points."""
        return self._from_code_point(start), self._from_code_point(end)

    def _to_code_point(self, offset: int) -> int:
        if not 0 <= offset <= self.length:
            raise DocumentError(f"offset {offset} lies outside the text of {self.length} {UNITS[self.unit]}")
        place = bisect_left(self._units, offset)
        if self._units[place] != offset:
            raise DocumentError(f"offset {offset} ({UNITS[self.unit]}) falls inside the character "
                                f"{self._character(place)}; check the unit the offsets are counted in")
        return int(self._points[place])

    def _from_code_point(self, offset: int) -> int:
        if not 0 <= offset <= self._points[-1]:
            raise DocumentError(f"offset {offset} lies outside the text of {self._points[-1]} code points")
        place = bisect_left(self._points, offset)
        if self._points[place] != offset:
            raise DocumentError(f"offset {offset} (code points) falls inside the grapheme cluster "
                                f"{self._character(place)}, which {UNITS[self.unit]} cannot divide")
        return int(self._units[place])

    def _character(self, place: int) -> str:
        start, end = self._points[place - 1], self._points[place]
        return f"{ascii(self._text[start:end])} at code points {start}–{end}"


def _boundaries(text: str, unit: str) -> tuple[Sequence[int], Sequence[int]]:
    """Every place where a character begins or the text ends: in code points, and in the unit."""
    same = range(len(text) + 1)
    if unit == "code-points" or text.isascii() and (unit != "graphemes" or "\r\n" not in text):
        return same, same
    if unit == "graphemes":
        ends = [0, *(match.end() for match in _clusters().finditer(text))]
        return ends, range(len(ends))
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    steps = (0xFFFF,) if unit == "utf-16" else (0x7F, 0x7FF, 0xFFFF)
    widths = sum((codes > step).astype(np.int64) for step in steps) + 1
    if widths.max() == 1:
        return same, same
    return same, np.concatenate(([0], np.cumsum(widths)))


def _clusters():
    try:
        import regex
    except ImportError:
        raise ArabieError("grapheme clusters need the package regex; install it with: pip install regex") from None
    return regex.compile(r"\X")
