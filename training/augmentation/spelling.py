"""Words spelt otherwise: variants, typing errors, words joined or parted, hashtags."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable

from arabie.document import Document
from training.augmentation.edits import Edit, respan, rewrite, uncrossed
from training.augmentation.lists import key, labels

# What people write for what; أ إ آ and ى are not among it, since a view reads them as ا and ي.
_VARIANTS = (("ة$", "ه"), ("ئ", "ي"), ("ئ", "ء"), ("ؤ", "و"), ("(?<=ا)ء$", ""), ("(?<=..و)ا$", ""),
             ("ظ", "ض"), ("ض", "ظ"), ("ذ", "د"), ("ث", "ت"))
_ROWS = ("ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤرىةوزظ")  # of the Arabic keyboard
_NEIGHBOURS = {letter: row[max(0, n - 1):n] + row[n + 1:n + 2] for row in _ROWS for n, letter in enumerate(row)}
_WORD = re.compile(r"(?<![\w\u064b-\u0652\u0670#@])[ء-غف-ي][ء-غف-ي\u064b-\u0652\u0670]*(?!\w)")
_SHORTEST = 4  # letters of a word that a typing error may be in
_JOINED = ("عبد", "ابو", "ابي", "ام", "دير", "كفر", "تل")
_SPACE = re.compile(r"(?<!\w)(\w+)( )(?=\w)")
_PARTED = re.compile("(?:عبد|دير)(?=ال...)|كفر(?=[ء-ي]{3})")
_TAG = re.compile(r"(?![وبلكفع]+ال|و?لل)[^\W\d_]+(?: [^\W\d_]+){0,2}")
_COMMON = 3  # a word that a corpus has so often is one


def vary_spelling(document: Document, rng: random.Random, rate: float) -> Document:
    """Words spelt as many spell them («المنطقه», «مسوول», «انشقو», «ظابط»), each with the probability ``rate``."""

    def variant(word: str) -> str | None:
        if rng.random() >= rate:
            return None
        ways = [way for way in _VARIANTS if re.search(way[0], word)]
        return re.sub(*rng.choice(ways), word, count=1) if ways else None

    return _respelt(document, variant)


def mistype(document: Document, rng: random.Random, rate: float) -> Document:
    """Letters swapped, left out, doubled or mistaken: one in each long word, with the probability ``rate``."""

    def typed(word: str) -> str | None:
        if len(word) < _SHORTEST or rng.random() >= rate:
            return None
        at = rng.randrange(1, len(word) - 1)
        before, letter, after = word[:at], word[at], word[at + 1:]
        neighbour = rng.choice(_NEIGHBOURS.get(letter) or letter)
        return before + rng.choice((after[0] + letter + after[1:], after, 2 * letter + after, neighbour + after))

    return _respelt(document, typed)


def _respelt(document: Document, other: Callable[[str], str | None]) -> Document:
    """The document with other spellings of its words."""
    spelt = ((found, other(found[0])) for found in _WORD.finditer(document.text))
    return rewrite(document, [Edit(*found.span(), new) for found, new in spelt if new])


def join_words(document: Document, rng: random.Random, rate: float) -> Document:
    """Names and numbers joined to what follows («عبدالله», «ديرالزور», «25عنصراً») and names parted («كفر نبل»).

    Each changes with the probability ``rate``.
    """
    inner, edits = uncrossed(document), {}
    for span in document.spans:
        names, counts = span.label in labels().hashtags, span.label in labels().counts
        for found in _SPACE.finditer(span.text):
            place = span.start + found.start(2)
            joins = names and key(found[1]) in _JOINED or counts and found[1].isdecimal()
            if joins and {place, place + 1} <= inner and rng.random() < rate:
                edits[place] = Edit(place, place + 1, "")
        found = _PARTED.match(span.text) if names else None
        if found and rng.random() < rate:
            place = span.start + found.end()
            edits[place] = Edit(place, place, " ")
    return rewrite(document, edits.values())


def hashtags(document: Document, rng: random.Random, rate: float) -> Document:
    """Names written as hashtags («#دير_الزور»), each with the probability ``rate``; the span leaves out the sign."""
    text, inner, edits = document.text, uncrossed(document), []
    for span in document.spans:
        places = [span.start + n for n, letter in enumerate(span.text) if letter == " "]
        apart = not text[:span.start][-1:].strip() and not text[span.end:][:1].isalnum()
        fits = span.label in labels().hashtags and _TAG.fullmatch(span.text) and apart and inner.issuperset(places)
        if fits and rng.random() < rate:
            edits += [Edit(span.start, span.start, "#"), *(Edit(place, place + 1, "_") for place in places)]
    return rewrite(document, edits)


class PartedAnd:
    """«و» written apart from its word. ``documents`` tell which words there are, so that «وزارة» stays whole."""

    def __init__(self, documents: Iterable[Document]) -> None:
        counts = Counter(key(found[0]) for document in documents for found in _WORD.finditer(document.text))
        self.words = {word for word, count in counts.items() if count >= _COMMON and len(word) > 3}

    def __call__(self, document: Document, rng: random.Random, rate: float) -> Document:
        """Each «و» parts from its word with the probability ``rate``; spans that start with it leave it out."""
        places = {found.start() for found in _WORD.finditer(document.text)
                  if rng.random() < rate and self._parts(found[0])}
        starts = {span: span.start + 1 for span in document.spans if span.start in places}
        return rewrite(respan(document, starts), [Edit(place + 1, place + 1, " ") for place in places])

    def _parts(self, word: str) -> bool:
        rest = key(word)[1:]
        return bool(re.match("و[ء-ي]", word)) and (rest in self.words or rest.startswith("ال") and len(rest) > 4)
