"""The one place that joins it all: a model folder in, texts in, Documents out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arabie.assembly import Assembler
from arabie.document import Document, Span
from arabie.encoding import Encoded, Encoder, Window, windows
from arabie.engines import WindowInput
from arabie.engines.torch import TorchEngine
from arabie.model import ArabieModel
from arabie.model_folder import check_folder, load_model, load_tokenizer

WINDOWS_A_ROUND = 256  # windows gathered over documents before they are run; bounds memory


@dataclass(eq=False)
class _Task:
    """One text on its way through the model."""

    assembler: Assembler
    windows: Sequence[Window]
    id: str | None
    meta: dict[str, Any]
    finished: int = 0


class Extractor:
    """Labels texts with a model; ``Extractor.load(path)`` makes one.

    Extraction takes texts of any length, in bounded memory beside the text itself, and yields Documents in order.
    """

    def __init__(self, model: ArabieModel, tokenizer: Any, device: str | None = None) -> None:
        self.config = model.config
        self.schema = model.schema
        self.encoder = Encoder(tokenizer, model.config.read_profile())
        self.window_settings = model.config.windows()
        self.engine = TorchEngine(model, device, tokenizer.pad_token_id or 0)
        self._edges = [np.array([token], dtype=np.int64) for token in (tokenizer.cls_token_id, tokenizer.sep_token_id)]

    @classmethod
    def load(cls, path: str | Path, device: str | None = None) -> Extractor:
        """The Extractor of a model folder or hub id, on a device ("cpu", "cuda", "mps"; the best there is by default).

        Raises ModelError for a folder with a part missing or broken.
        """
        check_folder(path)
        model = load_model(path)
        return cls(model, load_tokenizer(path, model), device)

    def extract(self, text: str) -> Document:
        """The Document of one text."""
        return next(self.extract_many([text]))

    def extract_many(self, texts: Iterable[str]) -> Iterator[Document]:
        """The Documents of the texts, in order, while they are read."""
        return self._run((text, None, {}, None) for text in texts)

    def label_many(self, documents: Iterable[Document]) -> Iterator[Document]:
        """For each Document one of the same text, id and meta with the model's labels in place of its own."""
        return self._run((document.text, document.id, dict(document.meta), None) for document in documents)

    def relate_many(self, documents: Iterable[Document]) -> Iterator[Document]:
        """For each Document one with its own spans (those that fit the units and the schema) and the model's relations."""
        return self._run((document.text, document.id, dict(document.meta), document.spans) for document in documents)

    def _run(self, items: Iterable[tuple[str, str | None, dict, Sequence[Span] | None]]) -> Iterator[Document]:
        waiting: deque[_Task] = deque()
        gathered: list[tuple[_Task, Window, WindowInput]] = []
        for text, id, meta, given in items:
            task, encoded = self._task(text, id, meta, given)
            waiting.append(task)
            for window in task.windows:
                gathered.append((task, window, self._window_input(encoded, window)))
                if len(gathered) == WINDOWS_A_ROUND:
                    self._run_windows(gathered)
                    gathered = []
            yield from _finished(waiting)
        self._run_windows(gathered)
        yield from _finished(waiting)

    def _task(self, text: str, id: str | None, meta: dict, given: Sequence[Span] | None) -> tuple[_Task, Encoded]:
        encoded = self.encoder.encode(text)
        cut = windows(encoded, self.window_settings)
        assembler = Assembler(text, encoded, cut, self.schema, self.engine.relate, self.config.relation_threshold, given)
        return _Task(assembler, cut, id, meta), encoded

    def _window_input(self, encoded: Encoded, window: Window) -> WindowInput:
        places = encoded.first_piece[window.start:window.end + 1]
        ids = np.concatenate([self._edges[0], encoded.pieces[places[0]:places[-1]], self._edges[1]])
        return WindowInput(ids, places[:-1] - places[0] + 1, places[1:] - places[0])

    def _run_windows(self, gathered: list[tuple[_Task, Window, WindowInput]]) -> None:
        outputs = self.engine.run([window_input for _, _, window_input in gathered])
        for (task, window, _), output in zip(gathered, outputs):
            task.assembler.add(window, output)
            task.finished += 1


def _finished(waiting: deque[_Task]) -> Iterator[Document]:
    """Take the tasks at the front that are done off the queue, as Documents."""
    while waiting and waiting[0].finished == len(waiting[0].windows):
        task = waiting.popleft()
        yield task.assembler.document(task.id, task.meta)
