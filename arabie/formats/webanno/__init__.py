"""WebAnno TSV 3.2 and 3.3, the tab-separated format of INCEpTION and WebAnno: one file a document.

Offsets in the file are UTF-16 units. Spans, relations within a layer (on the row of their target, the source named in the
cell) and links to other layers (slot features) as ``arabie.formats.uima`` lays them out; sentences are lines. Reading
takes any layers, chains too. A folder that is written holds ``TypeSystem.xml``, which INCEpTION imports under "Layers".
"""

from __future__ import annotations

from arabie.formats.webanno.reading import read
from arabie.formats.webanno.writing import write

__all__ = ["read", "write"]
