"""Label Studio: a JSON list of tasks, exported from a project or to be imported into one.

``start`` and ``end`` of a text region are code points (UTF-16 units in what Label Studio before 1.4 wrote; the covered
texts tell which). A status is a choice made for the region. The fragments of a discontinuous span, for which Label
Studio has no place of its own, are in the region's ``meta``, which it keeps.
"""

from __future__ import annotations

from arabie.formats.label_studio.config import labelling_config
from arabie.formats.label_studio.reading import read
from arabie.formats.label_studio.writing import beside, write

__all__ = ["beside", "labelling_config", "read", "write"]
