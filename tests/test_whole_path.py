"""Converted data trains: brat → JSONL → training → predictions → Label Studio → JSONL, by the commands of the README."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import arabie
from arabie.document import Document

ROOT = Path(__file__).resolve().parents[1]


def run(*command: str | Path) -> subprocess.CompletedProcess:
    done = subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def test_from_annotations_in_brat_to_predictions_in_label_studio(tmp_path):
    documents = sorted(arabie.read(ROOT / "training/corpus/dev.jsonl"), key=lambda d: len(d.text))[:8]
    arabie.write(documents, tmp_path / "ann", "brat")

    run("-m", "arabie", "convert", tmp_path / "ann", tmp_path / "mine.jsonl", "--from", "brat", "--to", "jsonl")
    read = list(arabie.read(tmp_path / "mine.jsonl"))
    assert [(d.text, d.spans, d.relations) for d in read] == [(d.text, d.spans, d.relations) for d in sorted(documents, key=lambda d: d.id)]

    (tmp_path / "tiny.toml").write_text((ROOT / "configs/tiny.toml").read_text(encoding="utf-8").replace("training/corpus/dev.jsonl", str(tmp_path / "mine.jsonl"))
                                        .replace("training/corpus/test.jsonl", str(tmp_path / "mine.jsonl")), encoding="utf-8")
    run("training/train.py", tmp_path / "tiny.toml", "--out", tmp_path / "run")
    model = tmp_path / "run" / "model"

    run("-m", "arabie", "extract", tmp_path / "mine.jsonl", "-o", tmp_path / "labelled.jsonl", "--model", model)
    labelled = list(arabie.read(tmp_path / "labelled.jsonl"))
    assert [d.text for d in labelled] == [d.text for d in read] and sum(len(d.relations) for d in labelled) > 0

    run("-m", "arabie", "convert", tmp_path / "labelled.jsonl", tmp_path / "tasks.json", "--from", "jsonl", "--to", "label-studio")
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert len(tasks) == len(labelled) and all(task["predictions"] for task in tasks)

    run("-m", "arabie", "convert", tmp_path / "tasks.json", tmp_path / "back.jsonl", "--from", "label-studio", "--to", "jsonl", "--read", "use=predictions")
    back = [Document.from_dict(json.loads(line)) for line in (tmp_path / "back.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(d.text, d.spans, d.relations) for d in back] == [(d.text, d.spans, d.relations) for d in labelled]
    assert all(span.score is not None for document in back for span in document.spans)
