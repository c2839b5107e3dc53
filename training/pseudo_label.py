"""Label raw texts with a model and keep the passages it is sure of, to train on beside gold annotation (self-training).

    python training/pseudo_label.py runs/teacher/model --data NEWS --exclude ANNOTATED --out runs/silver.jsonl
    python training/train.py configs/default.toml --train runs/silver.jsonl

The data are as for training/pretrain.py. Documents are drawn at random and cut into passages of whole paragraphs.
"""

from __future__ import annotations

import logging
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie import load
from arabie.document import Document
from arabie.errors import ArabieError
from arabie.formats import write
from training.mlm_data import data_files, excluded_lines, raw_documents

log = logging.getLogger("pseudo_label")
Texts = Iterable[tuple[str, str]]  # ids and texts


def drawn(documents: Iterable[tuple[str, int, str]], exclude: set[tuple[str, int]], number: int, seed: int) -> list[tuple[str, str]]:
    """So many documents, each as likely as any other, but for those excluded: (id, text), in the order of the data."""
    rng, kept = random.Random(seed), []
    left = ((source, line, text) for source, line, text in documents if (source, line) not in exclude)
    for seen, found in enumerate(left):
        if seen < number:
            kept.append((seen, found))
        elif (place := rng.randrange(seen + 1)) < number:
            kept[place] = seen, found
    return [(f"{source}-{line}", text) for _, (source, line, text) in sorted(kept)]


def passages(texts: Texts, words: int) -> Iterator[tuple[str, str]]:
    """The texts cut between paragraphs into passages of at most so many words; a longer paragraph is one by itself.

    >>> list(passages([("a", "one two\\nthree\\n\\nfour")], 3))
    [('a-1', 'one two\\nthree'), ('a-2', 'four')]
    """
    for id, text in texts:
        parts, size = [[]], 0
        for paragraph in filter(str.strip, text.split("\n")):
            length = len(paragraph.split())
            if parts[-1] and size + length > words:
                parts.append([])
                size = 0
            parts[-1].append(paragraph)
            size += length
        for number, part in enumerate(filter(None, parts), 1):
            yield f"{id}-{number}", "\n".join(part)


def is_sure(document: Document, least: float) -> bool:
    """Whether a labelled document holds spans, and each of them has at least this score."""
    return bool(document.spans) and all(span.score >= least for span in document.spans)


def main(model: Annotated[Path, typer.Argument(help="The model that labels, the teacher.")],
         data: Annotated[list[Path], typer.Option(help="Text files or annotated ones, or folders of *.txt and *.txt.xz, such as ../shared/pretrain.")],
         out: Annotated[Path, typer.Option(help="The .jsonl file to write.")],
         exclude: Annotated[list[Path], typer.Option(help="Annotated JSONL files, or folders of them, whose articles are left out (by meta source and line).")] = [],
         documents: Annotated[int, typer.Option(help="Documents to draw.", min=1)] = 1000,
         words: Annotated[int, typer.Option(help="Words of a passage at most, unless its only paragraph is longer.", min=1)] = 150,
         least: Annotated[float, typer.Option(help="A passage is kept if every span has this score or more.", min=0, max=1)] = 0.6,
         seed: Annotated[int, typer.Option(help="Another seed draws other documents.")] = 1) -> None:
    """Draw, label, keep, and say how much was kept."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    left_out = excluded_lines(data_files(exclude, ("*.jsonl",))) if exclude else set()
    cut = list(passages(drawn(raw_documents(data_files(data, ("*.txt", "*.txt.xz"))), left_out, documents, seed), words))
    extractor = load(model)
    labelled = zip(cut, extractor.extract_many(text for _, text in tqdm(cut, desc="label", unit=" passages")))
    kept = [Document(found.text, found.spans, found.relations, id, schema=found.schema)
            for (id, _), found in labelled if is_sure(found, least)]
    write(kept, out, schema=extractor.schema)
    log.info("%s of %s passages kept, with %s spans, in %s", f"{len(kept):,}", f"{len(cut):,}",
             f"{sum(len(document.spans) for document in kept):,}", out)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"pseudo_label: {error}") from None
