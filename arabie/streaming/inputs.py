"""The Documents of what is named on the command line: texts, files of Documents, folders, standard input, pipes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from glob import glob
from pathlib import Path

from arabie.document import Document
from arabie.errors import FileError, SchemaError
from arabie.formats import read
from arabie.formats.losses import Losses
from arabie.schema import Schema
from arabie.streaming.progress import Amount, counted
from arabie.streaming.reading import JSONL, STDIN, Input, check_exists, is_pipe

ANNOTATED = {".jsonl": "jsonl", ".src": "source"}  # names' ends and the formats they stand for
IN_FOLDERS = (".txt", *JSONL, ".src")


class Faults(FileError):
    """What is wrong with the inputs: the first faults in their order, and how many there are."""

    SHOWN = 20

    def __init__(self) -> None:
        self.first: list[FileError] = []
        self.count = 0

    def add(self, fault: FileError) -> None:
        """Count a fault."""
        self.count += 1
        if self.count <= self.SHOWN:
            self.first.append(fault)

    def lines(self) -> list[str]:
        """A line for each of the first faults, and one that counts the others."""
        more = self.count - len(self.first)
        return [*map(str, self.first), *([f"and {more:,} more"] if more else [])]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def expand(paths: Iterable[str]) -> list[str]:
    """The paths, with the files of a folder in place of it, by name, and those that fit a pattern in place of that.

    Raises FileError for a folder with nothing to read; what is passed over in one is noted on standard error.
    """
    losses, found = Losses(), []
    for path in paths:
        for name in [path] if os.path.lexists(path) else sorted(glob(path)) or [path]:
            found += _files_in(Path(name), losses) if os.path.isdir(name) else [name]
    tell(losses)
    return found


def _files_in(folder: Path, losses: Losses) -> list[str]:
    endings = f"{', '.join(IN_FOLDERS[:-1])} and {IN_FOLDERS[-1]} files"
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in IN_FOLDERS and not path.is_dir() and not path.name.startswith("."):
            found.append(str(path))
        else:
            losses.add(f"name in the folder {folder} passed over: {endings} are read", path.name)
    if not found:
        raise FileError(f"{folder}: holds nothing to read: {endings} of a folder are read, not those of folders in it")
    return found


def read_through(paths: Sequence[str], text_key: str = "text") -> tuple[Amount | None, Iterator[Document]]:
    """How much there is in the paths, None if one is a pipe, and the Documents of all, in order and one at a time.

    Files are read here to their end, so that faults in them are told, all at once, before hours of work and not after
    them. A fault in a pipe is told when it comes. ``text_key`` is where lines of JSON have their text. Raises Faults
    with files and lines, FileError if standard input is named twice; what is not kept is noted on standard error.
    """
    if paths.count("-") > 1:
        raise FileError(f"-: {STDIN} can be read once; name it once")
    files, losses = [path for path in paths if not is_pipe(path)], Losses()
    total, faults = Amount(), Faults()
    items = (item for path in files for item in Input(path, losses, text_key).read())
    for item in counted(items, "read", vanishes=True):
        if isinstance(item, FileError):
            faults.add(item)
        else:
            total.add([item])
    if faults.count:
        raise faults
    tell(losses)
    return total if len(files) == len(paths) else None, _in_order(paths, text_key)


def _in_order(paths: Sequence[str], text_key: str) -> Iterator[Document]:
    of_pipes = Losses()
    for path in paths:
        for item in Input(path, of_pipes if is_pipe(path) else Losses(), text_key).read():
            if isinstance(item, FileError):
                raise item
            yield item
    tell(of_pipes)


def tell(losses: Losses) -> None:
    """Note on standard error what was not kept."""
    for line in losses.lines():
        print(f"note: {line}", file=sys.stderr)


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
