"""Texts as a model reads them: their views, and the units that it labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from arabie.text.furniture import furniture_of
from arabie.text.profile import Profile
from arabie.text.units import Words, line_ends, words
from arabie.text.views import TextView, view

_TOGETHER = 1 << 16  # characters


@dataclass(frozen=True, eq=False)
class Reading:
    """A text's view, and its units without those on lines of site furniture."""

    view: TextView
    units: Words


def read(texts: Sequence[str], profile: str | Profile = "default") -> list[Reading]:
    """The Reading of each text. Many short texts cost a small part of what they cost one by one.

    >>> [len(reading.units) for reading in read(["انشق عنصران", "مقالات ذات صلة\\nانشـ.ـق"])]
    [2, 1]
    """
    found: dict[int, Reading] = {}
    for numbers in _groups(texts):
        found.update(zip(numbers, _read_together([texts[number] for number in numbers], profile)))
    return [found[number] for number in range(len(texts))]


def _groups(texts: Sequence[str]) -> Iterator[list[int]]:
    """The numbers of texts to be read together: none that is long, and none in which there may be HTML, since what is
    rewritten until nothing is escaped any more would be rewritten in all of them."""
    group, size = [], 0
    for number, text in enumerate(texts):
        if len(text) >= _TOGETHER or "&" in text or "<" in text:
            yield [number]
            continue
        group.append(number)
        size += len(text)
        if size >= _TOGETHER:
            yield group
            group, size = [], 0
    if group:
        yield group


def _read_together(texts: Sequence[str], profile: str | Profile) -> list[Reading]:
    """Read texts as lines of one: no rewrite looks or reaches over a line end, and none takes one away."""
    seen = view(texts[0] if len(texts) == 1 else "".join(f"{text}\n" for text in texts), profile)
    units = _without(furniture_of(seen), words(seen))
    if len(texts) == 1:
        return [Reading(seen, units)]
    in_raw = np.cumsum([0, *(len(text) + 1 for text in texts)], dtype=np.int32)  # where each begins, and the last ends
    in_view = np.searchsorted(seen.starts, in_raw).astype(np.int32)
    in_units = np.searchsorted(units.raw_starts, in_raw)
    lines = np.searchsorted(line_ends(seen.raw), in_raw).astype(np.int32)
    raw, shown, line = (np.repeat(begins[:-1], np.diff(in_units)) for begins in (in_raw, in_view, lines))
    columns = (units.raw_starts - raw, units.raw_ends - raw, units.view_starts - shown, units.view_ends - shown,
               units.is_word, units.line - line)
    raw = np.repeat(in_raw[:-1], np.diff(in_view))
    starts, ends = seen.starts - raw, seen.ends - raw
    found = []
    for text, own, of_own in zip(texts, _slices(in_view, 1), _slices(in_units, 0)):
        part = TextView(text, seen.text[own], starts[own], ends[own], seen.kinds[own], seen.profile)
        found.append(Reading(part, Words(*(column[of_own] for column in columns))))
    return found


def _slices(begins: np.ndarray, gap: int) -> list[slice]:
    """From each place to ``gap`` before the next."""
    return [slice(start, end) for start, end in zip(begins.tolist(), (begins[1:] - gap).tolist())]


def _without(lines: list[tuple[int, int]], units: Words) -> Words:
    """The units that stand on none of the given lines, which are ranges in the raw text."""
    if not lines:
        return units
    starts, ends = np.array(lines).T
    line = np.searchsorted(starts, units.raw_starts, side="right") - 1
    kept = (line < 0) | (units.raw_starts >= ends[line])
    return Words(*(getattr(units, field.name)[kept] for field in fields(Words)))
