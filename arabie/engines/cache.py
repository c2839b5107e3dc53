"""Exports of models, each made once and kept in the user's cache folder.

An export lies under the hash of the model's files and is named by engine, precision, the engine's version and EXPORT,
so that it is never stale. It appears as a whole, is checked against its checksums before it is used, and made anew if
broken.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
from filelock import FileLock

from arabie.engines.choice import Choice
from arabie.errors import FileError, ModelError
from arabie.formats.files import atomic_folder
from arabie.model_folder import digest

EXPORT = 2  # to be raised when what is exported from the same model, by the same engine, changes
MANIFEST = "manifest.json"  # the checksum of every other file of an export


def cache_folder() -> Path:
    """The folder for what can be made again: ARABIE_CACHE, or what the system has for it."""
    return Path(os.environ.get("ARABIE_CACHE") or platformdirs.user_cache_path("arabie"))


def place_of(folder: Path, choice: Choice) -> Path:
    """Where a model's export for an engine is kept, whether or not it is there; fp32 and bf16 are run from one."""
    weights = "int8" if choice.precision == "int8" else "fp32"
    return cache_folder() / digest(folder)[:32] / f"{choice.engine}-{weights}-{choice.version}-{EXPORT}"


def exported(folder: Path, choice: Choice) -> Path:
    """The folder of a model's export, which is made first if it isn't there. Raises ModelError if that fails."""
    place = place_of(folder, choice)
    if is_whole(place):
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{place}.lock"):
            if not is_whole(place):  # another process may have made it in the meantime
                for old in (place, *place.parent.glob(f".{place.name}.*")):  # broken, or left by one that was killed
                    shutil.rmtree(old, ignore_errors=True)
                with atomic_folder(place) as made:
                    _export(folder, choice, made)
                    _sign(made)
    except (OSError, FileError) as error:
        raise ModelError(f"{place.parent}: the model cannot be exported there ({error}); let ARABIE_CACHE name another "
                         "folder, or use engine='torch'") from None
    return place


def is_whole(place: Path) -> bool:
    """Whether there is an export, with all its files as they were written."""
    try:
        told = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        return isinstance(told, dict) and all(_checksum(place / name) == checksum for name, checksum in told.items())
    except (OSError, ValueError):
        return False


def _sign(made: Path) -> None:
    told = {path.name: _checksum(path) for path in sorted(made.iterdir())}
    (made / MANIFEST).write_text(json.dumps(told, indent=1), encoding="utf-8")


def _checksum(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _export(folder: Path, choice: Choice, made: Path) -> None:
    """Export in a process of its own: what it takes of memory and what it prints isn't left here."""
    print(f"arabie: exporting the model for {choice.engine} ({choice.precision}), once; this takes a minute",
          file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "arabie.engines.export", str(folder), choice.engine, choice.precision, str(made)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
                          errors="replace")
    if done.returncode:
        told = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ModelError(f"{folder}: the model cannot be exported for {choice.engine}: {told}; use engine='torch'")
