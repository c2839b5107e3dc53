"""The one place that joins it all: a model folder in, texts in, Documents out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arabie.assembly import Assembler, assemble
from arabie.document import Document, Span
from arabie.encoding import Encoder, Tokenizer, Window, WindowInput, windows
from arabie.engines import Engine, WindowOutput, open_engine
from arabie.engines.agreement import REFERENCE, Agreement, keep
from arabie.engines.choice import Choice
from arabie.errors import ArabieError
from arabie.model_folder import FolderTokenizer, ModelFacts, digest, local_folder

if TYPE_CHECKING:
    from arabie.model import ArabieModel
    from arabie.schema import Schema

WINDOWS_A_ROUND = 64  # windows, of one text or many, that are run together; bounds memory
CHARACTERS_A_ROUND = 1 << 15  # of texts that are tokenised together


@dataclass(frozen=True, eq=False)
class _Item:
    """A text to label; with ``given`` spans only the relations between them are looked for."""

    text: str
    id: str | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    given: Sequence[Span] | None = None


@dataclass(eq=False)
class _Task:
    """A text on its way through the model."""

    item: _Item
    assembler: Assembler
    windows: Sequence[Window]
    finished: int = 0


_Round = list[tuple[_Task, Window, WindowInput]]


class Extractor:
    """Labels texts with a model; ``Extractor.load(path)`` makes one.

    Extraction takes texts of any length, in bounded memory beside the text itself, and yields Documents in order.
    """

    def __init__(self, facts: ModelFacts, tokenizer: Tokenizer, engine: Engine) -> None:
        self.facts = facts
        self.encoder = Encoder(tokenizer, facts.profile, facts.letters)
        self.engine = engine

    @property
    def schema(self) -> Schema:
        """The labels, statuses and relations that the model knows."""
        return self.facts.schema

    @classmethod
    def load(cls, path: str | Path, device: str | None = None, engine: str | None = None,
             precision: str | None = None) -> Extractor:
        """The Extractor of a model folder or hub id; for the rest see ``arabie.engines.open_engine``.

        Raises ModelError for a folder with a part missing or broken, and for an engine that cannot be used.
        """
        folder = local_folder(path)
        facts, tokenizer = ModelFacts.load(folder), FolderTokenizer.load(folder)
        return cls(facts, tokenizer, open_engine(folder, tokenizer.pad_token_id or 0, engine, device, precision))

    @classmethod
    def of_model(cls, model: ArabieModel, tokenizer: Tokenizer, device: str | None = None) -> Extractor:
        """The Extractor of a model in memory, one in training say, which is moved to the device and set to evaluate."""
        from arabie.engines.torch import TorchRuntime, find_device

        engine = Engine(TorchRuntime(model, find_device(device)), tokenizer.pad_token_id or 0)
        return cls(ModelFacts.of(model), tokenizer, engine)

    def extract(self, text: str) -> Document:
        """The Document of one text. Raises ArabieError for what is no string."""
        return next(self.extract_many([text]))

    def extract_many(self, texts: Iterable[str]) -> Iterator[Document]:
        """The Documents of the texts, in order, while they are read. Raises ArabieError for what is no string, and for
        one text where there should be many."""
        if isinstance(texts, (str, bytes, Document)):
            raise ArabieError("the texts are a list of strings, or another iterable of them, not one "
                              f"{type(texts).__name__}; put one text in a list, or call extract(text)")
        return self._run(_Item(_string(text)) for text in texts)

    def label_many(self, documents: Iterable[Document]) -> Iterator[Document]:
        """For each Document one of the same text, id and meta with the model's labels in place of its own."""
        return self._run(_Item(d.text, d.id, dict(d.meta)) for d in documents)

    def relate_many(self, documents: Iterable[Document]) -> Iterator[Document]:
        """For each Document one with its own spans, those that fit units and schema, and the model's relations."""
        return self._run(_Item(d.text, d.id, dict(d.meta), d.spans) for d in documents)

    def _run(self, items: Iterable[_Item]) -> Iterator[Document]:
        """Label texts; while the engine runs a round, the next one is read and tokenised, and no more."""
        waiting: deque[_Task] = deque()
        running: tuple[_Round, Future[list[WindowOutput]]] | None = None
        with ThreadPoolExecutor(1, "arabie-engine") as pool:
            for gathered in self._rounds(items, waiting):
                started = pool.submit(self.engine.run, [window_input for _, _, window_input in gathered])
                if running:
                    yield from self._assembled(*running, waiting)
                running = gathered, started
            if running:
                yield from self._assembled(*running, waiting)

    def _rounds(self, items: Iterable[_Item], waiting: deque[_Task]) -> Iterator[_Round]:
        """The windows of the texts, as many as are run together; each text's task joins those that wait."""
        for portion in _portions(items):
            gathered: _Round = []
            for item, encoded in zip(portion, self.encoder.encode_many([item.text for item in portion])):
                cut = windows(encoded, self.facts.windows)
                assembler = Assembler(item.text, encoded, cut, self.facts, item.given)
                task = _Task(item, assembler, cut)
                waiting.append(task)
                for window in cut:
                    if len(gathered) == WINDOWS_A_ROUND:
                        yield gathered
                        gathered = []
                    gathered.append((task, window, self.encoder.window_input(encoded, window)))
            yield gathered

    def _assembled(self, gathered: _Round, running: Future[list[WindowOutput]],
                   waiting: deque[_Task]) -> Iterator[Document]:
        """Give what the engine found to the texts' assemblers; the Documents that are then next in order and done."""
        outputs = zip(gathered, running.result(), strict=True)
        assemble([(task.assembler, window, output) for (task, window, _), output in outputs], self.engine.relate)
        for task, _, _ in gathered:
            task.finished += 1
        while waiting and waiting[0].finished == len(waiting[0].windows):
            task = waiting.popleft()
            yield task.assembler.document(task.item.id, task.item.meta)


def _string(text: Any) -> str:
    if not isinstance(text, str):
        raise ArabieError(f"a text is a string, not {type(text).__name__}: {text!r:.60}; of a file give what "
                          "Path(name).read_text(encoding='utf-8') reads, of a Document its .text")
    return text


def _portions(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The texts, as many as are tokenised together."""
    portion, size = [], 0
    for item in items:
        portion.append(item)
        size += len(item.text)
        if size >= CHARACTERS_A_ROUND or len(portion) == WINDOWS_A_ROUND:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


class EngineCheck:
    """Measures, on annotated documents, whether engines give a model's answers by torch in fp32, and how fast."""

    def __init__(self, path: str | Path, documents: Iterable[Document]) -> None:
        self.folder = local_folder(path)
        self.documents = list(documents)
        self._reference, self._seconds = self._timed(REFERENCE)

    def run(self, choice: Choice) -> Agreement:
        """Measure an engine, and keep the result for ``open_engine``. Raises ModelError if it cannot be used."""
        from arabie.engines.comparison import compare  # and evaluation with it, which extracting does without

        found, seconds = self._timed(choice)
        schema, speed = ModelFacts.load(self.folder).schema, round(self._seconds / seconds, 2)
        agreement = compare(choice, digest(self.folder), self.documents, self._reference, found, schema, speed)
        keep(agreement)
        return agreement

    def _timed(self, choice: Choice) -> tuple[list[Document], float]:
        """What an engine finds in the documents, and how long that takes it once it is warm."""
        extractor = Extractor.load(self.folder, choice.device, choice.engine, choice.precision)
        list(extractor.label_many(self.documents[:10]))
        begun = time.perf_counter()
        return list(extractor.label_many(self.documents)), time.perf_counter() - begun
