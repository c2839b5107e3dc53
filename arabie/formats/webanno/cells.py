"""The cells, columns and escapes of WebAnno TSV 3."""

from __future__ import annotations

import re
from dataclasses import dataclass

VERSION = "#FORMAT=WebAnno TSV 3.3"
NOTHING, NO_VALUE = "_", "*"  # no annotation here; an annotation without a value

_TEXT_NAMES = {"\t": "t", "\n": "n", "\f": "f", "\r": "r", "\b": "b", "\\": "\\"}
_TEXT_ESCAPED = re.compile(r"[\x00-\x08\t\n\f\r\x0e-\x1f\\]")
_TEXT_ESCAPE = re.compile(r"\\([\x00-\x1ftnfrb\\])", re.DOTALL)
_VALUE_ESCAPED = re.compile(r"->|[\\\[\]|_;\t\n*]")
_VALUE_ESCAPE = re.compile(r"\\(->|.)", re.DOTALL)
_ITEM = {separator: re.compile(rf"(?:\\.|[^\\{separator}])*", re.DOTALL) for separator in "|;"}
_SUFFIXED = re.compile(r"((?:\\.|[^\\\[])*)\[(\d+(?:_\d+)?)\]", re.DOTALL)


def escape_text(text: str) -> str:
    """Text of a ``#Text`` line; the control characters that have no letter get a backslash before them."""
    return _TEXT_ESCAPED.sub(lambda found: "\\" + _TEXT_NAMES.get(found[0], found[0]), text)


def unescape_text(text: str) -> str:
    """
    >>> unescape_text(escape_text("a\\tb\\\\n")) == "a\\tb\\\\n"
    True
    """
    letters = {letter: char for char, letter in _TEXT_NAMES.items()}
    return _TEXT_ESCAPE.sub(lambda found: letters.get(found[1], found[1]), text)


def escape_value(value: str) -> str:
    """A label or other feature value as a cell holds it."""
    letters = {"\t": "t", "\n": "n"}
    return _VALUE_ESCAPED.sub(lambda found: "\\" + letters.get(found[0], found[0]), value)


def unescape_value(value: str) -> str:
    """
    >>> unescape_value(escape_value("a_b->[1]*")), escape_value("a_b->[1]*")
    ('a_b->[1]*', 'a\\\\_b\\\\->\\\\[1\\\\]\\\\*')
    """
    letters = {"t": "\t", "n": "\n"}
    return _VALUE_ESCAPE.sub(lambda found: letters.get(found[1], found[1]), value)


def split_cell(cell: str, separator: str) -> list[str]:
    """The items of a cell between separators that no backslash escapes; none for a cell without annotation."""
    if cell == NOTHING:
        return []
    items, place = [], 0
    while True:
        found = _ITEM[separator].match(cell, place)
        items.append(found[0])
        place = found.end() + 1
        if found.end() >= len(cell) or cell[found.end()] != separator:
            return items


def split_suffix(item: str) -> tuple[str, str | None]:
    """An item and the number (or two) in unescaped brackets at its end.

    >>> split_suffix("PER[3]"), split_suffix("1-2[0_1]"), split_suffix("x\\\\[1\\\\]")
    (('PER', '3'), ('1-2', '0_1'), ('x\\\\[1\\\\]', None))
    """
    found = _SUFFIXED.fullmatch(item)
    return (found[1], found[2]) if found else (item, None)


@dataclass(frozen=True)
class Column:
    """A column of a file: the layer it belongs to, and its feature (None for a layer without features).

    ``group`` is "SP", "CH" or "RL", as in the header; ``kind`` is "value", "role", "target" or "source"; ``points_to``
    is the type that a target or source is said to have.
    """

    layer: str
    group: str
    kind: str
    feature: str | None = None
    points_to: str = ""


def parse_layer(line: str) -> list[Column]:
    """The columns that a line such as ``#T_SP=layer|feature`` declares. Raises ValueError saying what is amiss."""
    group, declared = line[3:5], line[6:].split("|")
    layer, columns = declared[0].strip(), []
    if not layer:
        raise ValueError("names no layer; a layer is written #T_SP=name|feature")
    for name in declared[1:]:
        previous = columns[-1] if columns else None
        if group == "SP" and previous and previous.kind == "role":
            columns.append(Column(layer, group, "target", previous.feature, name))
        elif group == "SP" and name.startswith("ROLE_"):
            found = re.fullmatch(r"ROLE_[^:]+:([^_]+)_.+", name)
            if not found:
                raise ValueError(f"has the slot column {name!r}, which is not ROLE_layer:feature_linktype")
            columns.append(Column(layer, group, "role", found[1]))
        elif group == "RL" and name.startswith("BT_"):
            columns.append(Column(layer, group, "source", points_to=name[3:]))
        else:
            columns.append(Column(layer, group, "value", name or None))
    if columns and columns[-1].kind == "role":
        raise ValueError("ends in a slot column without the type of its target; add it after a '|'")
    if group == "RL" and not any(column.kind == "source" for column in columns):
        raise ValueError("is a relation layer without a column BT_type; add it at the end")
    return columns or [Column(layer, group, "value")]
