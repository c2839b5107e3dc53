"""The units the model labels: words, and punctuation and symbols one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arabie.text.characters import BLANK, SYMBOL, WORD
from arabie.text.draft import codes_of
from arabie.text.views import TextView


@dataclass(frozen=True, eq=False)
class Words:
    """The units of a view in order, as arrays of one entry a unit; they never overlap, and white space is in none.

    ``raw_starts``, ``raw_ends``, ``view_starts``, ``view_ends``: int32 ranges in the raw text and in the view's.
    ``is_word``: False for a punctuation mark or symbol. ``line``: int32, the number of the line it stands in, from 0.
    """

    raw_starts: np.ndarray
    raw_ends: np.ndarray
    view_starts: np.ndarray
    view_ends: np.ndarray
    is_word: np.ndarray
    line: np.ndarray

    def __len__(self) -> int:
        return len(self.raw_starts)


def words(view: TextView) -> Words:
    """The units of a view.

    A word is a run of letters, digits, marks, tatweel and underscores, with the cuts and invisible characters inside
    it; any other visible character is a unit by itself, an emoji sequence one. A hashtag is a «#» and one word, with
    spaces in its view text. A unit of which the view keeps nothing, such as a lone diacritic, is left out.

    >>> from arabie.text import view
    >>> seen = view("#دير_الزور: انشـ.ـقاق!")
    >>> units = words(seen)
    >>> [seen.text[start:end] for start, end in zip(units.view_starts, units.view_ends)]
    ['#', 'دير الزور', ':', 'انشقاق', '!']
    """
    kinds = view.kinds
    word, symbol = kinds == WORD, kinds == SYMBOL
    starts_word = word.copy()
    starts_word[1:] &= ~word[:-1]
    starts = np.flatnonzero(starts_word | symbol).astype(np.int32)
    stops = np.append(np.flatnonzero(starts_word | symbol | (kinds == BLANK)), len(kinds)).astype(np.int32)
    ends = stops[np.searchsorted(stops, starts, side="right")]
    raw_starts = view.starts[starts]
    line = np.searchsorted(line_ends(view.raw), raw_starts).astype(np.int32)
    return Words(raw_starts, view.ends[ends - 1], starts, ends, word[starts], line)


def line_ends(raw: str) -> np.ndarray:
    """Where lines end: LF, CR without LF, and the line and paragraph separators."""
    codes = codes_of(raw)
    ends = (codes == 0x0A) | (codes == 0x2028) | (codes == 0x2029)
    returns = codes == 0x0D
    returns[:-1] &= codes[1:] != 0x0A
    return np.flatnonzero(ends | returns)
