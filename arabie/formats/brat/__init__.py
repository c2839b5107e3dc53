"""brat standoff: a folder of .txt files, each with its .ann (or .a1 and .a2).

T is a span, with fragments where it is discontinuous. E joins a trigger (a label of the layer ``events``) to its
arguments by role; R is any other relation, head first. ``*`` is a set of equivalents, read as a relation ``alias`` from
each later mention to the first. A and M are statuses, by the table ``status_attributes``. What a Document has no place
for (N, #, other attributes, the ids and the grouping of E and R) is kept in ``meta["brat"]`` and written back.
Offsets are code points of the file as it stands: a CRLF is two, a byte order mark one, though the text leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from arabie.document import Document
from arabie.errors import FileError
from arabie.formats.brat.config import ALIAS, BOM, Convention, annotation_conf, status_attributes, visual_conf
from arabie.formats.brat.reading import Reading
from arabie.formats.brat.writing import Writing
from arabie.formats.files import atomic_folder, write_text
from arabie.formats.folders import count_id, named
from arabie.formats.losses import Losses
from arabie.schema import Schema

__all__ = ["read", "status_attributes", "write"]

ENDINGS = (".ann", ".a1", ".a2")
WRITTEN = (".txt", ".ann", ".conf")


def read(path: str | Path, *, schema: Schema, losses: Losses, unit: str = "code-points", alias: str = ALIAS,
         attributes: str | Mapping[str, str] | None = None) -> Iterator[Document]:
    """The Documents of a folder and its subfolders, or of one .ann; the id is the path without its ending.

    ``attributes`` maps a status to an attribute, "Name" or "Name Value" (or, without values, is a string such as
    "NEGATED=Negation"). Raises FileError with file:line, also where
    the text that a line says it covers is not what stands at its offsets.
    """
    convention = Convention.of(schema, losses, unit, alias, attributes)
    for name, stem, files in _documents(Path(path), losses):
        yield Reading(name, stem, files, convention).document()


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses, unit: str = "code-points",
          alias: str = ALIAS, attributes: str | Mapping[str, str] | None = None) -> None:
    """Write a new folder that brat opens: .txt, .ann, annotation.conf and visual.conf."""
    convention = Convention.of(schema, losses, unit, alias, attributes)
    with atomic_folder(path) as folder:
        for name, document in named(documents, folders=True, endings=WRITTEN):
            count_id(document, name, losses)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            mark = BOM if document.text.startswith(BOM) else ""
            write_text(folder / f"{name}.txt", mark + document.text)
            write_text(folder / f"{name}.ann", "".join(f"{line}\n" for line in Writing(document, convention).lines()))
        write_text(folder / "annotation.conf", annotation_conf(convention))
        write_text(folder / "visual.conf", visual_conf(schema))


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
