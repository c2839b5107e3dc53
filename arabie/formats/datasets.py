"""Hugging Face datasets: a folder of ``save_to_disk``, a parquet file or folder, or JSON lines, in one of two forms.

"nested" has the columns ``id``, ``text``, ``spans`` and ``relations`` (lists of structs, as in arabie's JSONL) and
``meta`` (JSON in a string); nothing is lost. "tokens" has ``id``, ``tokens`` and a column of tags for one layer,
``ner_tags``, as ClassLabel or in JSON as strings; the text is rebuilt with one space between tokens.
"""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from arabie.document import Document
from arabie.errors import ArabieError, DocumentError, FileError, nearest
from arabie.formats.files import atomic_folder, atomic_writer, read_records
from arabie.formats.losses import Losses, name_of
from arabie.formats.options import listed, mapped
from arabie.formats.records import shown, strings
from arabie.formats.tags import SCHEMES, Chunk, check_scheme, decode, encode, repaired, split_tag
from arabie.formats.tokens import Tokens, count_respaced, fill_columns, place_spans
from arabie.formats.uncarried import count_uncarried
from arabie.schema import Schema

FORMS = ("nested", "tokens")
TAGS = "ner_tags"
ROWS = 1000  # written at a time

Names = Mapping[str, Sequence[str] | None]
Row = tuple[str, Mapping[str, Any]]
Table = tuple[Names, Iterator[Row]]


def read(path: str | Path, *, schema: Schema, losses: Losses, split: str | None = None, tokens: str = "tokens",
         tags: str | Sequence[str] = TAGS, names: str | Sequence[str] | None = None, scheme: str = "iob2",
         repair: str = "begin") -> Iterator[Document]:
    """The Documents of a dataset, a row each; of one in several splits all splits in turn, or the one named ``split``.

    ``tokens`` and ``tags`` name the columns of the tokens form, ``names`` the tags that numbers stand for where the
    dataset does not say, ``repair`` a rule of ``arabie.formats.tags.REPAIRS``. Raises FileError with the row and why.
    """
    scheme = check_scheme(scheme, repair)
    names = None if names is None else listed(names)
    reader = _TokenReader(tokens, listed(tags), names, scheme, repair, schema, losses)
    tables = _tables(Path(path))
    if split is not None and split not in tables:
        raise FileError(f"{path}: no split {split!r}; "
                        f"{nearest(split, tables) if any(tables) else 'it is not divided, so leave the option out'}")
    if split is None and len(tables) > 1:
        losses.add("split of a row not kept; read one alone with the option split", f"{path}: {', '.join(tables)}")
    for known, rows in chain.from_iterable(tables.values() if split is None else [tables[split]]):
        for where, row in rows:
            if "text" in row and "spans" in row:
                yield _nested(row, where, schema, losses)
            else:
                yield reader.document(row, known, where)


def _tables(path: Path) -> dict[str, Iterator[Table]]:
    """The tables of each split at a path; the split of what is one whole is the empty string."""
    if not path.is_dir():
        return {"": iter([({}, read_records(path)) if path.suffix in (".json", ".jsonl") else _parquet(path)])}
    files = sorted(path.rglob("*.parquet"))
    if not files:
        return _saved(path)
    splits = sorted({_split_of(file) for file in files})
    return {split: map(_parquet, [file for file in files if _split_of(file) == split]) for split in splits}


def _split_of(file: Path) -> str:
    """The split that a parquet file belongs to: train-00000-of-00002.parquet, train.parquet and train/0000.parquet."""
    name = file.stem.partition("-")[0]
    return file.parent.name if name.isdigit() else name


def _saved(path: Path) -> dict[str, Iterator[Table]]:
    package = _package("datasets")
    try:
        saved = package.load_from_disk(str(path))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise FileError(f"{path}: neither a dataset that save_to_disk wrote nor a folder of parquet files; "
                        f"name the one that is ({error})") from None
    parts = dict(saved) if isinstance(saved, package.DatasetDict) else {"": saved}
    return {name: iter([(_names(part.features), _numbered(part, f"{path}: {name}{' ' * bool(name)}row"))])
            for name, part in parts.items()}


def _numbered(rows: Iterable[Mapping[str, Any]], where: str) -> Iterator[Row]:
    return ((f"{where} {number}", row) for number, row in enumerate(rows, 1))


