"""The model in the box is as good as the README says, and no worse than when it was put there."""

from __future__ import annotations

import json
from pathlib import Path

from accuracy import scores

from arabie import load
from arabie.model_folder import DEFAULT_MODEL

ROOT = Path(__file__).resolve().parents[2]
LEAST = {"entities_f1": 0.91, "events_f1": 0.86, "causes_f1": 0.58, "causes_relaxed_f1": 0.66, "relations_relaxed_f1": 0.68}


def test_dev_scores_are_those_of_the_readme():
    count, summary = scores(load(DEFAULT_MODEL, device="cpu", engine="torch", precision="fp32"), ROOT / "training/corpus/dev.jsonl")
    assert {name: summary[name] for name, least in LEAST.items() if summary[name] < least} == {}
    (row,) = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| dev |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert int(cells[1]) == count
    for cell, layer in zip(cells[2:6], ("entities", "events", "causes", "relations")):
        strict, relaxed = (float(part) for part in cell.split("/"))
        assert abs(strict - summary[f"{layer}_f1"]) < 0.004 and abs(relaxed - summary[f"{layer}_relaxed_f1"]) < 0.004


def test_the_folder_says_how_it_was_made():
    told = json.loads((DEFAULT_MODEL / "training.json").read_text(encoding="utf-8"))
    assert told["data"]["train_documents"] > 300 and set(told["dev"]) >= set(LEAST)
    while "data" in told["encoder"]:  # the models that it went on from
        told = told["encoder"]
    assert told["encoder"]["pieces_seen"] > 1e6


def test_it_fits_in_forty_megabytes():
    assert sum(path.stat().st_size for path in DEFAULT_MODEL.iterdir()) < 40e6
