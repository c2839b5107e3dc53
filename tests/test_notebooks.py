"""The notebooks run from top to bottom in an empty folder, as they are committed: without outputs."""

from __future__ import annotations

import csv
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import arabie

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def run(name: str, folder: Path, first_cell: str = "") -> str:
    """Execute a notebook in a folder, with some code after its first code cell; gives all that it printed."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    next(cell for cell in notebook.cells if cell.cell_type == "code").source += f"\n{first_cell}"
    NotebookClient(notebook, timeout=900, kernel_name="python3",
                   resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")


def test_quickstart(tmp_path):
    printed = run("quickstart", tmp_path)
    documents = list(arabie.read(tmp_path / "found.jsonl"))
    assert len(documents) == 2 and all(document.spans for document in documents)
    assert "read again, nothing lost: True" in printed
    assert f"2 documents, {sum(len(document.events) for document in documents)} events" in printed
    events = [(event.type, event.text) for document in documents for event in document.events]
    assert [(row["event"], row["trigger"]) for row in table(tmp_path / "events.csv")] == events
    causes = [cause.text for document in documents for cause in document.causes]
    assert {row["cause"] for row in table(tmp_path / "causes.csv")} == set(causes)


def test_retrain(tmp_path):
    texts = list(arabie.read(ROOT / "training" / "corpus" / "dev.jsonl"))
    arabie.write(sorted(texts, key=lambda document: len(document.text))[:10], tmp_path / "annotated.jsonl")
    printed = run("retrain", tmp_path, 'annotations, folder, rounds = "annotated.jsonl", Path("new folder"), 1')
    assert "10 documents" in printed and "choose 2" in printed and "entities_f1" in printed and "relaxed" in printed
    assert " → " in printed and "gold spans given" in printed
    model = tmp_path / "new folder" / "model"
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in model.iterdir()}
    assert arabie.load(model, device="cpu").extract("قسد").text == "قسد"