def _parquet(path: Path) -> Table:
    parquet = _package("pyarrow.parquet")
    from pyarrow import ArrowException
    if not path.is_file():
        raise FileError(f"{path}: cannot be read: there is no such file")
    try:
        file = parquet.ParquetFile(path)
    except (ArrowException, OSError) as error:
        raise FileError(f"{path}: not a parquet file: {error}; name JSON lines .jsonl, or give the folder that "
                        "save_to_disk made") from None
    features = _package("datasets").Features.from_arrow_schema(file.schema_arrow)
    return _names(features), _numbered(_unpacked(file, path), f"{path}: row")


def _unpacked(file: Any, path: Path) -> Iterator[Mapping[str, Any]]:
    from pyarrow import ArrowException
    try:
        for batch in file.iter_batches(ROWS):
            yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        raise FileError(f"{path}: broken: {error}; export it again") from None


def _names(features: Mapping[str, Any]) -> Names:
    """What the numbers of each column stand for, None for columns that are no labels."""
    return {column: getattr(getattr(feature, "feature", None), "names", None) for column, feature in features.items()}


def _nested(row: Mapping[str, Any], where: str, schema: Schema, losses: Losses) -> Document:
    for column in row:
        if column not in ("id", "text", "spans", "relations", "meta"):
            losses.add("column not kept", f"{where}: {column}")
    try:
        meta = row.get("meta")
        return Document.from_dict({**row, "meta": json.loads(meta) if isinstance(meta, str) else meta}, schema)
    except json.JSONDecodeError as error:
        raise FileError(f"{where}: meta is not JSON: {error.msg} at column {error.colno}; "
                        "it is a JSON object in a string") from None
    except DocumentError as error:
        raise FileError(f"{where}: {error}") from None


class _TokenReader:
    """Turns rows of the tokens form into Documents."""

    def __init__(self, tokens: str, tags: Sequence[str], names: Sequence[str] | None, scheme: str, repair: str,
                 schema: Schema, losses: Losses) -> None:
        self.tokens, self.tags, self.names = tokens, tags, names
        self.scheme, self.repair, self.schema, self.losses = scheme, repair, schema, losses

    def document(self, row: Mapping[str, Any], known: Names, where: str) -> Document:
        for column in (self.tokens, *self.tags):
            if column not in row:
                raise FileError(f"{where}: no column {column!r}; the columns are {', '.join(map(str, row))}. "
                                "Name them with tokens and tags; arabie's nested form has text and spans")
        for column in row:
            if column not in ("id", self.tokens, *self.tags):
                self.losses.add("column not kept", f"{where}: {column}")
        tokens = Tokens.joined([strings(row[self.tokens], self.tokens, where)])
        chunks = [chunk for column in self.tags for chunk in self._chunks(row, column, known, len(tokens.flat), where)]
        name = None if row.get("id") is None else str(row["id"])
        return Document(tokens.text, tokens.spans(chunks, self.losses, where), (), name, tokens.meta, self.schema)

    def _chunks(self, row: Mapping[str, Any], column: str, known: Names, length: int, where: str) -> Iterator[Chunk]:
        values, names = row[column], known.get(column) or self.names
        if not isinstance(values, list) or len(values) != length:
            raise FileError(f"{where}: {column} is {shown(values)}; it must be a list of {length} tags, one a token")
        tags = [self._tag(value, column, names, where) for value in values]
        return repaired(decode(tags, self.scheme), self.repair, self.losses, lambda at: f"{where}: token {at}")

    def _tag(self, value: Any, column: str, names: Sequence[str] | None, where: str) -> tuple[str, str]:
        if isinstance(value, int) and not isinstance(value, bool):
            if names is None:
                raise FileError(f"{where}: {column} holds numbers and the dataset does not say what they stand for; "
                                "give the tags in order with names")
            if not 0 <= value < len(names):
                raise FileError(f"{where}: {column} has {value}, but there are names for 0 to {len(names) - 1} only")
            value = names[value]
        try:
            return split_tag(str(value), self.scheme)
        except DocumentError as error:
            raise FileError(f"{where}: {column}: {error}; name the right scheme or column") from None


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses, form: str = "nested",
          columns: str | Mapping[str, str] | None = None, scheme: str = "iob2") -> None:
    """Write a parquet file, JSON lines, or without a suffix a new folder that ``datasets.load_from_disk`` opens.

    ``columns`` maps columns of tags, in the tokens form, to the layers they hold; by default ``ner_tags`` to the first.
    """
    scheme = check_scheme(scheme)
    if form not in FORMS:
        raise ArabieError(f"unknown form {form!r}; {nearest(form, FORMS)}")
    columns = {TAGS: schema.layers[0].name} if columns is None else mapped(columns, "columns")
    if form == "nested":
        rows = map(_nested_row, documents)
    else:
        rows = (_token_row(document, columns, scheme, schema, losses) for document in documents)
    suffix = Path(path).suffix
    if suffix == ".jsonl":
        with atomic_writer(path) as stream:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif suffix == ".parquet":
        with atomic_writer(path, "wb") as stream:
            features = _features(form, columns, scheme, schema)
            writer = _package("pyarrow.parquet").ParquetWriter(stream, features.arrow_schema)
            _write_rows(rows, writer, features, losses)
    elif suffix:
        raise ArabieError(f"{path}: a dataset is a .parquet file, a .jsonl file, or a folder without a suffix")
    else:
        _write_folder(rows, path, _features(form, columns, scheme, schema), losses)


