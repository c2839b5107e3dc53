"""Texts as tokens and back, for the formats that know tokens instead of characters.

Text is rebuilt from tokens by one rule: one space between the tokens of a sentence, one line break between sentences.
A Document's tokens are those in ``meta["tokens"]``, sentences of [start, end], which a reader puts there when they are
not the ones that arabie finds itself: the units of ``arabie.text.words``, divided at white space, a sentence a line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from arabie.document import Document, Span
from arabie.formats.losses import Losses, name_of
from arabie.formats.tags import Chunk
from arabie.schema import Schema
from arabie.text import view, words

Sentence = tuple[tuple[int, int], ...]
_SPACE = re.compile(r"\s")
_SOLID = re.compile(r"\S+")


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text, sentence by sentence, as (start, end) code points; no sentence is empty.

    >>> tokens = Tokens.joined([["انشق", "ضابط"], ["أمس"]])
    >>> tokens.text, tokens.sentences, tokens.locate(5, 9)
    ('انشق ضابط\\nأمس', (((0, 4), (5, 9)), ((10, 13),)), (1, 2))
    """

    text: str
    sentences: tuple[Sentence, ...]

    @classmethod
    def found(cls, text: str) -> Tokens:
        """The tokens that arabie finds in a text."""
        units = words(view(text, "raw"))
        lines: dict[int, list[tuple[int, int]]] = {}
        for start, end, line in zip(units.raw_starts.tolist(), units.raw_ends.tolist(), units.line.tolist()):
            parts = [(start, end)]
            if _SPACE.search(text, start, end):
                parts = [match.span() for match in _SOLID.finditer(text, start, end)]
            lines.setdefault(line, []).extend(parts)
        return cls(text, tuple(map(tuple, lines.values())))

    @classmethod
    def of(cls, document: Document, losses: Losses) -> Tokens:
        """The tokens of a document: those in its meta, if they fit its text, else those that arabie finds."""
        sentences = stated_sentences(document)
        if sentences is not None:
            return cls(document.text, sentences)
        if document.meta.get("tokens") is not None:
            losses.add('tokens in meta["tokens"] that do not fit the text', name_of(document))
        return cls.found(document.text)

    @classmethod
    def joined(cls, sentences: Iterable[Sequence[str]]) -> Tokens:
        """Tokens and the text rebuilt from them: one space between tokens, one line break between sentences."""
        lines, placed, at = [], [], 0
        for sentence in sentences:
            if not sentence:
                continue
            starts = accumulate((len(token) + 1 for token in sentence), initial=at)
            placed.append(tuple((start, start + len(token)) for start, token in zip(starts, sentence)))
            lines.append(" ".join(sentence))
            at += len(lines[-1]) + 1
        return cls("\n".join(lines), tuple(placed))

    @cached_property
    def flat(self) -> list[tuple[int, int]]:
        """All tokens in order, whatever their sentence."""
        return [token for sentence in self.sentences for token in sentence]

    @cached_property
    def forms(self) -> list[list[str]]:
        """The tokens' characters, sentence by sentence."""
        return [[self.text[start:end] for start, end in sentence] for sentence in self.sentences]

    @cached_property
    def firsts(self) -> list[int]:
        """The number of each sentence's first token."""
        return list(accumulate(map(len, self.sentences), initial=0))[:-1]

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What a Document's meta must hold for these tokens to be found again; nothing for those that arabie finds."""
        if self == Tokens.found(self.text):
            return {}
        return {"tokens": [[list(token) for token in sentence] for sentence in self.sentences]}

    @cached_property
    def _edges(self) -> tuple[dict[int, int], dict[int, int]]:
        starts = {start: number for number, (start, _) in reversed(list(enumerate(self.flat)))}
        return starts, {end: number + 1 for number, (_, end) in enumerate(self.flat)}

    def locate(self, start: int, end: int) -> tuple[int, int] | None:
        """The tokens, end-exclusive, that a range of characters begins and ends with, or None."""
        first, after = self._edges[0].get(start), self._edges[1].get(end)
        return (first, after) if first is not None and after is not None and first < after else None

    def sentence_of(self, token: int) -> int:
        """The number of the sentence that a token stands in."""
        return bisect_right(self.firsts, token) - 1

    def spans(self, chunks: Iterable[Chunk], losses: Losses, where: str) -> tuple[Span, ...]:
        """The spans of chunks of tokens, each once; doubled ones, and those without a character, are counted."""
        spans: dict[Span, None] = {}
        for chunk in chunks:
            span = Span(self.flat[chunk.start][0], self.flat[chunk.end - 1][1], chunk.label)
            if span.start == span.end:
                losses.add("span over an empty token", where)
            elif span in spans:
                losses.add("span given twice", f"{where}: {span.label} at {span.start}–{span.end}")
            else:
                spans[span] = None
        return tuple(spans)


