"""The files to write: checked before the work rather than after it, and told when they are there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from arabie.errors import FileError


def check_target(path: Path) -> None:
    """Raise FileError for a file that could not be written."""
    if path.exists() and not path.is_file():
        raise FileError(f"{path}: cannot be written: it is there and is no file; name another")
    if not path.absolute().parent.is_dir():
        raise FileError(f"{path}: cannot be written: there is no folder {path.parent}; make it first")


def check_new(path: Path, inputs: Iterable[str | Path], overwrite: bool) -> None:
    """Raise FileError for a file that is one of the inputs, by whatever name, and unless ``overwrite`` for any there."""
    if not path.is_file():
        return
    for source in inputs:
        if os.path.exists(source) and os.path.samefile(path, source):
            raise FileError(f"{path}: is one of the inputs; name another file to write")
    if not overwrite:
        raise FileError(f"{path}: is there already; name another file, or add --overwrite")


def tell_written(documents: int, *paths: Path) -> None:
    """Say on standard error what was written."""
    print(f"wrote {' and '.join(map(str, paths))}: {documents:,} document{'s' * (documents != 1)}", file=sys.stderr)
