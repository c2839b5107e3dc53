"""WebAnno TSV 3.2 and 3.3, the tab-separated format of INCEpTION and WebAnno: one file a document.

Offsets in the file are UTF-16 units. Spans, relations within a layer (on the row of their target, the source named in
the cell) and links to other layers (slot features) stand as ``arabie.formats.uima`` lays them out; sentences are lines.
Reading takes any layers, chains too. Beside what is written stands ``TypeSystem.xml``, which INCEpTION imports under
"Layers" and so makes the layers of the project, which must be there before the files are imported.
"""

from __future__ import annotations

from arabie.formats.webanno.reading import read
from arabie.formats.webanno.writing import write

__all__ = ["read", "write"]
