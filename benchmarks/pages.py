"""Figures into pages: what stands between two marks is made anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from arabie.errors import ArabieError
from arabie.formats.files import atomic_writer, read_text


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose first column is text and whose others are figures.

    >>> print(markdown(["by", "words/s"], [["one", "2,000"]]), end="")
    | by | words/s |
    |---|---:|
    | one | 2,000 |
    """
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---|" + "---:|" * (len(head) - 1), *lines[1:]]) + "\n"


def replaced(text: str, name: str, made: str) -> str:
    """A page with the lines between ``<!-- name: … -->`` and ``<!-- /name -->`` made anew.

    >>> replaced("<!-- size: size.py -->\\nold\\n<!-- /size -->", "size", "new\\n")
    '<!-- size: size.py -->\\nnew\\n<!-- /size -->'
    """
    marks = re.compile(rf"(<!-- {re.escape(name)}: .*? -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    if not marks.search(text):
        raise ArabieError("the page has no place for the figures; put the marks "
                          f"<!-- {name}: … --> and <!-- /{name} --> where they belong, each on a line of its own")
    return marks.sub(lambda found: found[1] + made + found[2], text, count=1)


def rewrite(page: Path, name: str, made: str) -> None:
    """Put figures into a page, whole or not at all."""
    text = replaced(read_text(page), name, made)
    with atomic_writer(page) as stream:
        stream.write(text)
