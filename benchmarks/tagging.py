"""What the baselines share: Documents as lines of words with a tag each, and tags as spans again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from arabie.document import Document, Span
from arabie.encoding import Encoder
from arabie.formats.losses import Losses
from arabie.formats.tags import Chunk, decode, encode, split_tag
from arabie.schema import Layer


@dataclass(frozen=True)
class Line:
    """The units of one line of a text: as the view spells them, their IOB2 tags, and their ranges in the raw text."""

    words: list[str]
    tags: list[str]
    ranges: list[tuple[int, int]]

    def spans(self, tags: Sequence[str]) -> list[Span]:
        """The spans of tags, one a word; an I that continues nothing begins a span."""
        chunks = decode([split_tag(tag, "iob2") for tag in tags], "iob2")
        return [Span(self.ranges[chunk.start][0], self.ranges[chunk.end - 1][1], chunk.label) for chunk in chunks]


def lines(document: Document, layer: Layer, encoder: Encoder, left_out: Losses) -> Iterator[Line]:
    """The lines of a document in the units that the model labels, tagged with the spans of a layer.

    ``left_out`` counts the spans that these tags cannot hold.
    """
    encoded = encoder.encode(document.text)
    units = encoded.units
    words = [encoded.view.text[start:end] for start, end in zip(units.view_starts, units.view_ends)]
    ranges = list(zip(units.raw_starts.tolist(), units.raw_ends.tolist()))
    chunks: list[Chunk] = []
    for span in document.layer(layer.name):
        place = None if span.fragments else encoded.to_units(span.start, span.end)
        if place is None or (chunks and place[0] < chunks[-1].end) or units.line[place[0]] != units.line[place[1]]:
            told = f"{document.id}: {span.label} at {span.start}–{span.end}"
            left_out.add("span that the tags of one line cannot hold", told)
        else:
            chunks.append(Chunk(place[0], place[1] + 1, span.label))
    tags = encode(chunks, len(units), "iob2")
    edges = [0, *(np.flatnonzero(np.diff(units.line)) + 1).tolist(), len(units)]
    for start, end in zip(edges, edges[1:]):
        if start < end:
            yield Line(words[start:end], tags[start:end], ranges[start:end])
