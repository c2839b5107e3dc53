"""Words written so as to escape a censor, or to shout: «هـ.روب», «د1عـ.ـش», «عاااجل»."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from arabie.text.characters import LETTERS, WORD
from arabie.text.draft import Draft, Edit, blocks
from arabie.text.profile import Profile

_MARKS = "\u0610-\u061a\u064b-\u065f\u0670\u200b-\u200f"
_HIJRI = "(?<![0-9٠-٩]ه)(?<![0-9٠-٩] ه)"  # «1445هـ.وقال» is a year
_CUT = re.compile(
    "(?=[ـ.,،*/_ ])"  # which alone says no to nearly every character
    f"(?:{_HIJRI}ـ[{_MARKS}]*(?P<one>[.,،*/_])(?=ـ*[{LETTERS}])"
    f"|ـ[{_MARKS}]*(?P<two>[^\\w\\s\"'«»“”‘’()\\[\\]{{}}<>]{{1,3}})(?=ـ+[{LETTERS}])"
    f"|(?<=[{LETTERS}{_MARKS}])(?P<before>[.,،*/_])(?=ـ+[{LETTERS}])"
    f"|(?<=[{LETTERS}{_MARKS}]ـ)(?P<space> )(?=ـ+[{LETTERS}]))"
)
_LOOK_ALIKES = {**dict.fromkeys("1١۱lI", "ا"), **dict.fromkeys("oO0", "ه"), **dict.fromkeys("3٣۳", "ع"), "7": "ح"}
_STRANGER = re.compile(f"[{''.join(_LOOK_ALIKES)}](?<=[{LETTERS}].)(?=[{LETTERS}])")  # what is rare comes first
_CUT_SIGN = re.compile("[.,،*/_ ]")
_TAIL, _HEAD = re.compile(f"[{LETTERS}]*\\Z"), re.compile(f"[{LETTERS}]*")
_REACH = 20  # letters looked at to each side
_PARTICLES = frozenset("و ف ب ل ك ال وال بال لل في من عن كل أو او ان إن أن".split())
_LONG = 5  # a word of so many letters is taken for disguised only if it is cut as well
_VOWELS = (ord("ا"), ord("و"))


def cuts(text: str) -> Iterator[tuple[int, int]]:
    """The ranges of what cuts a word in two: a dot, comma, star, slash, underscore or space beside a tatweel.

    A cut stands between Arabic letters. With a tatweel on both sides, any sign but a quote or bracket can be one.
    """
    if "ـ" in text:
        for match in _CUT.finditer(text):
            yield match.span(match.lastgroup)


def look_alike_edits(draft: Draft, raw: str) -> Iterator[Edit]:
    """Digits and Latin letters that stand for an Arabic letter inside a word.

    A digit between letters is far more often a number whose spaces were lost («من5عناصر»), so more than a particle has
    to stand before it, and the word be cut as well or be short («د1عش»).
    """
    text = draft.text()
    for match in _STRANGER.finditer(text):
        at = match.start()
        start, end = max(at - _REACH, 0), min(at + 1 + _REACH, len(text))
        before = _TAIL.search(text, start, at)[0]
        after = _HEAD.match(text, at + 1, end)[0]
        first, last = at - len(before), at + len(after)
        cut = _CUT_SIGN.search(raw, int(draft.starts[first]), int(draft.ends[last]))
        whole = not text[first - 1 : first].isalnum() and not text[last + 1 : last + 2].isalnum()
        if before not in _PARTICLES and (cut or whole and len(before + after) < _LONG):
            letter = _LOOK_ALIKES[match[0]]
            doubled = text[at - 1] == letter  # «الدوا1عـ.ش» has the letter as well
            yield Edit(at - doubled, at + 1, letter)


def repeats(draft: Draft, profile: Profile) -> np.ndarray:
    """A mask of the surplus of Arabic letters that are written three times or more in a row.

    Three consonants in a row are mostly a typing error or a real doubling after a prefix («تتتابع», «لللاجئين»), so
    ``max_repeats`` of 2 leaves two; ا and و inside a word are lengthened for effect, and ``shorten_vowels`` leaves one.
    """
    codes, surplus = draft.codes, np.zeros(len(draft.codes), bool)
    if not profile.max_repeats or len(codes) < 3:
        return surplus
    triple = (codes[2:] == codes[1:-1]) & (codes[1:-1] == codes[:-2]) & (codes[2:] >= 0x620) & (codes[2:] <= 0x64A)
    firsts, lasts = blocks(triple)
    for first, end in zip(firsts.tolist(), (lasts + 2).tolist()):
        inside = first > 0 and draft.kinds[first - 1] == WORD
        vowel = profile.shorten_vowels and inside and codes[first] in _VOWELS
        surplus[first + (1 if vowel else profile.max_repeats) : end] = True
    return surplus
