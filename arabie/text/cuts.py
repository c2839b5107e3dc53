"""Words that are written so as to escape a censor: «هـ.روب», «د1عـ.ـش»."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LETTER = "[^\\W\\d_ـ]"
_MARKS = "[\u064b-\u065f\u0670\u200b-\u200f]*"
_CUT = re.compile(
    f"ـ{_MARKS}(?P<after>[.,،*/_]{{1,3}})(?=ـ*{_LETTER})"
    f"|(?<={_LETTER})(?P<before>[.,،*/_])(?=ـ+{_LETTER})"
    f"|(?<={_LETTER}ـ)(?P<space> )(?=ـ+{_LETTER})"
)


def cuts(text: str) -> Iterator[tuple[int, int]]:
    """The ranges of what cuts a word in two: dots, commas, stars, slashes, underscores or a space beside a tatweel."""
    if "ـ" in text:
        for match in _CUT.finditer(text):
            yield match.span(match.lastgroup)
