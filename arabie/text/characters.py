"""What each character is to a reader of Arabic, and what it folds to."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache

import numpy as np

from arabie.text.profile import Profile

# Kinds. EXTEND belongs to the symbol before it (emoji sequences). MARK is a diacritic and INVISIBLE a zero-width, bidi
# or control character; in a finished view a mark is WORD, an invisible one WORD inside a word and BLANK elsewhere.
BLANK, WORD, SYMBOL, EXTEND, MARK, INVISIBLE = range(1, 7)
TATWEEL = 0x640
REPLACEMENT = 0xFFFD  # stands for a lone surrogate, which no tokenizer can take
LIGATURE = LAST = 0x110000
LETTERS = (  # Arabic ones, for use inside [] of a regular expression
    "\u0620-\u063f\u0641-\u064a\u066e\u066f\u0671-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06fc\u06ff"
    "\u0750-\u077f\u08a0-\u08c9\ufb50-\ufdfb\ufe80-\ufefc"
)

_MARKS = (
    (0x300, 0x36F), (0x610, 0x61A), (0x64B, 0x65F), (0x670, 0x670), (0x6D6, 0x6DC), (0x6DF, 0x6E4), (0x6E7, 0x6E8),
    (0x6EA, 0x6ED), (0x898, 0x89F), (0x8CA, 0x8E1), (0x8E3, 0x8FF), (0x20D0, 0x20F0),
    (0xFC5E, 0xFC63), (0xFCF2, 0xFCF4), (0xFE70, 0xFE72), (0xFE74, 0xFE74), (0xFE76, 0xFE7F),
)
_VARIATION_SELECTORS = ((0x180B, 0x180D), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
_PRESENTATION_FORMS = ((0xFB50, 0xFDFF), (0xFE70, 0xFEFC))
_ALEF = dict.fromkeys("أإآٱ", "ا")
_PERSIAN = {
    **dict.fromkeys("کڪګ", "ك"), **dict.fromkeys("یېۍێے", "ي"), **dict.fromkeys("ہھەۀۂ", "ه"),
    **dict.fromkeys("ۆۇۈۏ", "و"), "ۃ": "ة", "ۓ": "ئ", "ٮ": "ب", "ڡ": "ف", "ٯ": "ق", "ٲ": "أ", "ٳ": "إ", "ٵ": "أ",
}


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def kind_of(character: str) -> int:
    """The kind of one character, by its Unicode category."""
    code, category = ord(character), unicodedata.category(character)
    if character.isspace():
        return BLANK
    if category in ("Cf", "Cc") or _within(code, _VARIATION_SELECTORS):
        return INVISIBLE
    if _within(code, _MARKS):
        return MARK
    return WORD if category[0] in "LMN" or character in "ـ_" else SYMBOL


_kinds = np.zeros(LAST, np.uint8)


def kinds(codes: np.ndarray) -> np.ndarray:
    """The kind of each code point."""
    return _looked_up(_kinds, codes, lambda code: kind_of(chr(code)))


def _looked_up(table: np.ndarray, codes: np.ndarray, value: Callable[[int], int]) -> np.ndarray:
    """The table's entry for each code point; an entry is 0 until its character is first met."""
    found = np.take(table, codes)
    if not found.all():
        for code in np.unique(codes[found == 0]).tolist():
            table[code] = value(code)
        found = np.take(table, codes)
    return found


def fold_character(character: str, profile: Profile) -> str:
    """What one character is in a view of this profile, wherever it stands; several characters for a ligature."""
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        return chr(REPLACEMENT)
    if profile.presentation_forms and _within(code, _PRESENTATION_FORMS) and not _within(code, _MARKS):
        parts = unicodedata.normalize("NFKC", character)
        if parts != character:
            kept = [part for part in parts if not (profile.strip_diacritics and _within(ord(part), _MARKS))]
            return "".join(fold_character(part, profile) for part in kept)
    if profile.fold_spaces and unicodedata.category(character) == "Zs":
        return " "
    if profile.fold_digits and unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    if profile.fold_persian:
        character = _PERSIAN.get(character, character)
    if profile.fold_alef:
        character = _ALEF.get(character, character)
    if profile.fold_ya and character == "ى":
        return "ي"
    lower = character.lower() if profile.lower_latin else character
    return lower if len(lower) == 1 else character


@cache
def _folds(profile: Profile) -> np.ndarray:
    return np.zeros(LAST, np.uint32)


def fold(codes: np.ndarray, profile: Profile) -> np.ndarray:
    """What each code point is in a view of this profile; LIGATURE is for ``fold_character`` to spell out."""

    def value(code: int) -> int:
        folded = fold_character(chr(code), profile)
        return ord(folded) if len(folded) == 1 else LIGATURE

    return _looked_up(_folds(profile), codes, value)