def _nested_row(document: Document) -> dict[str, Any]:
    row = document.to_dict()
    empty = {"status": None, "score": None, "fragments": []}
    return {**row, "spans": [{**empty, **span} for span in row["spans"]],
            "relations": [{"score": None, **relation} for relation in row["relations"]],
            "meta": json.dumps(row["meta"], ensure_ascii=False)}


def _token_row(document: Document, columns: Mapping[str, str], scheme: str, schema: Schema,
               losses: Losses) -> dict[str, Any]:
    count_uncarried(document, losses, {"id"})
    tokens = Tokens.of(document, losses)
    forms = [form for sentence in tokens.forms for form in sentence]
    count_respaced(document, " ".join(forms), losses)
    placed = place_spans(document, tokens, losses, whole_sentences=False)
    filled = fill_columns(placed, list(columns.values()), schema, losses, name_of(document))
    tags = {column: encode(chunks, len(forms), scheme) for column, chunks in zip(columns, filled)}
    return {"id": document.id, "tokens": forms, **tags}


def _features(form: str, columns: Mapping[str, str], scheme: str, schema: Schema) -> Any:
    """The datasets.Features of a form; the ClassLabel of a column has every tag of its layer, in the schema's order."""
    package = _package("datasets")
    string, number, score = (package.Value(kind) for kind in ("string", "int64", "float64"))
    if form == "nested":
        span = {"id": string, "start": number, "end": number, "label": string, "status": string, "score": score,
                "fragments": [[number]]}
        relation = {"type": string, "head": string, "tail": string, "score": score}
        return package.Features({"id": string, "text": string, "spans": [span], "relations": [relation],
                                 "meta": string})
    tags = {column: ["O", *(f"{letter}-{label}" for label in schema.labels(layer) for letter in SCHEMES[scheme])]
            for column, layer in columns.items()}
    return package.Features({"id": string, "tokens": [string],
                             **{column: [package.ClassLabel(names=names)] for column, names in tags.items()}})


def _write_rows(rows: Iterable[dict[str, Any]], writer: Any, features: Any, losses: Losses) -> None:
    """Write rows to a writer of tables, parquet or Arrow, ``ROWS`` at a time."""
    import pyarrow
    labels = {column: {name: number for number, name in enumerate(names)}
              for column, names in _names(features).items() if names}
    rows = iter(rows)
    with writer:
        while batch := list(islice(rows, ROWS)):
            for row in batch:
                for column, numbers in labels.items():
                    row[column] = [_number(tag, numbers, losses, row["id"]) for tag in row[column]]
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=features.arrow_schema))


def _number(tag: str, numbers: Mapping[str, int], losses: Losses, name: str | None) -> int:
    if tag not in numbers:
        losses.add("tag whose label the schema, and so ClassLabel, does not have", f"document {name!r}: {tag}")
    return numbers.get(tag, numbers["O"])


def _write_folder(rows: Iterable[dict[str, Any]], path: str | Path, features: Any, losses: Losses) -> None:
    package, ipc = _package("datasets"), _package("pyarrow.ipc")
    with atomic_folder(path) as folder, tempfile.TemporaryDirectory() as scratch:
        arrow = str(Path(scratch) / "rows.arrow")
        _write_rows(rows, ipc.new_stream(arrow, features.arrow_schema), features, losses)
        dataset = package.Dataset.from_file(arrow)
        dataset.save_to_disk(str(folder), num_shards=None if len(dataset) else 1)  # none at all cannot be opened again


def _package(name: str) -> Any:
    """A module of the packages that only this format needs."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ArabieError(f"Hugging Face datasets need the package {name.partition('.')[0]}; "
                          "install it with: pip install 'arabie[train]'") from None