def stated_sentences(document: Document) -> tuple[Sentence, ...] | None:
    """The sentences in ``meta["tokens"]``, or None if they are not lists of [start, end] in order inside the text."""
    stated, length = document.meta.get("tokens"), len(document.text)
    if not isinstance(stated, (list, tuple)):
        return None
    try:
        sentences = tuple(tuple((int(start), int(end)) for start, end in sentence) for sentence in stated if sentence)
    except (TypeError, ValueError):
        return None
    edges = [edge for sentence in sentences for token in sentence for edge in token]
    return sentences if all(a <= b for a, b in zip([0, *edges], [*edges, length])) else None


def place_spans(document: Document, tokens: Tokens, losses: Losses, *,
                whole_sentences: bool = True) -> dict[Span, tuple[int, int]]:
    """The token ranges of a document's spans; those not made of whole tokens of one sentence are counted and left out.

    Without ``whole_sentences`` a span may run over the end of a sentence.
    """
    placed = {}
    for span in document.spans:
        told = f"{name_of(document)}: {span.label} «{span.text}» at {span.start}–{span.end}"
        found = tokens.locate(span.start, span.end)
        if found is None:
            losses.add("span that does not begin and end with a token", told)
        elif whole_sentences and tokens.sentence_of(found[0]) != tokens.sentence_of(found[1] - 1):
            losses.add("span that runs over the end of a sentence", told)
        else:
            placed[span] = found
    return placed


def fill_columns(placed: Mapping[Span, tuple[int, int]], columns: Sequence[str], schema: Schema, losses: Losses,
                 where: str) -> list[list[Chunk]]:
    """Spans shared out over columns of tags, each named after a layer and free of overlaps, the longest spans first.

    A span goes to the first column of its layer where it fits, one with a label the schema does not know to the first
    of all, a discontinuous one after the others; a span that fits nowhere is counted.
    """
    filled: list[list[Chunk]] = [[] for _ in columns]
    taken: list[set[int]] = [set() for _ in columns]
    ranked = sorted(placed.items(), key=lambda item: (bool(item[0].fragments), item[1][0] - item[1][1]))
    for span, (first, after) in ranked:
        told, layer = f"{where}: {span.label} «{span.text}» at {span.start}–{span.end}", schema.layer_of(span.label)
        open_to = [number for number, column in enumerate(columns) if layer is None or column == layer]
        fitting = next((number for number in open_to if taken[number].isdisjoint(range(first, after))), None)
        if not span.label or _SPACE.search(span.label):
            losses.add("label that a tag cannot hold", told)
        elif fitting is None:
            losses.add("span that overlaps another in its column" if open_to else "span of a layer not written", told)
        else:
            taken[fitting].update(range(first, after))
            filled[fitting].append(Chunk(first, after, span.label))
    return filled


def count_respaced(document: Document, rebuilt: str, losses: Losses) -> None:
    """Count a text that is not the one that a reader will rebuild from the tokens."""
    if rebuilt != document.text:
        losses.add("spacing of the text, which is rebuilt from its tokens", name_of(document))
