"""Other numbers of people and of days, and numbers in digits for numbers in words and back."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator

from arabie.document import Document
from training.augmentation.dates import MONTHS
from training.augmentation.edits import Edit, rewrite
from training.augmentation.lists import key, labels

_MASCULINE = {3: "ثلاثة", 4: "أربعة", 5: "خمسة", 6: "ستة", 7: "سبعة", 8: "ثمانية", 9: "تسعة", 10: "عشرة"}
_FEMININE = {3: "ثلاث", 4: "أربع", 5: "خمس", 6: "ست", 7: "سبع", 8: "ثماني", 9: "تسع", 10: "عشر"}
_TENS = {20: "عشرين", 30: "ثلاثين", 40: "أربعين", 50: "خمسين", 60: "ستين", 70: "سبعين", 80: "ثمانين", 90: "تسعين"}
_ORDINALS = (("الثالث", "الرابع", "الخامس", "السادس", "السابع", "الثامن", "التاسع", "العاشر"),
             ("الثالثة", "الرابعة", "الخامسة", "السادسة", "السابعة", "الثامنة", "التاسعة", "العاشرة"))
_ALIKE = (tuple(_MASCULINE.values())[:7], ("ثلاث", "أربع", "خمس", "ست", "سبع", "تسع"), *_ORDINALS)
_SETS = {key(name): names for names in _ALIKE for name in names}
_UNITS = {key(form): number for words in (_MASCULINE, _FEMININE) for number, form in words.items()} | {"ثمان": 8}
_SMALL = _UNITS | {"احد": 1, "احدي": 1, "واحد": 1, "اثنين": 2, "اثنان": 2, "اثني": 2, "اثنا": 2, "اثنتي": 2, "اثنتا": 2}
_ROUND = {key(form)[:-2] + ending: number for number, form in _TENS.items() for ending in ("ين", "ون")}
_WORD = re.compile(r"\w+")
_DIGITS = re.compile(r"(?<![\w.,/:٫،])[0-9٠-٩]{1,6}(?![\w/:٫]|[.,،][0-9٠-٩])")
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_FEMALE = re.compile(r"\s+(?:\w+ات|نساء|نسوة|نسمة|جثة|جثث|عائلة|أسر|أسرة|طفلة|امرأة|فتاة)\b")
_BEFORE_MONTH = re.compile(rf"\s+(?:من\s|شهر\s|{MONTHS})")
_YEARS, _DAYS = range(1900, 2100), (3, 28)


def change_numbers(document: Document, rng: random.Random, rate: float) -> Document:
    """The document with other numbers in its dates and counts, each with the probability ``rate``.

    A number gives way to one that its noun agrees with in the same way: 7 to 3, not to 11.
    """
    moved: dict[int | str, str] = {}

    def changes(text: str) -> Iterator[Edit]:
        for found in _DIGITS.finditer(text):
            number = int(found[0])
            if number > 2 and number not in _YEARS and rng.random() < rate:
                day = number < 32 and _BEFORE_MONTH.match(text, found.end())
                new = moved.setdefault(number, str(rng.randint(*_DAYS) if day else _like(number, rng)))
                yield Edit(*found.span(), new if found[0].isascii() else new.translate(_ARABIC))
        for found in _WORD.finditer(text):
            names = _SETS.get(key(found[0]))
            if names and rng.random() < rate:
                yield Edit(*found.span(), moved.setdefault(key(found[0]), rng.choice(names)))

    return _rewritten(document, labels().dates + labels().counts, changes)


def _like(number: int, rng: random.Random) -> int:
    """A number that its noun agrees with in the same way."""
    if number < 11:
        return rng.randint(3, 10)
    if number < 100:
        return rng.randint(11, 99)
    step = 10 ** (len(str(number)) - len(str(number).rstrip("0")))
    return step * rng.randint(1 + 99 // step, 9 * 10 ** (len(str(number)) - 1) // step)


def respell_numbers(document: Document, rng: random.Random, rate: float) -> Document:
    """The document with numbers in words written in digits and, among counts, the other way round.

    Each changes with the probability ``rate``.
    """

    def as_digits(text: str) -> Iterator[Edit]:
        yield from (Edit(start, end, str(number)) for start, end, number in _numbers(text) if rng.random() < rate)

    def as_either(text: str) -> Iterator[Edit]:
        yield from as_digits(text)
        for found in _DIGITS.finditer(text):
            if 3 <= int(found[0]) < 100 and rng.random() < rate:
                yield Edit(*found.span(), _spelt(int(found[0]), bool(_FEMALE.match(text, found.end()))))

    return _rewritten(_rewritten(document, labels().counts, as_either), labels().dates, as_digits)


def _numbers(text: str) -> Iterator[tuple[int, int, int]]:
    """The numbers from 3 to 99 that are written in words, and where: «ثلاثة», «ثلاثة عشر», «خمسة وعشرين», «عشرين»."""
    words = [(found.start(), found.end(), key(found[0])) for found in _WORD.finditer(text)]
    at = 0
    while at < len(words):
        start, end, word = words[at]
        following = words[at + 1][2] if at + 1 < len(words) and text[end:words[at + 1][0]] == " " else ""
        taken, number = 1, _UNITS.get(word) or _ROUND.get(word)
        if word in _SMALL and following in ("عشر", "عشرة"):
            taken, number = 2, 10 + _SMALL[word]
        elif word in _SMALL and following[:1] == "و" and following[1:] in _ROUND:
            taken, number = 2, _ROUND[following[1:]] + _SMALL[word]
        after = words[at + taken][2] if at + taken < len(words) else ""
        if number and not (after[:1] == "و" and (after[1:] in _SMALL or after[1:] in _ROUND)):
            yield start, words[at + taken - 1][1], number
        at += taken


def _spelt(number: int, feminine: bool) -> str:
    """A number from 3 to 99 in words, as it stands before what it counts."""
    units = _FEMININE if feminine else _MASCULINE
    few = {1: "إحدى" if feminine else "أحد", 2: "اثنتي" if feminine else "اثني"} | units
    if number <= 10:
        return units[number]
    if number < 20:
        return f"{few[number - 10]} {'عشرة' if feminine else 'عشر'}"
    tens, small = _TENS[number // 10 * 10], number % 10
    return f"{ {1: 'واحد', 2: 'اثنين'}.get(small) or units[small]} و{tens}" if small else tens


def _rewritten(document: Document, wanted: tuple[str, ...], changes: Callable[[str], Iterable[Edit]]) -> Document:
    """The document with changes to the texts of spans of some labels, but for those that would cut another span."""
    edges = {place for span in document.spans for place in (span.start, span.end)}
    spans = [span for span in document.spans if span.label in wanted]
    edits = [Edit(span.start + start, span.start + end, new)
             for span in spans for start, end, new in changes(span.text)]
    return rewrite(document, [edit for edit in edits if not edges & set(range(edit.start + 1, edit.end))])
