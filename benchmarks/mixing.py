"""Texts of mixed lengths, made of the lines of others; the same each time."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from arabie.errors import ConfigError

SHORTEST, LONGEST = 10, 2000  # words of a text


def mixed(texts: Sequence[str], words: int, seed: int = 0) -> list[str]:
    """Texts of 10 to 2,000 words, as many short as long ones by the logarithm, of at most so many words together.

    Each is made of lines that follow one another in the given texts, of several of them if need be; its last line is
    cut where it has its number of words. Raises ConfigError if nothing can be made.
    """
    if words < SHORTEST or not any(text.split() for text in texts):
        raise ConfigError(f"the texts to measure with have no words, or fewer than {SHORTEST} are asked for")
    rng = random.Random(seed)
    lines, made = _lines(texts, rng), []
    while words >= SHORTEST:
        drawn = round(math.exp(rng.uniform(math.log(SHORTEST), math.log(LONGEST))))
        made.append(_text(lines, min(words, drawn)))
        words -= min(words, drawn)
    return made


def count(texts: Sequence[str]) -> int:
    """How many words the texts have."""
    return sum(len(text.split()) for text in texts)


def _lines(texts: Sequence[str], rng: random.Random) -> Iterator[list[str]]:
    """The words of each line, without end; the texts come in another order each time around."""
    while True:
        for text in rng.sample(texts, len(texts)):
            yield from filter(None, map(str.split, text.splitlines()))


def _text(lines: Iterator[list[str]], words: int) -> str:
    """The next lines, up to so many words."""
    found = []
    while words:
        line = next(lines)[:words]
        found.append(" ".join(line))
        words -= len(line)
    return "\n".join(found)
