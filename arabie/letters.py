"""The letters of words, which a model may be given beside its pieces: n-grams and the whole word, as hashed numbers."""

from __future__ import annotations

import re
from binascii import crc32
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from arabie.errors import ConfigError

PARTS = 24  # numbers a word; of longer words the first n-grams count
LONGEST = 40  # letters read of a word
REMEMBERED = 50_000  # words, about 15 MB
_DIGIT = re.compile(r"\d")  # of any script


class Letters:
    """Numbers for the parts of words, from 1 to ``buckets`` - 1; 0 stands for no part.

    Forms of a word that no vocabulary has share most of their parts with those that were seen in training (after
    Bojanowski et al. 2017, doi 10.1162/tacl_a_00051).
    """

    def __init__(self, buckets: int) -> None:
        if buckets < 2:
            raise ConfigError(f"letters is a number of buckets, 2 or more, or 0 for none, not {buckets!r}")
        self.buckets = buckets
        self._row = lru_cache(REMEMBERED)(self._hashed)

    def of(self, words: Sequence[str]) -> np.ndarray:
        """The numbers of each word's parts, int32 [words, PARTS], 0 after the last."""
        return np.frombuffer(b"".join(map(self._row, words)), dtype=np.int32).reshape(-1, PARTS)

    def _hashed(self, word: str) -> bytes:
        row = np.zeros(PARTS, dtype=np.int32)
        for place, part in enumerate(parts(word)[:PARTS]):
            row[place] = crc32(part.encode("utf-8", "surrogatepass")) % (self.buckets - 1) + 1
        return row.tobytes()


def parts(word: str) -> list[str]:
    """The word between its edges, then its n-grams, each once; of two letters only at an edge. Digits are all one.

    >>> parts("انشق")
    ['<انشق>', '<ا', 'ق>', '<ان', 'انش', 'نشق', 'شق>', '<انش', 'انشق', 'نشق>']
    """
    edged = f"<{_DIGIT.sub('0', word[:LONGEST])}>"
    grams = [edged, edged[:2], edged[-2:]]
    for size in (3, 4):
        grams += (edged[start:start + size] for start in range(len(edged) - size + 1))
    return list(dict.fromkeys(grams))
