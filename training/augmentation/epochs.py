"""The training windows of an epoch, made anew for each from augmented documents."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from torch.utils.data import Dataset

from arabie.document import Document
from arabie.formats.losses import Losses
from training.augmentation.augmenter import Augmenter

log = logging.getLogger("train")
Encode = Callable[[Document, Losses], list[dict[str, Any]]]


class AugmentedWindows(Dataset):
    """As many windows in every epoch as the documents have as they are, and of each document as many as it has.

    What an epoch holds follows from the seed and the epoch's number alone, so a training that goes on after a kill sees
    what it would have seen. A document that has grown shows some of its windows, one that has shrunk is made anew once
    more. ``encode`` gives the windows of a document, as ``examples`` does. ``lengths`` (pieces, one a window) stays one
    list for good: samplers hold on to it.
    """

    def __init__(self, documents: Sequence[Document], augmenter: Augmenter, encode: Encode, seed: int) -> None:
        self.documents, self.augmenter, self.encode, self.seed = documents, augmenter, encode, seed
        as_they_are = [encode(document, Losses()) for document in documents]
        self._sizes = [len(rows) for rows in as_they_are]
        self._rows = [row for rows in as_they_are for row in rows]
        self.lengths = [row["length"] for row in self._rows]

    def set_epoch(self, epoch: int) -> None:
        """Make the windows of an epoch; accelerate's data loader calls it before each."""
        left_out = Losses()
        self._rows = [row for number, size in enumerate(self._sizes)
                      for row in islice(self._fresh(number, epoch, left_out), size)]
        self.lengths[:] = [row["length"] for row in self._rows]
        for line in left_out.lines():
            log.info("left out, augmented for epoch %d: %s", epoch + 1, line)

    def _fresh(self, number: int, epoch: int, left_out: Losses) -> Iterator[dict[str, Any]]:
        """Windows of a document made anew again and again, without end."""
        copy = 0
        while True:
            rng = random.Random(f"{self.seed} {epoch} {number} {copy}")
            rows = self.encode(self.augmenter(self.documents[number], rng), left_out)
            yield from rng.sample(rows, len(rows))
            copy += 1

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self._rows[index]
