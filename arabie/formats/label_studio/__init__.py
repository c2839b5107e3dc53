"""Label Studio: a JSON list of tasks, exported from a project or to be imported into one.

``start`` and ``end`` of a text region are code points (UTF-16 units in what Label Studio before 1.4 wrote; reading tells
which by the covered text). A status is a choice made for the region; what Label Studio has no place for, but keeps with a
region (the fragments of a discontinuous span), is in its ``meta``.
"""

from __future__ import annotations

from arabie.formats.label_studio.config import labelling_config
from arabie.formats.label_studio.reading import read
from arabie.formats.label_studio.writing import write

__all__ = ["labelling_config", "read", "write"]
