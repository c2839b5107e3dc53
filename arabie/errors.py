"""What can go wrong, said so that a researcher can mend it.

Every message says what was found, where, and what to do. The command line prints it as one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ArabieError(Exception):
    """The base of every error that arabie raises on purpose."""


class DocumentError(ArabieError, ValueError):
    """A span, relation or Document that cannot be: out of range, doubled, or pointing nowhere."""


class FileError(ArabieError):
    """A file that is missing, unreadable, not UTF-8, or malformed; the message gives file and line."""


class SchemaError(ArabieError, ValueError):
    """A schema file that contradicts itself, or data that the schema does not allow."""


class ModelError(ArabieError):
    """A model folder with a part missing, or made for another schema."""


class ConfigError(ArabieError, ValueError):
    """A configuration with an unknown key or an impossible value."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A phrase that offers the nearest known name, or lists the known ones.

    >>> nearest("entites", ["entities", "events"])
    "did you mean 'entities'?"
    """
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
