"""Results that take long to make, kept in files whose names tell what they were made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from arabie.formats.files import atomic_writer


def fingerprint(*parts: Any) -> str:
    """Twelve hex digits that stand for values which JSON can hold; others mean another experiment.

    >>> fingerprint("crf", {"c1": 0.1}) == fingerprint("crf", {"c1": 0.2})
    False
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """What a JSON file holds; where there is none, what ``make`` gives, which is then written there."""
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    found = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_writer(path) as stream:
        json.dump(found, stream, indent=1)
    return found
