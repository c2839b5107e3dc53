"""Labelling a stream of Documents of any length: in chunks, in one process or several, and on after a kill."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from arabie.document import Document
from arabie.streaming.chunks import Chunks
from arabie.streaming.part import PartFile
from arabie.streaming.progress import Amount, meter
from arabie.streaming.workers import Labeller, label


def label_to_file(documents: Iterable[Document], out: Path, labeller: Labeller, *, workers: int = 1,
                  resume: bool = False, total: Amount | None = None) -> Amount:
    """Label Documents anew and write them as JSONL to a file that appears when it is whole; ``total`` is for the bar.

    Until then they are in ``out``.part. With ``resume`` those that an earlier run left there are not labelled again:
    the file is that of a run that was never broken off. Raises FileError for a .part of other Documents, model or
    settings, ArabieError for a worker that died, and what reading raises, once what was read before is in the .part.
    Returns how much is in the file.
    """
    chunks = Chunks(documents)
    with PartFile(out, labeller.told(), resume) as part, meter("extract", total) as bar:
        todo = part.skip(chunks, bar.skip)
        with closing(label(todo, labeller, workers)) as labelled:
            for done, lines in labelled:
                part.write(lines)
                bar.add(done)
        if chunks.fault:
            raise chunks.fault
        part.finish()
    return bar.done


def label_to_lines(documents: Iterable[Document], labeller: Labeller, *, workers: int = 1, total: Amount | None = None,
                   ) -> Iterator[str]:
    """Lines of JSON of Documents labelled anew, in order, while they are read. Raises what ``label_to_file`` does."""
    chunks = Chunks(documents)
    with closing(label(chunks, labeller, workers)) as labelled:
        for _, lines in labelled:
            yield from lines
    if chunks.fault:
        raise chunks.fault
