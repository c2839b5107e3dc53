"""Annotation kept apart from its texts, for articles that may be read but not passed on.

    python training/standoff.py strip annotated.src --out training/articles/train.jsonl
    python training/standoff.py restore training/articles/train.jsonl --data NEWS --out runs/articles.jsonl
    python training/train.py configs/default.toml --train runs/articles.jsonl

A stripped document is a line of arabie's own format in which ``sha256``, the digest of the text in UTF-8, stands for the
text. Who has the texts gets the documents back: the data are as for training/pretrain.py, and each text is known by its
digest, wherever it stands.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.document import Document
from arabie.errors import ArabieError, DocumentError, FileError
from arabie.formats import write
from arabie.formats.files import atomic_writer, read_records
from arabie.schema import Schema, default_schema
from training.mlm_data import data_files, raw_documents
from training.train import read_documents

log = logging.getLogger("standoff")
Record = tuple[str, dict[str, Any]]  # file:line, and what stands there
app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__.split("\n")[0])


def digest(text: str) -> str:
    """What stands for a text: the SHA-256 of its UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def stripped(document: Document) -> dict[str, Any]:
    """A Document as a record without its text.

    >>> sorted(stripped(Document("انشق ضابط", id="a")))
    ['id', 'meta', 'relations', 'sha256', 'spans']
    """
    record = document.to_dict()
    return {"id": document.id, "sha256": digest(record.pop("text"))} | record


def read_stripped(path: Path) -> list[Record]:
    """The records of a file that «strip» wrote, each with its file:line. Raises FileError."""
    records = list(read_records(path))
    for where, record in records:
        if not isinstance(record.get("sha256"), str):
            raise FileError(f'{where}: no "sha256" stands for the text; «strip» writes such files')
    return records


def restored(records: Sequence[Record], texts: Iterable[str], schema: Schema) -> Iterator[Document]:
    """The Documents of the records whose texts are found, in order. Raises FileError for a record that does not fit its text."""
    wanted = {record["sha256"] for _, record in records}
    found = {key: text for text in texts if (key := digest(text)) in wanted}
    for where, record in records:
        if (text := found.get(record["sha256"])) is not None:
            try:
                yield Document.from_dict({key: value for key, value in record.items() if key != "sha256"} | {"text": text}, schema)
            except DocumentError as error:
                raise FileError(f"{where}: {error}") from None


@app.command()
def strip(files: Annotated[list[Path], typer.Argument(help="Annotated files, .jsonl or .src.")],
          out: Annotated[Path, typer.Option(help="The file to write.")]) -> None:
    """Write the annotation of documents without their texts."""
    documents = read_documents(files, default_schema())
    with atomic_writer(out) as stream:
        for document in documents:
            stream.write(json.dumps(stripped(document), ensure_ascii=False) + "\n")
    log.info("%s documents without their texts in %s", f"{len(documents):,}", out)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A file that «strip» wrote.")],
            data: Annotated[list[Path], typer.Option(help="Text files or annotated ones, or folders of *.txt and *.txt.xz, such as ../shared/pretrain.")],
            out: Annotated[Path, typer.Option(help="The .jsonl file to write.")]) -> None:
    """Write the documents whose texts are among the data, and say how many are not."""
    schema, records = default_schema(), read_stripped(file)
    texts = (text for _, _, text in raw_documents(data_files(data, ("*.txt", "*.txt.xz"))))
    documents = list(restored(records, texts, schema))
    if not documents:
        raise FileError(f"{file}: none of its {len(records):,} texts is among the data; name with --data the texts that were annotated, unchanged")
    write(documents, out, schema=schema)
    log.info("%s of %s documents with their texts in %s", f"{len(documents):,}", f"{len(records):,}", out)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        app()
    except ArabieError as error:
        raise SystemExit(f"standoff: {error}") from None
