"""CoNLL-U with entities as tags in MISC, such as ``NER=B-LOC``.

The text is rebuilt so: a token is followed by the characters of SpacesAfter (written ``\\s \\t \\r \\n \\p \\\\``, as
UDPipe does) if it has them, else by nothing if SpaceAfter=No, else by one space; before a sentence that begins with
``# newpar`` stands a line break instead, and after the last token of a document nothing. SpacesBefore stands before it.
The words of a multiword token (``1-2``) have no characters of their own: the whole token stands for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from arabie.document import Document
from arabie.errors import DocumentError, FileError
from arabie.formats.files import atomic_writer, read_lines
from arabie.formats.losses import Losses, name_of
from arabie.formats.options import listed, mapped
from arabie.formats.tags import Chunk, check_scheme, decode, encode, repaired, split_tag
from arabie.formats.tokens import Tokens, fill_columns, place_spans
from arabie.formats.uncarried import count_uncarried
from arabie.schema import Schema

_ID = re.compile(r"(?P<first>[1-9][0-9]{0,8})(?:-(?P<last>[1-9][0-9]{0,8}))?|(?P<empty>[0-9]+\.[0-9]+)")
_COMMENT = re.compile(r"#\s*([^=]*?)\s*(?:=\s*(.*))?")
_COLUMNS = "ID FORM LEMMA UPOS XPOS FEATS HEAD DEPREL DEPS MISC".split()
_FORM = re.compile(r"\S+(?: \S+)*")
_TAG = re.compile(r"[BIESLU]-\S+")
_SPACINGS = ("SpaceAfter", "SpacesAfter", "SpacesBefore")
_ESCAPES = {"\\": "\\\\", " ": "\\s", "\t": "\\t", "\r": "\\r", "\n": "\\n", "|": "\\p"}
_PLAIN = {escape: character for character, escape in _ESCAPES.items()}


@dataclass
class _Token:
    """A surface token: its form, what stands around it, and by line the tags of its words, or its own if ``tagged``."""

    form: str
    before: str
    after: str | None
    tagged: bool = False
    words: list[tuple[int, list[tuple[str, str]]]] = field(default_factory=list)


@dataclass
class _Sentence:
    """The lines of a sentence; ``expected`` is the id due next, ``covered`` the last word of a multiword token above."""

    line: int
    comments: dict[str, str | None] = field(default_factory=dict)
    tokens: list[_Token] = field(default_factory=list)
    expected: int = 1
    covered: int = 0

    def begins(self, what: str) -> bool:
        return any(key.split(" ")[0] == what for key in self.comments)

    @property
    def text(self) -> str:
        last = len(self.tokens) - 1
        return "".join(token.form + (" " if token.after is None else token.after) * (number < last)
                       for number, token in enumerate(self.tokens))


class _Reader:
    """Reads the lines of one file, counting what a Document does not keep."""

    def __init__(self, path: str | Path, keys: Sequence[str], scheme: str, losses: Losses) -> None:
        self.path, self.keys, self.scheme, self.losses = str(path), keys, scheme, losses
        self.seen: set[str] = set()
        self.tagged: dict[str, int] = {}

    def sentences(self) -> Iterator[_Sentence]:
        sentence = None
        for number, line in read_lines(self.path):
            if not line.strip():
                if sentence is not None and sentence.tokens:
                    yield self._closed(sentence)
                    sentence = None
                continue
            sentence = sentence or _Sentence(number)
            if line.startswith("#"):
                self._comment(sentence, number, line)
            else:
                self._token(sentence, number, line)
        if sentence is not None and sentence.tokens:
            yield self._closed(sentence)
        if self.tagged and self.seen.isdisjoint(self.keys):
            key, number = next(iter(self.tagged.items()))
            raise FileError(f"{self.path}:{number}: no word has {' or '.join(self.keys)} in MISC, but this one has "
                            f"{key}; to read that, give tags={key!r}")

    def _closed(self, sentence: _Sentence) -> _Sentence:
        if sentence.expected <= sentence.covered:
            raise FileError(f"{self.path}:{sentence.line}: the sentence ends before word {sentence.covered} of its "
                            "last multiword token; add the missing words")
        text = sentence.comments.get("text")
        if text is not None and text.split() != sentence.text.split():
            self.losses.add("sentence whose '# text' is not what its tokens spell; the tokens are followed",
                            f"{self.path}:{sentence.line}")
        return sentence

    def _comment(self, sentence: _Sentence, number: int, line: str) -> None:
        key, value = _COMMENT.fullmatch(line).groups()
        if key == "global.columns" and (value or "").split() != _COLUMNS:
            raise FileError(f"{self.path}:{number}: CoNLL-U Plus with columns of its own; read it as conll, "
                            "with token and tags naming the columns and comment='#'")
        sentence.comments[key] = value
        if key not in ("text", "sent_id", "newdoc", "newdoc id", "newpar", "newpar id", "global.columns"):
            self.losses.add("comment of a sentence not kept", f"{self.path}:{number}: {line[:60]}")

    def _token(self, sentence: _Sentence, number: int, line: str) -> None:
        columns = line.split("\t")
        if len(columns) != 10:
            raise FileError(f"{self.path}:{number}: {len(columns)} column{'s' * (len(columns) != 1)} instead of ten; "
                            "a word's line has ten, with tabs between them and _ where there is nothing")
        found = _ID.fullmatch(columns[0])
        if not found:
            raise FileError(f"{self.path}:{number}: {columns[0]!r} is no id; write 1, a range 1-2 or an empty node 1.1")
        if found["empty"]:
            return self.losses.add("empty node, which stands for no text", f"{self.path}:{number}")
        first, last = int(found["first"]), int(found["last"] or found["first"])
        if first != sentence.expected or found["last"] and (last <= first or first <= sentence.covered):
            raise FileError(f"{self.path}:{number}: id {columns[0]} where {sentence.expected} is due; number the words "
                            "of a sentence from 1, and put a range before its words")
        if not columns[1].strip():
            raise FileError(f"{self.path}:{number}: word {columns[0]} has no form; fill in the second column")
        misc = dict(part.partition("=")[::2] for part in columns[9].split("|")) if columns[9] != "_" else {}
        tags = self._tags(number, misc)
        if any(column != "_" for column in columns[2:9]):
            self.losses.add("lemma, part of speech, features or syntax of a word not kept", f"{self.path}:{number}")
        if first > sentence.covered:
            sentence.tokens.append(self._surface(number, columns[1], misc))
        token = sentence.tokens[-1]
        if found["last"]:
            sentence.covered, token.tagged = last, tags is not None
        else:
            sentence.expected = first + 1
        if token.tagged == bool(found["last"]):
            token.words.append((number, tags or [("O", "")] * len(self.keys)))
        return None

    def _tags(self, number: int, misc: Mapping[str, str]) -> list[tuple[str, str]] | None:
        """The tags of a word, one a key; None if it has none of the keys."""
        for key, value in misc.items():
            if key in self.keys:
                self.seen.add(key)
            elif key not in _SPACINGS:
                self.losses.add("attribute in MISC not kept", f"{self.path}:{number}: {key}")
                if _TAG.fullmatch(value):
                    self.tagged.setdefault(key, number)
        if self.keys and not any(key in misc for key in self.keys):
            return None
        try:
            return [split_tag(misc.get(key, "O"), self.scheme) for key in self.keys]
        except DocumentError as error:
            raise FileError(f"{self.path}:{number}: {error}; name the right scheme, "
                            "or the attributes of MISC with the option tags") from None

    def _surface(self, number: int, form: str, misc: Mapping[str, str]) -> _Token:
        if misc.get("SpaceAfter", "No") not in ("No", "Yes"):
            raise FileError(f"{self.path}:{number}: SpaceAfter={misc['SpaceAfter']}; it is No, or left out")
        after = "" if misc.get("SpaceAfter") == "No" else None
        after = _unescape(misc["SpacesAfter"]) if "SpacesAfter" in misc else after
        return _Token(form, _unescape(misc.get("SpacesBefore", "")), after)


def read(path: str | Path, *, schema: Schema, losses: Losses, scheme: str = "iob2",
         tags: str | Sequence[str] | None = None, repair: str = "begin") -> Iterator[Document]:
    """The Documents of a file, each begun by ``# newdoc``, one at a time; without it the file is one Document.

    ``tags`` names the attributes in MISC that hold tags, by default those named after the schema's layers. ``repair``
    is a rule of ``arabie.formats.tags.REPAIRS``. Raises FileError with file:line for what is not CoNLL-U, and at the
    end of a file that has tags only under another name.
    """
    scheme = check_scheme(scheme, repair)
    keys = [layer.name for layer in schema.layers] if tags is None else listed(tags)
    reader = _Reader(path, keys, scheme, losses)
    gathered: list[_Sentence] = []
    for sentence in reader.sentences():
        if sentence.begins("newdoc") and gathered:
            yield _document(gathered, reader, repair, schema)
            gathered = []
        gathered.append(sentence)
    if gathered:
        yield _document(gathered, reader, repair, schema)


def _document(sentences: list[_Sentence], reader: _Reader, repair: str, schema: Schema) -> Document:
    text, placed, chunks, at, first = [], [], [], 0, 0
    for number, sentence in enumerate(sentences):
        offsets = []
        for token in sentence.tokens:
            start = at + len(token.before)
            offsets.append((start, start + len(token.form)))
            after = " " if token.after is None else token.after
            if token is sentence.tokens[-1] and token.after in (None, ""):
                after = _between(token, sentences[number + 1] if number + 1 < len(sentences) else None)
            text.append(token.before + token.form + after)
            at += len(text[-1])
        chunks += _chunks(sentence, first, reader, repair)
        first += len(offsets)
        placed.append(tuple(offsets))
    tokens = Tokens("".join(text), tuple(placed))
    name = sentences[0].comments.get("newdoc id")
    where = f"{reader.path}:{sentences[0].line}"
    return Document(tokens.text, tokens.spans(chunks, reader.losses, where), (), name, tokens.meta, schema)


def _between(token: _Token, following: _Sentence | None) -> str:
    """What stands after the last token of a sentence that has no SpacesAfter."""
    if following is None:
        return ""
    return "\n" if following.begins("newpar") else " " if token.after is None else ""


def _chunks(sentence: _Sentence, first: int, reader: _Reader, repair: str) -> Iterator[Chunk]:
    """The chunks of a sentence in tokens of the document."""
    words = [(place, line, tags) for place, token in enumerate(sentence.tokens, first) for line, tags in token.words]
    whole = [place != before for before, place in zip([None] + [w[0] for w in words], [w[0] for w in words] + [None])]
    for column in range(len(reader.keys)):
        found = decode([tags[column] for _, _, tags in words], reader.scheme)
        for chunk in repaired(found, repair, reader.losses, lambda at: f"{reader.path}:{words[at][1]}"):
            place, line, _ = words[chunk.start]
            if not (whole[chunk.start] and whole[chunk.end]):
                reader.losses.add("span inside a multiword token, widened to the token", f"{reader.path}:{line}")
            yield Chunk(place, words[chunk.end - 1][0] + 1, chunk.label)


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses, scheme: str = "iob2",
          columns: str | Mapping[str, str] | None = None) -> None:
    """Write Documents with their tags in MISC; ``columns`` maps an attribute's name to the layer whose tags it holds.

    By default each layer of the schema has an attribute of its own name. A word that is in no span gets none.
    """
    scheme = check_scheme(scheme)
    columns = {layer.name: layer.name for layer in schema.layers} if columns is None else mapped(columns, "columns")
    with atomic_writer(path) as stream:
        for document in documents:
            stream.writelines(_lines(document, columns, scheme, schema, losses))


def _lines(document: Document, columns: Mapping[str, str], scheme: str, schema: Schema,
           losses: Losses) -> Iterator[str]:
    tokens = _writable(document, losses)
    if not tokens.flat:
        return losses.add("document without a word", name_of(document))
    name = document.id
    if name is not None and (not name or "\n" in name or name != name.strip()):
        losses.add("document id that a comment cannot hold", repr(name))
        name = None
    count_uncarried(document, losses, {"id"})
    placed = place_spans(document, tokens, losses)
    placed = {span: place for span, place in placed.items() if _fits(span.label, document, losses)}
    filled = fill_columns(placed, list(columns.values()), schema, losses, name_of(document))
    tags = {key: encode(chunks, len(tokens.flat), scheme) for key, chunks in zip(columns, filled)}
    gaps = _gaps(tokens)
    for number, (sentence, first) in enumerate(zip(tokens.forms, tokens.firsts), 1):
        opens = "\n" in gaps[first]
        if number == 1:
            yield "# newdoc\n" if name is None else f"# newdoc id = {name}\n"
        if number == 1 or opens:
            yield "# newpar\n"
        yield f"# sent_id = {number if name is None else f'{name}-{number}'}\n"
        whole = tokens.text[tokens.flat[first][0]:tokens.flat[first + len(sentence) - 1][1]]
        yield f"# text = {' '.join(whole.split())}\n"
        for place, form in enumerate(sentence, first):
            misc = [f"{key}={column[place]}" for key, column in tags.items() if column[place] != "O"]
            misc += _spacing(gaps, place, place == first + len(sentence) - 1)
            yield "\t".join((str(place - first + 1), form, *"_" * 7, "|".join(misc) or "_")) + "\n"
        yield "\n"
    return None


def _writable(document: Document, losses: Losses) -> Tokens:
    """The document's tokens, or those that arabie finds where one of them cannot be a form."""
    tokens = Tokens.of(document, losses)
    if all(_FORM.fullmatch(form) for sentence in tokens.forms for form in sentence):
        return tokens
    losses.add("tokens that CoNLL-U cannot hold: empty, or with other than single spaces inside; divided anew",
               name_of(document))
    return Tokens.found(document.text)


def _fits(label: str, document: Document, losses: Losses) -> bool:
    if "|" in label:
        losses.add("label that MISC cannot hold", f"{name_of(document)}: {label}")
    return "|" not in label


def _gaps(tokens: Tokens) -> list[str]:
    """What stands before each token and, last, after all of them."""
    edges = [0, *(edge for token in tokens.flat for edge in token), len(tokens.text)]
    return [tokens.text[start:end] for start, end in zip(edges[::2], edges[1::2])]


def _spacing(gaps: Sequence[str], place: int, ends_sentence: bool) -> list[str]:
    """The attributes that give what stands around a token, where the rule does not."""
    after = gaps[place + 1]
    misc = [f"SpacesBefore={_escape(gaps[0])}"] if place == 0 and gaps[0] else []
    if place + 2 == len(gaps):
        return misc + ([f"SpacesAfter={_escape(after)}"] if after else [])
    if after == "":
        return misc + ["SpaceAfter=No"]
    if after == " " or after == "\n" and ends_sentence:
        return misc
    return misc + [f"SpacesAfter={_escape(after)}"]


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)


def _unescape(text: str) -> str:
    return re.sub(r"\\[\\strnp]", lambda match: _PLAIN[match[0]], text)
