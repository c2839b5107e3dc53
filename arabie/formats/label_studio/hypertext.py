"""The text content of HTML as Label Studio counts it in HyperText, with the way back to the HTML."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_UNSEEN = frozenset("head script style title template noscript iframe".split())
_SHOWN = re.compile(r"\r\n|&#?\w+;?|[^&\r]+|.", re.DOTALL)
_TRANSPARENT = frozenset(("html", "body"))  # offsets and paths start in the body


class TextContent(HTMLParser):
    """The characters a page shows: character i came from ``source[starts[i]:ends[i]]``; a <br> is one character.

    >>> content = TextContent("<p>قوات <b>النظام</b></p>")
    >>> content.text, content.to_source(5, 11), content.place("/p[1]/b[1]/text()[1]", 0)
    ('قوات النظام', (11, 17), 5)
    """

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self._source = source
        self._lines = [0, *(found.end() for found in re.finditer("\n", source))]
        self._open: list[tuple[str, str, dict[str, int]]] = [("", "", {})]  # tag, path, children counted by name
        self._unseen, self._in_text = 0, False
        self._characters: list[str] = []
        self._paths: dict[str, int] = {}
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.feed(source)
        self.close()
        self.text = "".join(self._characters)

    def to_source(self, start: int, end: int) -> tuple[int, int] | None:
        """The range of the HTML that shows a range of the content, or None if it lies outside."""
        return (self.starts[start], self.ends[end - 1]) if 0 <= start < end <= len(self.text) else None

    def place(self, path: str, offset: int) -> int | None:
        """The place in the content of an offset in the text node at a path, or None if there is none."""
        return None if path not in self._paths else self._paths[path] + offset

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def _add(self, characters: str, start: int, end: int) -> None:
        """Add what a range of the source shows: one character, rarely two."""
        if self._unseen:
            return
        if not self._in_text:
            self._in_text = True
            self._paths[self._child("text()")] = len(self._characters)
        for character in characters:
            self._characters.append(character)
            self.starts.append(start)
            self.ends.append(end)

    def _child(self, name: str) -> str:
        _, path, counts = self._open[-1]
        counts[name] = counts.get(name, 0) + 1
        return f"{path}/{name}[{counts[name]}]"

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self._in_text = False
        if tag in _UNSEEN:
            self._unseen += 1
        if tag in _TRANSPARENT:
            return
        path = self._child(tag)
        if tag == "br" and not self._unseen:
            self._characters.append("\n")
            self.starts.append(self._at())
            self.ends.append(self._at() + len(self.get_starttag_text()))
        if tag not in _VOID:
            self._open.append((tag, path, {}))

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._in_text = False
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if any(name == tag for name, _, _ in self._open[1:]):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        start = self._at()
        for found in _SHOWN.finditer(data):
            shown = html.unescape(found[0]) if found[0][0] == "&" else found[0].replace("\r\n", "\n")
            if shown == found[0]:
                for place in range(found.start(), found.end()):
                    self._add(data[place], start + place, start + place + 1)
            else:
                self._add(shown, start + found.start(), start + found.end())

    def handle_entityref(self, name: str) -> None:
        self._add_reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        self._add_reference(f"&#{name}")

    def _add_reference(self, reference: str) -> None:
        ended = self._source.startswith(f"{reference};", self._at())
        self.handle_data(f"{reference};" if ended else reference)
