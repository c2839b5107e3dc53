"""A linear-chain CRF as a baseline: sklearn-crfsuite over words with their affixes, in a window of three."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sklearn_crfsuite
from tagging import Line


class CrfTagger:
    """Learns tags from lines and gives tags to words. Training is deterministic."""

    name = "linear-chain CRF"
    settings = {"algorithm": "lbfgs", "c1": 0.1, "c2": 0.1, "max_iterations": 100}

    def __init__(self) -> None:
        self.model = sklearn_crfsuite.CRF(**self.settings)

    def fit(self, train: Iterable[Line], dev: Iterable[Line]) -> None:
        """Learn from ``train``; ``dev`` is not needed."""
        rows = list(train)
        self.model.fit((features(row.words) for row in rows), (row.tags for row in rows))

    def tag(self, words: Sequence[str]) -> list[str]:
        """An IOB2 tag for each word of a line."""
        return self.model.predict_single(features(words))


def features(words: Sequence[str]) -> list[list[str]]:
    """What the CRF sees at each word: that word and the one on either side.

    >>> features(["قسد"])[0][:3]
    ['bias', '-1:edge', '0:word=قسد']
    """
    own = [["edge"], *map(_of_word, words), ["edge"]]
    return [["bias", *(f"{offset}:{found}" for offset in (-1, 0, 1) for found in own[place + offset])]
            for place in range(1, len(words) + 1)]


def _of_word(word: str) -> list[str]:
    affixes = [part for n in (1, 2, 3) for part in (f"prefix{n}={word[:n]}", f"suffix{n}={word[-n:]}")]
    return [f"word={word}", *affixes, *(["digits"] if word.isdigit() else [])]
