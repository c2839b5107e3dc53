"""The file of an unfinished run, which outlives a kill and is gone on with."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from arabie.document import Document
from arabie.errors import FileError
from arabie.streaming.chunks import Chunks

try:
    import fcntl
except ImportError:  # not on Windows, where two runs into one file are not kept apart
    fcntl = None


class PartFile:
    """Lines on their way to the file ``out``: they gather in ``out``.part, which is given its name when all are there.

    ``out``.part.json beside it says how they were made (``made``: names and values); lines made in another way are not
    gone on with. Neither is there before the first line. To be used, and finished, in a with block.
    """

    def __init__(self, out: Path, made: dict[str, str], resume: bool = False) -> None:
        """Raises FileError as ``check_part`` does, for lines that were made in another way, and for a run under way."""
        check_part(out, resume)
        self.out, self.made = out, made
        self.path, self.note = _beside(out)
        self._stream: IO[bytes] | None = None
        self._grew = False
        if resume and self.path.exists():
            self._check_made()
            self._stream = _locked(self.path, "r+b")
        elif resume:
            print(f"note: there is no {self.path} to go on with, so this begins at the beginning", file=sys.stderr)

    def __enter__(self) -> PartFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._stream:
            self._stream.close()
        if kind and self._grew:
            print(f"note: what is done is kept in {self.path}; go on with it with --resume", file=sys.stderr)

    def skip(self, chunks: Chunks, done: Callable[[list[Document]], None]) -> Iterator[list[Document]]:
        """The chunks whose lines are not in the file; ``done`` is told of the others. One not there whole is cut off.

        Raises FileError if the file's lines are not those of the first chunks.
        """
        rest = iter(chunks)
        if self._stream is None:
            return rest
        number = end = 0
        for chunk in rest:
            for document in chunk:
                line, number = self._stream.readline(), number + 1
                if not line.endswith(b"\n"):
                    self._stream.truncate(self._stream.seek(end))
                    return chain([chunk], rest)
                self._compare(line, number, document)
            end = self._stream.tell()
            done(chunk)
        if self._stream.readline() and not chunks.fault:
            raise self._of_another_input(number + 1, "the input ends before it")
        return rest

    def _compare(self, line: bytes, number: int, document: Document) -> None:
        try:
            held = json.loads(line)
            same = (held["id"], held["text"]) == (document.id, document.text)
        except (ValueError, TypeError, LookupError):
            raise FileError(f"{self.path}:{number}: is no line that arabie wrote; "
                            "delete the file to begin anew") from None
        if not same:
            kept = "" if held["id"] != document.id else "another text of "
            raise self._of_another_input(number, f"the input has {kept}document {document.id!r} there")

    def _of_another_input(self, number: int, told: str) -> FileError:
        return FileError(f"{self.path}:{number}: is of another input: {told}; give the input that it was begun with, "
                         "or delete the file to begin anew")

    def write(self, lines: Iterable[str]) -> None:
        """Write lines; they have been handed to the system when it returns."""
        if self._stream is None:
            self._begin()
        self._stream.write("".join(f"{line}\n" for line in lines).encode())
        self._stream.flush()
        self._grew = True

    def finish(self) -> None:
        """Give the file its name."""
        if self._stream is None:
            self._begin()
        self._stream.close()
        os.replace(self.path, self.out)
        self.note.unlink(missing_ok=True)

    def _begin(self) -> None:
        self._stream = _locked(self.path, "xb")
        self.note.write_text(json.dumps(self.made, ensure_ascii=False) + "\n", encoding="utf-8")

    def _check_made(self) -> None:
        try:
            made = json.loads(self.note.read_text(encoding="utf-8"))
            differing = sorted(name for name in made.keys() | self.made.keys()
                               if made.get(name) != self.made.get(name))
        except (OSError, ValueError, AttributeError):
            raise FileError(f"{self.note}: is missing or broken, so nobody knows how {self.path} was made; delete that "
                            "to begin anew") from None
        if differing:
            told = ", ".join(f"{name} {_short(made.get(name))} (now {_short(self.made.get(name))})"
                             for name in differing)
            raise FileError(f"{self.path}: was made with {told}; go on with what it was made with, "
                            "or delete it to begin anew")


def check_part(out: Path, resume: bool) -> None:
    """Raise FileError if an unfinished run is in the way, or if with ``resume`` the file is finished."""
    part, _ = _beside(out)
    if part.exists() and not resume:
        raise FileError(f"{part}: was left by an unfinished run; go on with it with --resume, "
                        "or delete it to begin anew")
    if resume and out.exists() and not part.exists():
        raise FileError(f"{out}: is finished, there is no {part.name} to go on with; drop --resume, and add --overwrite to "
                        "make it anew")


def _short(value: str | None) -> str:
    return f"{value:.12}…" if value and len(value) == 64 else str(value)


def _beside(out: Path) -> tuple[Path, Path]:
    return out.with_name(f"{out.name}.part"), out.with_name(f"{out.name}.part.json")


def _locked(path: Path, mode: str) -> IO[bytes]:
    """The file, opened, and locked until it is closed, so that two runs do not write into it."""
    stream = open(path, mode)
    try:
        if fcntl:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        raise FileError(f"{path}: another run is writing it; wait for that to end") from None
    return stream
