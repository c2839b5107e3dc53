"""Writing tasks for Label Studio."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from arabie.document import Document
from arabie.errors import ArabieError, FileError, nearest
from arabie.formats.files import atomic_writer, read_bytes
from arabie.formats.label_studio.config import STATUS, TEXT, control, is_labelling_config, labelling_config
from arabie.formats.label_studio.reading import USES
from arabie.formats.losses import Losses, name_of
from arabie.schema import Schema


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses, use: str = "predictions",
          model_version: str = "arabie") -> None:
    """Write a JSON list of tasks, and the labelling configuration beside it with the suffix .xml.

    ``use="predictions"`` makes pre-annotations for correction, by ``model_version``; "annotations" makes finished ones.
    Raises FileError for a path that ends in .xml, and where what stands beside it is no labelling configuration.
    """
    if use not in USES:
        raise ArabieError(f"use={use!r}: there is no such part of a task; {nearest(use, USES)}")
    with atomic_writer(_config_path(Path(path))) as config, atomic_writer(path) as stream:
        config.write(labelling_config(schema))
        stream.write("[")
        for number, document in enumerate(documents):
            task = _task(document, schema, losses, use, model_version)
            stream.write(("," if number else "") + "\n" + json.dumps(task, ensure_ascii=False))
        stream.write("\n]\n")


def beside(path: Path) -> list[Path]:
    """The labelling configuration of the tasks in ``path``."""
    return [path.with_suffix(".xml")] if path.name else []


def _config_path(path: Path) -> Path:
    """Where the labelling configuration goes. Raises FileError if it would replace something else."""
    if not path.name or path.suffix.lower() == ".xml":
        raise FileError(f"{path}: no name for the tasks; they are JSON, and the labelling configuration beside them has "
                        "the same name with .xml: name a file that ends in .json")
    (config,) = beside(path)
    if config.is_file() and not is_labelling_config(read_bytes(config)):
        raise FileError(f"{config}: is there and is no labelling configuration, which is written beside {path.name}; "
                        "move it away, or name another file for the tasks")
    return config


def _task(document: Document, schema: Schema, losses: Losses, use: str, model_version: str) -> dict[str, Any]:
    data: dict[str, Any] = {TEXT: document.text}
    if document.id is not None:
        data["id"] = document.id
    if document.meta:
        data["meta"] = dict(document.meta)
    plain = document.to_dict()
    item: dict[str, Any] = {}
    scores = [span.score for span in document.spans if span.score is not None]
    if use == "predictions":
        item["model_version"] = model_version
        if scores:
            item["score"] = round(sum(scores) / len(scores), 4)
    item["result"] = _regions(document, plain["spans"], schema, losses) + _relations(document, plain, losses)
    return {"data": data, use: [item]}


def _regions(document: Document, plain: list[dict[str, Any]], schema: Schema, losses: Losses) -> list[dict[str, Any]]:
    """A result for each span, and one for its status."""
    results = []
    for span, named in zip(document.spans, plain):
        if schema.layer_of(span.label) is None:
            losses.add("label that the schema, and so the labelling configuration, does not have",
                       f"{name_of(document)}: {span.label}")
        place = {"start": span.start, "end": span.end, "text": span.text}
        result = {"id": named["id"], "from_name": control(schema, span.label), "to_name": TEXT, "type": "labels",
                  "value": {**place, "labels": [span.label]}}
        if span.score is not None:
            result["score"] = named["score"]
        if span.fragments:
            result["meta"] = {"fragments": named["fragments"]}
        results.append(result)
        if span.status is not None:
            results.append({"id": named["id"], "from_name": STATUS, "to_name": TEXT, "type": "choices",
                            "value": {**place, "choices": [span.status]}})
    return results


def _relations(document: Document, plain: dict[str, Any], losses: Losses) -> list[dict[str, Any]]:
    """A result for each pair of spans that relations join: Label Studio takes one for a pair, with several labels."""
    joined: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for relation in plain["relations"]:
        joined.setdefault((relation["head"], relation["tail"]), []).append(relation)
    results = []
    for (head, tail), relations in joined.items():
        result = {"from_id": head, "to_id": tail, "type": "relation", "direction": "right",
                  "labels": [relation["type"] for relation in relations]}
        scores = [relation["score"] for relation in relations if "score" in relation]
        if scores and len(relations) == 1:
            result["score"] = scores[0]
        elif scores:
            losses.add("score of one of several relations between two spans", name_of(document), len(scores))
        results.append(result)
    return results
