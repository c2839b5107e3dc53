"""The Documents of what is named on the command line: texts, files of Documents, standard input, pipes."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from arabie.document import Document
from arabie.errors import DocumentError, FileError, SchemaError
from arabie.formats import jsonl, read
from arabie.formats.files import decode, read_text
from arabie.formats.losses import Losses
from arabie.schema import Schema
from arabie.streaming.progress import Amount, counted

ANNOTATED = {".jsonl": "jsonl", ".src": "source"}  # names' ends and the formats they stand for
STDIN = "standard input"
_BLANK = b"\xef\xbb\xbf \t\r\n"
_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:(\{)\s*(?:"|$)|\[\s*(?:\{|$))')


def check_exists(path: Path) -> Path:
    """The path, if it is there and no folder. Raises FileError."""
    if path.is_dir():
        raise FileError(f"{path}: is a folder; name the files in it")
    if not path.exists():
        raise FileError(f"{path}: no such file")
    return path


def is_pipe(path: str) -> bool:
    """Whether a path can be read only once, as standard input (``-``) can. Raises FileError if it isn't there."""
    return path == "-" or not check_exists(Path(path)).is_file()


def read_through(paths: Sequence[str]) -> tuple[Amount | None, Iterator[Document]]:
    """How much there is in the paths, None if one is a pipe, and the Documents of all, in order and one at a time.

    Files are read here to their end, so that a fault in one is told before hours of work and not after them. A fault in
    a pipe is told when it comes. Raises FileError with file and line; what is not kept is noted on standard error.
    """
    if paths.count("-") > 1:
        raise FileError(f"-: {STDIN} can be read once; name it once")
    files, losses = [path for path in paths if not is_pipe(path)], Losses()
    total = Amount()
    for document in counted(chain.from_iterable(_documents(path, losses) for path in files), "read", vanishes=True):
        total.add([document])
    tell(losses)
    return total if len(files) == len(paths) else None, _in_order(paths)


def _in_order(paths: Sequence[str]) -> Iterator[Document]:
    of_pipes = Losses()
    for path in paths:
        yield from _documents(path, of_pipes if is_pipe(path) else Losses())
    tell(of_pipes)


def tell(losses: Losses) -> None:
    """Note on standard error what was not kept."""
    for line in losses.lines():
        print(f"note: {line}", file=sys.stderr)


def _documents(path: str, losses: Losses) -> Iterator[Document]:
    ending = Path(path).suffix.lower()
    if path == "-":
        yield from _standard_input(losses)
    elif ending == ".jsonl" and is_pipe(path):
        with open(path, "rb") as stream:
            yield from _lines(stream, path, losses)
    elif ending in ANNOTATED:
        yield from read(path, ANNOTATED[ending], losses=losses)
    elif ending == ".json":
        raise _json_in_one(path)
    else:
        yield Document(read_text(path), id=os.fsencode(Path(path).stem).decode("utf-8", "replace"))


def _json_in_one(path: str) -> FileError:
    return FileError(f"{path}: is JSON, not text; give texts, or a .jsonl file with one object a line, "
                     'such as {"text": "…"}')


def _standard_input(losses: Losses) -> Iterator[Document]:
    """The Documents of standard input: of its lines if the first of them begins a JSON object, else one text."""
    if sys.stdin.isatty():
        print("Reading the text from the terminal; end it with Ctrl-D on a line of its own.", file=sys.stderr)
    stream, head = sys.stdin.buffer, []
    for line in stream:
        head.append(line)
        if line.strip(_BLANK):
            break
    found = _JSON.match(head[-1]) if head else None
    if not found:
        yield Document(decode(b"".join(head) + stream.read(), STDIN))
    elif found[1]:
        yield from _lines(chain(head, stream), STDIN, losses)
    else:
        raise _json_in_one(STDIN)


def _lines(stream: Iterable[bytes], name: str, losses: Losses) -> Iterator[Document]:
    """The Documents of JSONL that is read but once, where ``formats.read`` would open a file again."""
    for number, line in enumerate(stream, 1):
        if not line.strip(_BLANK):
            continue
        where = f"{name}:{number}"
        try:
            record = json.loads(line)
            document = Document.from_dict(record)
        except UnicodeDecodeError as error:
            byte = f"byte {error.start} of the line is 0x{line[error.start]:02x}"
            raise FileError(f"{where}: not UTF-8: {byte}") from None
        except DocumentError as error:
            raise FileError(f"{where}: {error}") from None
        except (ValueError, RecursionError) as error:
            raise FileError(f"{where}: not JSON: {error}; each line is one whole object") from None
        for key in sorted(record.keys() - jsonl.KEYS):
            losses.add(f'"{key}" of a document not kept; what is under "meta" is', where)
        yield document


def gold_of(paths: Iterable[Path], schema: Schema) -> Iterator[Document]:
    """The annotated Documents of files, sound by a schema. Raises SchemaError; FileError if there are none."""
    losses, number = Losses(), 0
    for path in paths:
        for number, document in enumerate(read(path, ANNOTATED[path.suffix.lower()], schema=schema, losses=losses), 1):
            if problems := schema.problems(document):
                name = f"number {number}" if document.id is None else repr(document.id)
                more = f" (and {len(problems) - 1:,} more)" if len(problems) > 1 else ""
                told = f"{path}: document {name}: {problems[0]}{more}"
                raise SchemaError(f"{told}. Mend the file, whose problems 'arabie validate' lists, or name the model "
                                  f"or the schema it was made for; the schema here is {schema.name!r}")
            yield document
    if not number:
        raise FileError(f"{', '.join(map(str, paths))}: no document in it, so there is nothing to measure")
    tell(losses)


def check_annotated(path: Path) -> None:
    """Raise FileError for what is no file of annotated Documents."""
    if check_exists(path).suffix.lower() not in ANNOTATED:
        raise FileError(f"{path}: annotated documents are read from {' and '.join(ANNOTATED)} files")
