"""Punctuation that is missing, doubled or of another alphabet, and quotes of another kind."""

from __future__ import annotations

import random
import re

from arabie.document import Document
from training.augmentation.edits import Edit, rewrite

_OTHERS = {"،": ",", "؛": ";", "؟": "?", ",": "،", ";": "؛", "?": "؟", "–": "-", "—": "-", "-": "–", "…": ".."}
_MARK = re.compile(r"(?<![ـ.،؛؟,;?:!…])[.،؛؟,;?:!…](?=[\s»”\")]|\Z)|(?<=\s)[–—-](?=\s)")
_QUOTE = re.compile(r"[«»“”\"]|\n")
_KINDS = (("«", "»"), ("“", "”"), ('"', '"'), ("", ""))


def change_punctuation(document: Document, rng: random.Random, rate: float) -> Document:
    """Marks at the end of words, and dashes between them, left out, doubled, or of another alphabet.

    Each changes with the probability ``rate``.
    """
    edits = []
    for found in _MARK.finditer(document.text):
        if rng.random() < rate:
            mark = found[0]
            edits.append(Edit(*found.span(), rng.choice(["", mark * 2, _OTHERS.get(mark, "")])))
    return rewrite(document, edits)


def change_quotes(document: Document, rng: random.Random, rate: float) -> Document:
    """All quotes of another kind, or none, if ``rate`` (a probability) has it so."""
    if rng.random() >= rate:
        return document
    opening, closing = rng.choice(_KINDS)
    edits, opened = [], False
    for found in _QUOTE.finditer(document.text):
        mark = found[0]
        if mark == "\n":
            opened = False
            continue
        opened = mark in "«“" or mark == '"' and not opened
        edits.append(Edit(*found.span(), (opening if opened else closing) or _gap(document.text, found.start())))
    return rewrite(document, edits)


def _gap(text: str, place: int) -> str:
    """A space where two words would touch if the mark at a place were gone."""
    return " " if re.fullmatch(r"[\w\u064b-\u0652].\w", text[max(0, place - 1):place + 2]) else ""
