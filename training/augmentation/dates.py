"""Other days, months, times of day and years in the dates of a document, all moved alike."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence

from arabie.document import Document
from training.augmentation.edits import Edit, rewrite
from training.augmentation.lists import key, labels

_DAYS = ("السبت", "الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة")
_LEVANTINE = ("كانون الثاني", "شباط", "آذار", "نيسان", "أيار", "حزيران",
              "تموز", "آب", "أيلول", "تشرين الأول", "تشرين الثاني", "كانون الأول")
_INTERNATIONAL = ("يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو",
                  "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر")
# «ليل» is not among them: «ليل الجمعة – السبت» is of a night only.
_TIMES = ("فجر", "صباح", "ظهر", "عصر", "مساء")
_ADVERBS = ("فجراً", "صباحاً", "ظهراً", "عصراً", "مساءً", "ليلاً")
_STYLES = ("as it is", "levantine", "international", "both")
_YEARS = (-8, 1)  # how far years move


def _either(names: Sequence[str]) -> str:
    """A pattern of the names, with or without hamza and vowel signs."""
    return "|".join(re.sub("[اأإآ]", "[اأإآ]", name).replace(" ", r"\s+").replace("اً", "ا[ًٌ]?") for name in names)


MONTHS = _either(_LEVANTINE + _INTERNATIONAL)
_CLITICS = "(?P<clitics>و?[بلف]?)"
_DAY = re.compile(rf"(?<!\w){_CLITICS}(?P<name>{_either(_DAYS)})(?!\w)")
_MONTH = re.compile(rf"(?<!\w){_CLITICS}(?P<name>{MONTHS})(?:\s?(?P<slash>/)\s?(?:{_either(_INTERNATIONAL)}))?(?!\w)")
_TIME = re.compile(rf"(?<!\w)(?<!بعد )(?<!قبل )(?<!منتصف )(?<!قبيل )(?<!قرابة )(?P<name>{_either(_TIMES)})(?=\s\w)")
_ADVERB = re.compile(rf"(?<!\w)(?P<name>{_either(_ADVERBS)})(?!\w)")
_YEAR = re.compile(r"(?<![\w/.:])(?:19|20)[0-9]{2}(?![\w/])")
_PLACE = {key(name): number for names in (_DAYS, _LEVANTINE, _INTERNATIONAL) for number, name in enumerate(names)}


def shift_dates(document: Document, rng: random.Random, rate: float) -> Document:
    """The document with its dates moved, if ``rate`` (a probability) has it so."""
    if rng.random() >= rate:
        return document
    days, months, style = rng.randrange(len(_DAYS)), rng.randrange(len(_LEVANTINE)), rng.choice(_STYLES)
    years = rng.randint(*_YEARS)
    times, adverbs = (dict(zip(names, rng.sample(names, len(names)))) for names in (_TIMES, _ADVERBS))

    def changes(text: str) -> Iterator[Edit]:
        for found in _DAY.finditer(text):
            yield Edit(*found.span("name"), _DAYS[(_PLACE[key(found["name"])] + days) % len(_DAYS)])
        for found in _MONTH.finditer(text):
            number = (_PLACE[key(found["name"])] + months) % len(_LEVANTINE)
            yield Edit(found.start("name"), found.end(), _month(number, style, found))
        yield from (Edit(*found.span("name"), times[found["name"]]) for found in _TIME.finditer(text))
        yield from (Edit(*found.span("name"), _vowelled(adverbs, found["name"])) for found in _ADVERB.finditer(text))
        yield from (Edit(*found.span(), str(int(found[0]) + years)) for found in _YEAR.finditer(text))

    dates = [span for span in document.spans if span.label in labels().dates]
    return rewrite(document, [Edit(span.start + start, span.start + end, new)
                              for span in dates for start, end, new in changes(span.text)])


def _month(number: int, style: str, found: re.Match[str]) -> str:
    levantine, international = _LEVANTINE[number], _INTERNATIONAL[number]
    if style == "both" or style == "as it is" and found["slash"]:
        return f"{levantine}/{international}"
    here = style == "levantine" or style == "as it is" and key(found["name"]) in map(key, _LEVANTINE)
    return levantine if here else international


def _vowelled(adverbs: dict[str, str], name: str) -> str:
    return next(new for old, new in adverbs.items() if key(old) == key(name))
