"""From a raw text to what a model takes: pieces, the units they spell, and the windows that cover them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol

import numpy as np
import tokenizers

from arabie.errors import ConfigError, ModelError
from arabie.letters import Letters
from arabie.text import PROFILES, Profile, TextView, Words, read

PIECES_A_UNIT = 16  # of a longer unit (a pasted key, say) the model reads the first pieces; it is labelled all the same
# What parts words in Unicode's eyes, but not in those of tokenizers, some of which drop it as control characters.
SEPARATORS = dict.fromkeys([0x0B, 0x0C, *range(0x1C, 0x20), 0x85], " ")
CHUNK = 20_000  # view characters tokenised in one go
CHUNKS_A_CALL = 16  # chunks tokenised at once, in several threads; what comes of them takes about 200 bytes a piece


@dataclass(frozen=True, eq=False)
class Encoded:
    """A text's units and their pieces. ``first_piece`` has one entry a unit and one more: the number of pieces.

    Units on lines of site furniture are left out: the model does not see them and labels nothing there.
    """

    view: TextView
    units: Words
    pieces: np.ndarray
    first_piece: np.ndarray

    def __len__(self) -> int:
        return len(self.units)

    def words(self, start: int, end: int) -> list[str]:
        """What the model reads of the units [start, end)."""
        places = zip(self.units.view_starts[start:end].tolist(), self.units.view_ends[start:end].tolist())
        return [self.view.text[begin:stop] for begin, stop in places]

    def to_units(self, start: int, end: int) -> tuple[int, int] | None:
        """The unit range [first, last] that is exactly the raw range [start, end), or None if edges do not meet."""
        first = int(np.searchsorted(self.units.raw_starts, start))
        last = int(np.searchsorted(self.units.raw_ends, end))
        fits = first <= last < len(self) and self.units.raw_starts[first] == start and self.units.raw_ends[last] == end
        return (first, last) if fits else None

    def to_raw(self, first: int, last: int) -> tuple[int, int]:
        """The raw range of the units from ``first`` to ``last`` inclusive: only here do units become offsets."""
        return int(self.units.raw_starts[first]), int(self.units.raw_ends[last])


@dataclass(frozen=True, slots=True)
class Window:
    """Units [start, end) are read together; those of [own_start, own_end) take their prediction from this window."""

    start: int
    end: int
    own_start: int
    own_end: int


@dataclass(frozen=True)
class WindowSettings:
    """How a text is cut: windows of at most ``size`` pieces with the special ones, ``overlap`` shared with the next."""

    size: int = 256
    overlap: int = 64

    def __post_init__(self) -> None:
        if self.overlap < 0 or self.size - 2 < max(PIECES_A_UNIT, 2 * self.overlap):
            raise ConfigError(f"a window of {self.size} pieces is too small for an overlap of {self.overlap}: "
                              f"size is at least {PIECES_A_UNIT + 2} and at least twice the overlap")


class Tokenizer(Protocol):
    """What knows the pieces: a fast tokenizer of transformers, or a FolderTokenizer, which does without transformers.

    The numbers of special pieces are None where the tokenizer has no such piece.
    """

    backend_tokenizer: tokenizers.Tokenizer
    cls_token_id: int | None
    sep_token_id: int | None
    pad_token_id: int | None
    unk_token_id: int | None
    mask_token_id: int | None


@dataclass(frozen=True, eq=False)
class WindowInput:
    """Piece ids of a window with the special ones, and for each unit the places of its first and last piece.

    ``letters`` [units, letters.PARTS] are given where the model reads them.
    """

    ids: np.ndarray
    first: np.ndarray
    last: np.ndarray
    letters: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class _Chunk:
    """A stretch of a view from ``start`` on, as it is tokenised: with a space put in at each seam."""

    text: str
    start: int
    seams: np.ndarray


class Encoder:
    """Reads texts as one tokenizer and text profile do; with ``letters`` buckets also the letters of the units."""

    def __init__(self, tokenizer: Tokenizer, profile: Profile | str = "default", letters: int = 0) -> None:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, tokenizers.Tokenizer):
            name = getattr(tokenizer, "name_or_path", type(tokenizer).__name__)
            raise ModelError(f"{name}: this tokenizer gives no offsets; arabie needs one with a tokenizer.json")
        backend.no_truncation()
        backend.no_padding()
        self.tokenizer = tokenizer
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile
        self.letters = Letters(letters) if letters else None
        edges = tokenizer.cls_token_id, tokenizer.sep_token_id
        self._before, self._after = (np.array([] if piece is None else [piece], dtype=np.int64) for piece in edges)
        unknown = tokenizer.unk_token_id, tokenizer.pad_token_id, 0
        self._unknown = next(piece for piece in unknown if piece is not None)

    def encode(self, text: str) -> Encoded:
        """The units and pieces of a text of any length; time and memory grow with its length."""
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[Encoded]:
        """The units and pieces of each text; they are tokenised together, in as many threads as there are cores."""
        cut = [(reading, _chunks(reading.view.text, reading.units)) for reading in read(texts, self.profile)]
        coded = self._coded(chunk for _, chunks in cut for chunk in chunks)
        return [self._encoded(reading.view, reading.units, islice(coded, len(chunks))) for reading, chunks in cut]

    def window_input(self, encoded: Encoded, window: Window) -> WindowInput:
        """What a model is given for a window of a text."""
        places = encoded.first_piece[window.start:window.end + 1]
        ids = np.concatenate([self._before, encoded.pieces[places[0]:places[-1]], self._after])
        first = places - places[0] + len(self._before)
        letters = self.letters.of(encoded.words(window.start, window.end)) if self.letters else None
        return WindowInput(ids, first[:-1], first[1:] - 1, letters)

    def _coded(self, chunks: Iterable[_Chunk]) -> Iterator[tuple[_Chunk, tokenizers.Encoding]]:
        """The chunks, each with what the tokenizer makes of it. The text is tokenised as it stands, not word by word:
        tokenizers that mark the space before a word would read words that punctuation touches in another way than they
        were trained to."""
        chunks, backend = iter(chunks), self.tokenizer.backend_tokenizer
        while batch := list(islice(chunks, CHUNKS_A_CALL)):
            yield from zip(batch, backend.encode_batch([chunk.text for chunk in batch], add_special_tokens=False))

    def _encoded(self, seen: TextView, units: Words, coded: Iterable[tuple[_Chunk, tokenizers.Encoding]]) -> Encoded:
        ids, owners = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for chunk, pieces in coded:
            flat = np.fromiter(chain.from_iterable(pieces.offsets), dtype=np.int64, count=2 * len(pieces))
            offsets = flat.reshape(-1, 2) + chunk.start
            offsets -= np.searchsorted(chunk.seams + np.arange(len(chunk.seams)), offsets, side="left")
            owner = np.searchsorted(units.view_ends, offsets[:, 0], side="right")
            inside = owner < len(units)
            inside[inside] &= units.view_starts[owner[inside]] < offsets[inside, 1]
            ids.append(np.array(pieces.ids, dtype=np.int64)[inside])
            owners.append(owner[inside])
        kept = _one_or_more(np.concatenate(ids), np.concatenate(owners), len(units), self._unknown)
        return Encoded(seen, units, *kept)


def _seams(text: str, units: Words) -> np.ndarray:
    """Where a symbol that is no punctuation touches another unit, in «عاجل🔴» say. Tokenizers part words from
    punctuation but not from symbols, so a space is put there, or the word would be unknown."""
    symbols = [n for n in np.flatnonzero(~units.is_word).tolist()
               if (first := text[units.view_starts[n]]) > "\x7f" and unicodedata.category(first)[0] != "P"]
    if not symbols:
        return np.zeros(0, dtype=np.int64)
    edges = np.concatenate([units.view_starts[symbols], units.view_ends[symbols]])
    return np.intersect1d(edges, np.intersect1d(units.view_starts, units.view_ends))


def _chunks(text: str, units: Words) -> list[_Chunk]:
    """The stretches of a view in which there are units."""
    seams, found = _seams(text, units), []
    for start, end in _ranges(text, units):
        inside = seams[(start < seams) & (seams < end)]
        parts = zip([start, *inside.tolist()], [*inside.tolist(), end])
        found.append(_Chunk(" ".join(text[a:b] for a, b in parts).translate(SEPARATORS), start, inside))
    return found


def _ranges(text: str, units: Words) -> list[tuple[int, int]]:
    """Ranges of a view, cut only where a unit starts, after white space if there is any near."""
    if not len(units):
        return []
    gaps = units.view_starts[1:][units.view_starts[1:] > units.view_ends[:-1]]
    edges = [0]
    while len(text) - edges[-1] > CHUNK:
        near = int(np.searchsorted(gaps, edges[-1] + CHUNK, side="right")) - 1
        if near < 0 or gaps[near] <= edges[-1]:
            starts = units.view_starts
            near = int(np.searchsorted(starts, edges[-1] + CHUNK, side="right"))
            edges.append(int(starts[near]) if near < len(starts) else len(text))
        else:
            edges.append(int(gaps[near]))
    return list(zip(edges, [*edges[1:], len(text)]))


def _one_or_more(pieces: np.ndarray, owners: np.ndarray, count: int, unknown: int) -> tuple[np.ndarray, np.ndarray]:
    """At most PIECES_A_UNIT pieces for each unit, and the unknown piece for a unit that has none."""
    counts = np.bincount(owners, minlength=count)
    rank = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    pieces = pieces[rank < PIECES_A_UNIT]
    counts = np.minimum(counts, PIECES_A_UNIT)
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        pieces = np.insert(pieces, (np.cumsum(counts) - counts)[empty], unknown)
    return pieces.astype(np.int64), np.concatenate([[0], np.cumsum(np.maximum(counts, 1))]).astype(np.int64)


def windows(encoded: Encoded, settings: WindowSettings) -> list[Window]:
    """Windows that cover every unit; each is owned by exactly one, the one in which it stands farther from an edge."""
    room = settings.size - 2
    first_piece, count = encoded.first_piece, len(encoded)
    found: list[tuple[int, int]] = []
    start = 0
    while start < count:
        end = int(np.searchsorted(first_piece, first_piece[start] + room, side="right")) - 1
        found.append((start, end))
        if end >= count:
            break
        least = first_piece[end] - settings.overlap, first_piece[end + 1] - room
        shared, fitting = np.searchsorted(first_piece, least)
        start = max(start + 1, int(shared), int(fitting))  # fitting: with the next unit, however long
    cuts = [0, *((following[0] + window[1]) // 2 for window, following in zip(found, found[1:])), count]
    return [Window(start, end, cuts[n], cuts[n + 1]) for n, (start, end) in enumerate(found)]
