"""Options that hold several things, given as such from Python or as one string from the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from arabie.errors import ArabieError


def listed(value: str | int | Iterable[Any]) -> list[Any]:
    """The items of a list, or of a string with commas or spaces between them.

    >>> listed("entities, events"), listed(["entities"]), listed(-1)
    (['entities', 'events'], ['entities'], [-1])
    """
    if isinstance(value, int):
        return [value]
    return value.replace(",", " ").split() if isinstance(value, str) else list(value)


def numbered(value: str | int | Iterable[int], name: str) -> list[int]:
    """The whole numbers of a list option. Raises ArabieError, naming the option, for what is none.

    >>> numbered("1,-1", "tags")
    [1, -1]
    """
    try:
        return [int(item) for item in listed(value)]
    except ValueError:
        raise ArabieError(f"{name}={value!r}: give columns as numbers, the first is 0 and the last -1, "
                          f"such as {name}='1,2'") from None


def mapped(value: str | Mapping[str, str], name: str) -> dict[str, str]:
    """A mapping, or a string of key=value pairs. Raises ArabieError, naming the option, for a pair without =.

    >>> mapped("OO=O IO=O", "rename")
    {'OO': 'O', 'IO': 'O'}
    """
    if isinstance(value, Mapping):
        return dict(value)
    pairs = [item.partition("=") for item in listed(value)]
    if not all(equals for _, equals, _ in pairs):
        raise ArabieError(f"{name}={value!r}: give pairs with = between, such as {name}='a=b c=d'")
    return {key: item for key, _, item in pairs}
