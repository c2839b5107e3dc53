"""brat standoff: a folder of .txt files, each with its .ann (or .a1 and .a2).

T is a span, with fragments where it is discontinuous. E joins a trigger (a label of the layer ``events``) to its
arguments by role; R is any other relation, head first. ``*`` is a set of equivalents, read as a relation ``alias`` from
each later mention to the first. A and M are statuses, by the table ``status_attributes``. What a Document has no place
for (N, #, other attributes, the ids and the grouping of E and R) is kept in ``meta["brat"]`` and written back.
Offsets are code points of the file as it stands: a CRLF is two, a byte order mark one, though the text leaves it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from arabie.document import Document
from arabie.errors import FileError
from arabie.formats.brat.config import ALIAS, BOM, Convention, annotation_conf, status_attributes, visual_conf
from arabie.formats.brat.reading import Reading
from arabie.formats.brat.writing import Writing
from arabie.formats.files import atomic_folder, atomic_writer
from arabie.formats.losses import Losses
from arabie.schema import Schema

__all__ = ["read", "status_attributes", "write"]

ENDINGS = (".ann", ".a1", ".a2")
_FILE_NAME = re.compile(r"[^/\\.\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,60}")


def read(path: str | Path, *, schema: Schema, losses: Losses, unit: str = "code-points", alias: str = ALIAS,
         attributes: Mapping[str, str] | None = None) -> Iterator[Document]:
    """The Documents of a folder and its subfolders, or of one .ann; the id is the path without its ending.

    ``attributes`` maps a status to an attribute, "Name" or "Name Value". Raises FileError with file:line, also where
    the text that a line says it covers is not what stands at its offsets.
    """
    convention = Convention.of(schema, losses, unit, alias, attributes)
    for name, stem, files in _documents(Path(path), losses):
        yield Reading(name, stem, files, convention).document()


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses, unit: str = "code-points",
          alias: str = ALIAS, attributes: Mapping[str, str] | None = None) -> None:
    """Write a new folder that brat opens: .txt, .ann, annotation.conf and visual.conf."""
    convention = Convention.of(schema, losses, unit, alias, attributes)
    with atomic_folder(path) as folder:
        taken: set[str] = set()
        for number, document in enumerate(documents, 1):
            name = _file_name(document.id, number, taken, losses)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            mark = BOM if document.text.startswith(BOM) else ""
            _save(folder / f"{name}.txt", mark + document.text)
            _save(folder / f"{name}.ann", "".join(f"{line}\n" for line in Writing(document, convention).lines()))
        _save(folder / "annotation.conf", annotation_conf(convention))
        _save(folder / "visual.conf", visual_conf(schema))


def _save(path: Path, text: str) -> None:
    with atomic_writer(path) as stream:
        stream.write(text)


def _file_name(id: str | None, number: int, taken: set[str], losses: Losses) -> str:
    """The path of a document in the folder, without ending: its id, or its number if the id can name no file."""
    name = str(id)
    if id is None or not all(_FILE_NAME.fullmatch(part) for part in name.split("/")):
        name = f"document-{number}"
        losses.add("id of a document: none, or no file name", f"{id!r} is written as {name}")
    while name.casefold() in taken:
        name += "-again"
        losses.add("id of a document: used twice", f"{id!r} is written as {name}")
    taken.add(name.casefold())
    return name


def _documents(path: Path, losses: Losses) -> Iterator[tuple[str, str, list[Path]]]:
    """(id, path without ending, annotation files) of every document."""
    if path.is_dir():
        found = sorted({str(file)[:-len(file.suffix)] for file in path.rglob("*") if file.suffix in ENDINGS})
        if not found:
            raise FileError(f"{path}: no .ann, .a1 or .a2 file in this folder; brat keeps one beside each .txt")
        bare = sorted({str(file)[:-len(".txt")] for file in path.rglob("*.txt")}.difference(found))
        if bare:
            losses.add("text file without annotations beside it, left out", f"{bare[0]}.txt", len(bare))
        stems = [(Path(stem).relative_to(path).as_posix(), stem) for stem in found]
    elif path.suffix in (*ENDINGS, ".txt"):
        stems = [(path.stem, str(path)[:-len(path.suffix)])]
    else:
        raise FileError(f"{path}: is no folder and no .ann; name the folder of the .txt and .ann files, or one .ann")
    for name, stem in stems:
        whole = Path(f"{stem}.ann")
        halves = [file for file in (Path(f"{stem}.a1"), Path(f"{stem}.a2")) if file.exists()]
        yield name, stem, halves if halves and not whole.exists() else [whole]
