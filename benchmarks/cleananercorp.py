"""CLEANANERCorp made ready: its sentences joined to documents, and a dev set held out of its training part.

    python benchmarks/cleananercorp.py cleananercorp/ runs/cleananercorp-data

The corpus comes as one sequence of sentences a file, without a sign of where an article ends. Consecutive sentences are
joined, a line each, so that a model sees what stands around a sentence. The split of CAMeL Lab has no dev part: every
twentieth document of the training part is it. The test part stays whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from arabie.document import Document, Span
from arabie.errors import ArabieError
from arabie.formats import read, write
from arabie.formats.losses import Losses
from arabie.schema import Schema

SCHEMA = Path(__file__).resolve().parents[1] / "configs/schemas/cleananercorp.toml"
SENTENCES = 20  # a document
HELD_OUT = 20  # one document in so many is dev


def joined(sentences: Iterable[Document], name: str) -> Document:
    """One Document of the sentences, a line each, with their spans.

    >>> joined([Document("انشق ضابط"), Document("قرب الرقة", [Span(4, 9, "LOC")])], "d").spans[0].text
    'الرقة'
    """
    texts: list[str] = []
    spans: list[Span] = []
    at = 0
    for sentence in sentences:
        texts.append(sentence.text)
        spans += [Span(at + span.start, at + span.end, span.label) for span in sentence.spans]
        at += len(sentence.text) + 1
    return Document("\n".join(texts), tuple(spans), id=name, schema=sentence.schema)


def documents(path: Path, name: str, schema: Schema, losses: Losses) -> Iterator[Document]:
    """The sentences of a file as Documents of SENTENCES each, in order; ids are NAME-001 and on."""
    sentences = list(read(path, "conll", schema=schema, losses=losses, split="sentences"))
    for number, start in enumerate(range(0, len(sentences), SENTENCES), 1):
        yield joined(sentences[start:start + SENTENCES], f"{name}-{number:03}")


def main(folder: Annotated[Path, typer.Argument(help="The folder of the published files.")],
         out: Annotated[Path, typer.Argument(help="The folder for train.jsonl, dev.jsonl and test.jsonl.")]) -> None:
    """Write the three files, and say how large they are and what was mended."""
    schema, losses = Schema.load(SCHEMA), Losses()
    training = list(documents(folder / "cleananercorp_TRAIN.txt", "train", schema, losses))
    parts = {"train": [d for n, d in enumerate(training, 1) if n % HELD_OUT], "dev": training[HELD_OUT - 1::HELD_OUT],
             "test": list(documents(folder / "cleananercorp_TEST.txt", "test", schema, losses))}
    out.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        write(part, out / f"{name}.jsonl", schema=schema)
        tokens, entities = sum(len(d.text.split()) for d in part), sum(len(d.spans) for d in part)
        print(f"{name}: {len(part)} documents, {tokens:,} tokens, {entities:,} entities")
    for line in losses.lines():
        print(line)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"cleananercorp: {error}") from None
