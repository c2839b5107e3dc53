"""Formats that hold one document a file: a file of its own, or a folder with a file for each document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from pathlib import Path

from arabie.document import Document
from arabie.errors import FileError
from arabie.formats.files import atomic_folder, atomic_writer
from arabie.formats.losses import Losses
from arabie.formats.uncarried import name_of

_UNSAFE = re.compile(r'[\x00-\x1f"*/:<>?\\|]')


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
                _write(folder / name, content)
            taken: set[str] = set()
            for number, document in enumerate(documents, 1):
                name = _file_name(document, number, taken)
                taken.add(name.casefold())
                _count_id(document, name, losses, carries_id)
                _write(folder / f"{name}{suffix}", render(document))
        return
    rows = list(islice(documents, 2))
    if len(rows) != 1:
        raise FileError(f"{path}: a {suffix} file holds one document, and there {'are more' if rows else 'is none'}; "
                        "name a folder, without a suffix")
    _count_id(rows[0], path.stem, losses, carries_id)
    content = render(rows[0])
    for name, other in beside.items():
        _write(path.with_name(f"{path.stem}.{name}"), other)
    _write(path, content)


def _write(path: Path, content: str) -> None:
    with atomic_writer(path) as stream:
        stream.write(content)


def _file_name(document: Document, number: int, taken: set[str]) -> str:
    """A name for a document's file: its id, made fit, short (in bytes) and unique."""
    fit = _UNSAFE.sub("_", str(document.id or "")).encode("utf-8", "replace")[:200].decode("utf-8", "ignore")
    fit = fit.strip(". ") or f"document-{number}"
    names = (fit if n == 1 else f"{fit}-{n}" for n in count(1))
    return next(name for name in names if name.casefold() not in taken)


def _count_id(document: Document, name: str, losses: Losses, carried: bool) -> None:
    if not carried and document.id != name:
        losses.add("document id, which is the name of the file in this format",
                   f"{name_of(document)} is named {name!r}")
