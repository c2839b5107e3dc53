"""A document made anew: the pieces that the settings switch on, one after another."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from arabie.document import Document
from arabie.errors import ConfigError
from training.augmentation.context import headline, stretch
from training.augmentation.dates import shift_dates
from training.augmentation.numbers import change_numbers, respell_numbers
from training.augmentation.punctuation import change_punctuation, change_quotes
from training.augmentation.spelling import PartedAnd, hashtags, join_words, mistype, vary_spelling
from training.augmentation.swaps import Swapper

Piece = Callable[[Document, random.Random, float], Document]
PIECES: dict[str, Piece] = {  # in the order in which they are applied, after names and before «parted_and»
    "headline": headline, "stretch": stretch, "dates": shift_dates, "numbers": change_numbers,
    "numerals": respell_numbers, "joins": join_words, "hashtags": hashtags, "spelling": vary_spelling, "typos": mistype,
    "punctuation": change_punctuation, "quotes": change_quotes,
}


@dataclass(frozen=True)
class AugmentationSettings:
    """How often each piece changes what it is for, as a probability; 0 switches it off.

    ``share``: of the documents, in each epoch, how many are changed at all. Of a document: ``headline`` keeps the
    first line alone, ``stretch`` some of the sentences, ``dates`` moves days, months and years, ``quotes`` writes
    other quotes. Of a name in a document: ``listed`` puts a name from training/lists in its place, ``seen`` one from
    the training corpus where that has not. Of each number, name, word or mark: ``numbers`` puts another number,
    ``numerals`` digits for words or back, ``joins`` joins or parts, ``parted_and`` writes «و» apart, ``hashtags`` a
    hashtag, ``spelling`` a variant, ``typos`` a typing error, ``punctuation`` another mark or none.
    """

    share: float = 1.0
    headline: float = 0.0
    stretch: float = 0.0
    listed: float = 0.0
    seen: float = 0.0
    dates: float = 0.0
    numbers: float = 0.0
    numerals: float = 0.0
    joins: float = 0.0
    parted_and: float = 0.0
    hashtags: float = 0.0
    spelling: float = 0.0
    typos: float = 0.0
    punctuation: float = 0.0
    quotes: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                raise ConfigError(f"{field.name} is a probability, from 0 to 1, not {getattr(self, field.name)!r}")

    @property
    def is_on(self) -> bool:
        """Whether anything is changed at all."""
        return self.share > 0 and any(getattr(self, field.name) for field in fields(self) if field.name != "share")


class Augmenter:
    """Makes documents anew. ``documents`` are those of the training corpus: their mentions may be put into others."""

    def __init__(self, settings: AugmentationSettings, documents: Sequence[Document]) -> None:
        self.settings = settings
        self._swapper = Swapper(documents) if settings.listed or settings.seen else None
        pieces = PIECES | ({"parted_and": PartedAnd(documents)} if settings.parted_and else {})
        self._pieces = [(piece, getattr(settings, name)) for name, piece in pieces.items() if getattr(settings, name)]

    def __call__(self, document: Document, rng: random.Random) -> Document:
        """The document made anew, or as it is; ``rng`` alone decides."""
        if rng.random() >= self.settings.share:
            return document
        if self._swapper:
            document = self._swapper(document, rng, self.settings.listed, self.settings.seen)
        for piece, rate in self._pieces:
            document = piece(document, rng, rate)
        return document
