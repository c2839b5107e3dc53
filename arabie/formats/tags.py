"""Tag schemes: spans over tokens written as one tag a token, and read back with impossible sequences pointed out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from arabie.errors import ArabieError, DocumentError, FileError, nearest
from arabie.formats.losses import Losses

SCHEMES = {"iob1": "BI", "iob2": "BI", "iobes": "BIES", "bilou": "BILU"}
REPAIRS = {
    "begin": "a tag that continues nothing begins a span, and a span left open ends where it stands",
    "drop": "a span with an impossible tag is left out",
    "refuse": "an impossible tag is an error",
}
_IOBES = {"L": "E", "U": "S"}  # the letters of BILOU


@dataclass(frozen=True, slots=True)
class Chunk:
    """A labelled run of tokens, end-exclusive; ``fault`` says in words what its tags do that the scheme forbids."""

    start: int
    end: int
    label: str
    fault: str | None = None


def check_scheme(scheme: str, repair: str = "begin") -> str:
    """The key of a scheme in ``SCHEMES``, however it is written: IOB2 or iob2.

    Raises ArabieError for a scheme or a repair rule that does not exist, naming the nearest.
    """
    if scheme.lower() not in SCHEMES:
        raise ArabieError(f"unknown tag scheme {scheme!r}; {nearest(scheme.lower(), SCHEMES)}")
    if repair not in REPAIRS:
        raise ArabieError(f"unknown repair rule {repair!r}; {nearest(repair, REPAIRS)}")
    return scheme.lower()


@lru_cache(maxsize=4096)
def split_tag(tag: str, scheme: str) -> tuple[str, str]:
    """The letter of a tag, one of B I E S O whatever the scheme, and its label. Raises DocumentError if it is no tag.

    >>> split_tag("U-LOC", "bilou")
    ('S', 'LOC')
    """
    if tag == "O":
        return "O", ""
    letter, dash, label = tag.partition("-")
    if not dash or not label or letter not in tuple(SCHEMES[scheme]):
        forms = ", ".join(f"{known}-…" for known in SCHEMES[scheme])
        raise DocumentError(f"{tag!r} is no {scheme.upper()} tag ({forms}, O)")
    return _IOBES.get(letter, letter), label


def decode(tags: Iterable[tuple[str, str]], scheme: str) -> list[Chunk]:
    """The chunks of a sequence of split tags, none left out: what the rule "begin" gives.

    >>> [(c.start, c.end, c.label, c.fault) for c in decode([("B", "LOC"), ("I", "LOC"), ("I", "ORG")], "iob2")]
    [(0, 2, 'LOC', None), (2, 3, 'ORG', 'I-ORG continues nothing')]
    """
    ends = "E" if "E" in SCHEMES[scheme] else "L" if "L" in SCHEMES[scheme] else ""
    chunks: list[Chunk] = []
    open_chunk: tuple[int, str, str | None] | None = None
    for place, (letter, label) in enumerate((*tags, ("O", ""))):
        if open_chunk and letter in "IE" and label == open_chunk[1]:
            if letter == "E":
                chunks.append(Chunk(open_chunk[0], place + 1, label, open_chunk[2]))
                open_chunk = None
            continue
        if open_chunk:
            start, before, fault = open_chunk
            chunks.append(Chunk(start, place, before, fault or (f"no {ends}-{before} ends it" if ends else None)))
            open_chunk = None
        if letter != "O":
            open_chunk = place, label, _fault(letter, label, scheme, chunks[-1] if chunks else None, place)
        if letter in "ES":
            chunks.append(Chunk(place, place + 1, label, open_chunk[2]))
            open_chunk = None
    return chunks


def _fault(letter: str, label: str, scheme: str, before: Chunk | None, place: int) -> str | None:
    """What is wrong with a tag that begins a chunk, or None."""
    if scheme == "iob1":
        follows = before is not None and (before.end, before.label) == (place, label)
        return f"B-{label} follows no {label}" if letter == "B" and not follows else None
    return f"{letter}-{label} continues nothing" if letter in "IE" else None


def repaired(chunks: Iterable[Chunk], repair: str, losses: Losses, where: Callable[[int], str]) -> Iterator[Chunk]:
    """The chunks that a rule of ``REPAIRS`` keeps, each fault counted; ``where`` names the place of a token for people.

    Raises FileError for a fault under the rule "refuse".
    """
    for chunk in chunks:
        if chunk.fault and repair == "refuse":
            raise FileError(f"{where(chunk.start)}: {chunk.fault}; mend the tags, or read with repair='begin'")
        if chunk.fault:
            told = f"{where(chunk.start)}: {chunk.fault}"
            losses.add(f"impossible tag sequence, repaired by the rule {repair!r}", told)
        if not chunk.fault or repair == "begin":
            yield chunk


def encode(chunks: Iterable[Chunk], length: int, scheme: str) -> list[str]:
    """One tag a token for chunks that do not overlap.

    >>> encode([Chunk(0, 2, "LOC"), Chunk(2, 3, "LOC")], 4, "iob1")
    ['I-LOC', 'I-LOC', 'B-LOC', 'O']
    """
    tags = ["O"] * length
    letters = SCHEMES[scheme]
    before: Chunk | None = None
    for chunk in sorted(chunks, key=lambda chunk: chunk.start):
        begin, inside = letters[0], letters[1]
        if scheme == "iob1" and (before is None or (before.end, before.label) != (chunk.start, chunk.label)):
            begin = inside
        for place in range(chunk.start, chunk.end):
            tags[place] = f"{begin if place == chunk.start else inside}-{chunk.label}"
        if len(letters) > 2:
            last = letters[3] if chunk.end - chunk.start == 1 else letters[2]
            tags[chunk.end - 1] = f"{last}-{chunk.label}"
        before = chunk
    return tags
