"""A stream of Documents in chunks, each of which is labelled by itself, and again as a whole if it was broken off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arabie.document import Document
from arabie.errors import ArabieError

CHARACTERS = 1 << 17  # of text after which a chunk ends: seconds of work, and enough to fill batches
DOCUMENTS = 1024


class Chunks:
    """The chunks of a stream. Where they end follows from the Documents alone, so that what is found in each does, too:
    the batches of a run that was taken up again, or spread over workers, are those of any other.

    A fault in reading ends the chunks and is kept in ``fault``, so that what was read before it can be finished first.
    """

    def __init__(self, documents: Iterable[Document]) -> None:
        self.fault: ArabieError | None = None
        self._documents = documents

    def __iter__(self) -> Iterator[list[Document]]:
        chunk, size = [], 0
        try:
            for document in self._documents:
                chunk.append(document)
                size += len(document.text)
                if size >= CHARACTERS or len(chunk) == DOCUMENTS:
                    yield chunk
                    chunk, size = [], 0
        except ArabieError as error:
            self.fault = error
            return
        if chunk:
            yield chunk
