"""Documents cut short: a stretch of whole sentences, or the headline alone."""

from __future__ import annotations

import random
import re

from arabie.document import Document
from training.augmentation.edits import keep

_SENTENCE_END = re.compile(r"(?<=\S)(?:[.!?؟…]+[»”\")]*[ \t]+|\s*\n\s*)(?=\S)")
_SHORTEST = 0.3  # of the sentences, what a stretch has at least
_HEADLINE = 150  # characters at most


def stretch(document: Document, rng: random.Random, rate: float) -> Document:
    """Three tenths of the sentences or more, all in one run, if ``rate`` (a probability) has it so. No span is cut."""
    if rng.random() >= rate:
        return document
    ends = [place.end() for place in _SENTENCE_END.finditer(document.text)]
    ends = [end for end in ends if not any(span.start < end < span.end for span in document.spans)]
    edges = [0, *ends, len(document.text)]
    count = len(edges) - 1
    length = round(count * rng.uniform(_SHORTEST, 1)) or 1
    first = rng.randint(0, count - length)
    return keep(document, edges[first], edges[first + length])


def headline(document: Document, rng: random.Random, rate: float) -> Document:
    """The first line alone, where it is short enough for a headline, if ``rate`` (a probability) has it so."""
    end = document.text.find("\n")
    if rng.random() >= rate or not 0 < end <= _HEADLINE or not document.text[:end].strip():
        return document
    return keep(document, 0, end)
