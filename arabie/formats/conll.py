"""CoNLL columns: a token a line with its tags, a blank line after each sentence, ``-DOCSTART-`` before each document.

The text is rebuilt from the tokens as ``arabie.formats.tokens`` says. ``-DOCSTART- (id)`` names a document, as in AIDA.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arabie.document import Document
from arabie.errors import ArabieError, DocumentError, FileError, nearest
from arabie.formats.files import atomic_writer, read_lines
from arabie.formats.losses import Losses, name_of
from arabie.formats.options import listed, mapped, numbered
from arabie.formats.tags import Chunk, check_scheme, decode, encode, repaired, split_tag
from arabie.formats.tokens import Tokens, count_respaced, fill_columns, place_spans
from arabie.formats.uncarried import count_uncarried
from arabie.schema import Schema

START = "-DOCSTART-"
NAMELESS = f"{START} -X- O O"
SPLITS = ("documents", "sentences")
Row = tuple[int, str, list[tuple[str, str]]]  # line number, token, tags
_BLANKS = re.compile(r"[ \t]+")
_SPACE = re.compile(r"\s")
_ID = re.compile(rf"{START}[ \t]+\((.*)\).*", re.DOTALL)


@dataclass(frozen=True)
class _Layout:
    """Where in a line the token and its tags stand."""

    path: str
    scheme: str
    token: int
    tags: tuple[int, ...] | None
    separator: str | None
    rename: Mapping[str, str]

    def fields(self, line: str) -> list[str]:
        return _BLANKS.split(line.strip(" \t")) if self.separator is None else line.split(self.separator)

    def row(self, number: int, line: str) -> tuple[str, list[tuple[str, str]]]:
        """The token of a line and its tags, one a column."""
        fields = self.fields(line)
        try:
            token = fields[self.token]
            if self.tags is None:
                after = self.token % len(fields) + 1
                tags = fields[after:]
                fields[after]  # at least one
            else:
                tags = [fields[column] for column in self.tags]
        except IndexError:
            columns = f"{len(fields)} column{'s' * (len(fields) != 1)}"
            raise FileError(f"{self.path}:{number}: {line[:60]!r} has {columns}, too few; a line is a token and its "
                            "tags, and the options token, tags and separator say where they stand") from None
        if not token:
            raise FileError(f"{self.path}:{number}: {line[:60]!r} has no token; fill it in or delete the line")
        return token, [self._tag(number, tag) for tag in tags]

    def _tag(self, number: int, tag: str) -> tuple[str, str]:
        try:
            return split_tag(self.rename.get(tag, tag), self.scheme)
        except DocumentError as error:
            raise FileError(f"{self.path}:{number}: {error}; name the right scheme or tag columns, such as tags=-1 for "
                            f"the last, or give rename={tag + '=O'!r}") from None


@dataclass
class _Block:
    """The sentences of one document."""

    id: str | None = None
    sentences: list[list[Row]] = field(default_factory=list)


def read(path: str | Path, *, schema: Schema, losses: Losses, scheme: str = "iob2", token: int | str = 0,
         tags: int | str | Sequence[int] | None = None, separator: str | None = None, repair: str = "begin",
         rename: str | Mapping[str, str] = "", comment: str | None = None,
         split: str = "documents") -> Iterator[Document]:
    """The Documents of a file, one at a time; without ``-DOCSTART-`` the file is one Document.

    ``token`` and ``tags`` number the columns from 0, or from the end with -1; by default every column after the token's
    holds tags, and lines may have fewer (as Wojood's nested tags). ``separator`` None is any run of spaces and tabs.
    ``repair`` is a rule of ``arabie.formats.tags.REPAIRS``; what it mends is counted. ``rename`` reads a tag as
    another, ``comment`` begins lines to skip, ``split`` "sentences" makes each sentence a Document,
    whose id is that of the whole with the sentence's number: d-1, d-2.
    Raises FileError with file:line for a line without a token, with a column missing, or with what is no tag.
    """
    scheme = check_scheme(scheme, repair)
    if split not in SPLITS:
        raise ArabieError(f"unknown split {split!r}; {nearest(split, SPLITS)}")
    if separator == "":
        raise ArabieError("separator='' parts nothing; leave it out for spaces and tabs")
    columns = None if tags is None else tuple(numbered(tags, "tags"))
    layout = _Layout(str(path), scheme, numbered(token, "token")[0], columns, separator, mapped(rename, "rename"))
    for block in _blocks(path, layout, comment, split):
        yield _document(block, layout, repair, schema, losses)


def _blocks(path: str | Path, layout: _Layout, comment: str | None, split: str) -> Iterator[_Block]:
    """The blocks that become Documents: whole ones, or one for each sentence."""
    block, place = None, 0
    for begun, sentence in _parts(path, layout, comment):
        if begun is not None:
            if block is not None and split == "documents":
                yield block
            block, place = begun, 0
        elif split == "sentences":
            place += 1
            yield _Block(f"{block.id}-{place}" if block and block.id is not None else None, [sentence])
        else:
            block = block or _Block()
            block.sentences.append(sentence)
    if block is not None and split == "documents":
        yield block


def _parts(path: str | Path, layout: _Layout, comment: str | None) -> Iterator[tuple[_Block | None, list[Row]]]:
    """What a file is made of: the block that a ``-DOCSTART-`` begins, or None and the rows of a sentence."""
    sentence: list[Row] = []
    for number, line in read_lines(path):
        content = line.strip(" \t")
        if comment and line.startswith(comment):
            continue
        if content and not content.startswith(START):
            sentence.append((number, *layout.row(number, line)))
            continue
        if sentence:
            yield None, sentence
            sentence = []
        if content:
            found = _ID.fullmatch(content)
            yield _Block(found and found[1]), []
    if sentence:
        yield None, sentence


def _document(block: _Block, layout: _Layout, repair: str, schema: Schema, losses: Losses) -> Document:
    tokens = Tokens.joined([[token for _, token, _ in sentence] for sentence in block.sentences])
    chunks: list[Chunk] = []
    for sentence, first in zip(block.sentences, tokens.firsts):
        for column in range(max(len(tags) for _, _, tags in sentence)):
            sequence = [tags[column] if column < len(tags) else ("O", "") for _, _, tags in sentence]
            found = decode(sequence, layout.scheme)
            kept = repaired(found, repair, losses, lambda at: f"{layout.path}:{sentence[at][0]}")
            chunks += [Chunk(first + chunk.start, first + chunk.end, chunk.label) for chunk in kept]
    where = layout.path if block.id is None else f"{layout.path}: document {block.id!r}"
    return Document(tokens.text, tokens.spans(chunks, losses, where), (), block.id, tokens.meta, schema)


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses, scheme: str = "iob2",
          columns: str | Sequence[str] | None = None, separator: str = " ", start: str | None = None) -> None:
    """Write Documents as a column of tokens and one of tags for each of ``columns``, by default the schema's layers.

    A layer named twice gets two columns, which hold nested spans. Before each Document stands ``-DOCSTART- (id)``, or the
    line ``start``, such as ``-DOCSTART- -X- O O`` for tools that want that.
    """
    scheme = check_scheme(scheme)
    if separator not in (" ", "\t"):
        raise ArabieError(f"separator {separator!r} may stand in a token; use a space or a tab")
    columns = [layer.name for layer in schema.layers] if columns is None else listed(columns)
    with atomic_writer(path) as stream:
        for document in documents:
            count_uncarried(document, losses, {"id"} if start is None else ())
            stream.write((_start(document, losses) if start is None else start) + "\n\n")
            tokens = _writable(document, losses)
            count_respaced(document, Tokens.joined(tokens.forms).text, losses)
            filled = fill_columns(place_spans(document, tokens, losses), columns, schema, losses, name_of(document))
            tags = [encode(chunks, len(tokens.flat), scheme) for chunks in filled]
            for sentence, first in zip(tokens.forms, tokens.firsts):
                for number, form in enumerate(sentence, first):
                    stream.write(separator.join((form, *(column[number] for column in tags))) + "\n")
                stream.write("\n")


def _start(document: Document, losses: Losses) -> str:
    if document.id is None:
        return NAMELESS
    if "\n" in document.id:
        losses.add("document id with a line break", repr(document.id))
        return NAMELESS
    return f"{START} ({document.id})"


def _writable(document: Document, losses: Losses) -> Tokens:
    """The document's tokens, or those that arabie finds where one of them cannot stand in a column."""
    tokens = Tokens.of(document, losses)
    if all(form and not _SPACE.search(form) and form != START for sentence in tokens.forms for form in sentence):
        return tokens
    losses.add("tokens that a column cannot hold: empty, or with white space inside; divided anew", name_of(document))
    return Tokens.found(document.text)
