"""Formats that hold one document a file: a file of its own, or a folder with a file for each document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from pathlib import Path

from arabie.document import Document
from arabie.errors import FileError
from arabie.formats.files import atomic_folder, atomic_writer, write_text
from arabie.formats.losses import Losses, name_of

_UNSAFE = re.compile(r'[\x00-\x1f\x7f"*/:<>?\\|\ud800-\udfff]')


def files_in(path: str | Path, suffixes: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """(file, document id) for a file, or for each file below a folder that has one of the suffixes, sorted by path.

    The id is the path below the folder, without its suffix. Raises FileError if there is none.
    """
    path = Path(path)
    if not path.is_dir():
        yield path, path.stem
        return
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file())
    if not found:
        raise FileError(f"{path}: the folder holds no {' or '.join(suffixes)} file; name the folder that does")
    for file in found:
        yield file, file.relative_to(path).with_suffix("").as_posix()


def write_each(documents: Iterable[Document], path: str | Path, suffix: str, render: Callable[[Document], str],
               beside: dict[str, str], losses: Losses, *, carries_id: bool) -> None:
    """Write the one document to ``path`` if that ends in ``suffix``, else each to its own file in a new folder.

    ``beside`` gives names and contents of further files; next to a single file its name goes before theirs. Where the
    format does not carry ids, an id that is not the name of its file is a loss.
    """
    path = Path(path)
    if path.suffix.lower() != suffix:
        with atomic_folder(path) as folder:
            for name, content in beside.items():
                write_text(folder / name, content)
            for name, document in named(documents):
                if not carries_id:
                    count_id(document, name, losses)
                write_text(folder / f"{name}{suffix}", render(document))
        return
    rows = list(islice(documents, 2))
    if len(rows) != 1:
        raise FileError(f"{path}: a {suffix} file holds one document, and there {'are more' if rows else 'is none'}; "
                        "name a folder, without a suffix")
    if not carries_id:
        count_id(rows[0], path.stem, losses)
    with atomic_writer(path) as stream:
        stream.write(render(rows[0]))
    for name, content in beside.items():
        with atomic_writer(path.with_name(f"{path.stem}.{name}")) as stream:
            stream.write(content)


def named(documents: Iterable[Document], *, folders: bool = False, endings: tuple[str, ...] = ()) -> Iterator[tuple[str, Document]]:
    """(name for its files, document) for each document: its id, made fit for any system, short and unique.

    The name has no ending. It is ``document-`` and the document's number where the id leaves nothing, and numbered
    where another differs from it in upper and lower case at most. With ``folders`` a slash in an id parts folders, none
    of which ends in one of the ``endings``: those of the files that will stand beside it.
    """
    taken: set[str] = set()
    for number, document in enumerate(documents, 1):
        id = str(document.id or "")
        parts = [_fit(part) for part in (id.split("/") if folders else [id])]
        parts[:-1] = [f"{part}_" if part.lower().endswith(endings) else part for part in parts[:-1]]
        name = "/".join(parts) if all(parts) else f"document-{number}"
        names = (name if n == 1 else f"{name}-{n}" for n in count(1))
        name = next(free for free in names if free.casefold() not in taken)
        taken.add(name.casefold())
        yield name, document


def _fit(name: str) -> str:
    """A name without what some system refuses, of at most 200 bytes; empty if nothing is left."""
    return _UNSAFE.sub("_", name).encode()[:200].decode(errors="ignore").strip(". ")


def count_id(document: Document, name: str, losses: Losses) -> None:
    """Count an id that is not the name of its file, for formats that carry it as that only."""
    if document.id != name:
        losses.add("document id, which is the name of the file in this format",
                   f"{name_of(document)} is named {name!r}")
