"""What the JSON formats of research share: tokens as lists of strings, spans as token ranges with inclusive ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from arabie.document import Relation, Span
from arabie.errors import FileError
from arabie.formats.files import atomic_writer
from arabie.formats.losses import Losses
from arabie.schema import Schema


def shown(value: Any) -> str:
    """A JSON value for an error message, cut short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:59] + "…"


def list_at(record: Mapping[str, Any], key: str, where: str, length: int | None = None) -> list:
    """The list under a key, empty if there is none; ``length`` is how many items it must have. Raises FileError."""
    value = record.get(key)
    if value is None:
        return [] if length is None else [[] for _ in range(length)]
    if not isinstance(value, list):
        raise FileError(f'{where}: "{key}" is {shown(value)}; it must be a list')
    if length is not None and len(value) != length:
        raise FileError(f'{where}: "{key}" has {len(value)} lists for {length} sentences; '
                        "it needs one a sentence, empty ones too")
    if length is not None and not all(isinstance(item, list) for item in value):
        raise FileError(f'{where}: "{key}" must hold a list for each sentence')
    return value


def strings(value: Any, what: str, where: str) -> list[str]:
    """A list of strings. Raises FileError."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise FileError(f"{where}: {what} is {shown(value)}; it must be a list of strings")
    return value


def fields(item: Any, kinds: Sequence[type], what: str, where: str) -> list:
    """A list with one value of each kind; further values are let be. Raises FileError."""
    if not isinstance(item, list) or len(item) < len(kinds) or not all(
            isinstance(value, kind) and not isinstance(value, bool) for value, kind in zip(item, kinds)):
        form = ", ".join("number" if kind is int else "label" for kind in kinds)
        raise FileError(f"{where}: {what} is {shown(item)}; it must be [{form}]")
    return item[:len(kinds)]


def score_at(item: Mapping[str, Any], what: str, where: str) -> float | None:
    """The score of a span or relation, or None. Raises FileError for what is no finite number."""
    score = item.get("score")
    if score is not None and (type(score) not in (int, float) or not abs(score) <= sys.float_info.max):
        raise FileError(f"{where}: the score of {what} is {shown(score)}; it must be a finite number")
    return score


def merged(parts: Iterable[Mapping[str, Any]], losses: Losses, where: str) -> dict[str, Any]:
    """Mappings as one. Of a key with different values the last is kept, the others are counted."""
    found: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if found.get(key, value) != value:
                losses.add("key of the meta data that is there twice, the last value kept",
                           f"{where}: {key}={shown(found[key])}")
            found[key] = value
    return found


def token_range(first: int, last: int, low: int, high: int, what: str, where: str) -> tuple[int, int]:
    """Tokens given with an inclusive end, as an end-exclusive range; FileError if not between ``low`` and ``high``."""
    if not low <= first <= last < high:
        raise FileError(f"{where}: {what} runs from token {first} to {last}, but its tokens are {low} to {high - 1}; "
                        "the end is the last token itself, and tokens are counted through the whole record")
    return first, last + 1


def choose(heads: Sequence[Span], tails: Sequence[Span], type: str, schema: Schema) -> tuple[Span, Span] | None:
    """Of the spans over two token ranges, the head and tail that the schema lets a relation join; else the first."""
    pairs = [(head, tail) for head in heads for tail in tails]
    allowed = (pair for pair in pairs if schema.allows(type, pair[0].label, pair[1].label))
    return next(allowed, pairs[0] if pairs else None)


def each_once(relations: Iterable[Relation], losses: Losses, where: str) -> tuple[Relation, ...]:
    """Relations without the doubled ones, which are counted."""
    kept: dict[Relation, None] = {}
    for relation in relations:
        if relation in kept:
            losses.add("relation given twice", f"{where}: {relation.type}")
        kept[relation] = None
    return tuple(kept)


def count_unread(record: Mapping[str, Any], read: Sequence[str], losses: Losses, where: str) -> None:
    """Count the keys of a record that a Document does not keep."""
    for key in record:
        if key not in read and record[key] not in (None, [], {}):
            losses.add(f'"{key}" of a record not kept', where)


def write_records(records: Iterable[Mapping[str, Any]], path: str | Path) -> None:
    """Write records as one JSON list if the path ends in .json, else as JSON lines; whole or not at all."""
    lines = (json.dumps(record, ensure_ascii=False) for record in records)
    with atomic_writer(path) as stream:
        if Path(path).suffix != ".json":
            stream.writelines(f"{line}\n" for line in lines)
            return
        stream.write("[")
        stream.writelines(f"{',' * (number > 0)}\n{line}" for number, line in enumerate(lines))
        stream.write("\n]\n")
