"""What a file looks like, for error messages only: the format is named by the user, never guessed."""

from __future__ import annotations

import re
import zipfile
import zlib
from itertools import islice
from pathlib import Path

HEAD = 1 << 16
ENDINGS = {".ann": "brat", ".a1": "brat", ".a2": "brat", ".xmi": "cas", ".spacy": "spacy", ".parquet": "datasets",
           ".arrow": "datasets"}
KEYS = (  # the first row whose keys all stand in a JSON file names it, so the most telling come first
    ("cas", {"%FEATURE_STRUCTURES"}),
    ("gliner", {"tokenized_text"}),
    ("dygie", {"sentences", "ner"}),
    ("dygie", {"doc_key", "sentences"}),
    ("datasets", {"tokens", "ner_tags"}),
    ("label-studio", {"from_name", "to_name"}),
    ("label-studio", {"data", "annotations"}),
    ("label-studio", {"data", "predictions"}),
    ("prodigy", {"text", "_task_hash"}),
    ("prodigy", {"text", "token_start"}),
    ("prodigy", {"text", "spans", "answer"}),
    ("doccano", {"text", "start_offset"}),
    ("spacy", {"text", "ents"}),
    ("prodigy", {"text", "tokens", "ws"}),
    ("jsonl", {"text", "spans"}),
)
SIGNS = (("<deft_ere", "ere"), ("xmi", "cas"), ("source_file", "apf"))  # of XML
_JSON = re.compile(r'"(?P<key>(?:[^"\\]|\\.)*)"\s*:|"(?:[^"\\]|\\.)*"|[][{}]')
_LABELS = re.compile(r'"(?:label|labels|entities)"\s*:\s*\[\s*(?:\[\s*[0-9]|\])')
_BRAT = re.compile(r"(?:[TREAMN#][0-9]+|\*)\t\S")
_TAG = re.compile(r"O|[BIESLU]-\S+")


def looks_like(path: str | Path) -> str | None:
    """The name, a key of ``FORMATS``, of the format that a file or folder looks to be in; None if of none.

    >>> looks_like("no such file") is None
    True
    """
    path = Path(path)
    try:
        if path.is_dir():
            files = sorted(file for file in islice(path.rglob("*"), 1000) if file.is_file())
            told = next(filter(None, map(_by_ending, files)), None)
            return told or (looks_like(files[0]) if files else None)
        with open(path, "rb") as stream:
            head = stream.read(HEAD)
    except OSError:
        return None
    return _by_bytes(path, head) or _by_text(head.decode("utf-8-sig", "replace")) or _by_ending(path)


def _by_ending(path: Path) -> str | None:
    if path.suffix == ".txt" and any(path.with_suffix(ending).exists() for ending in (".ann", ".a1", ".a2")):
        return "brat"
    return {".apf.xml": "apf", ".rich_ere.xml": "ere"}.get("".join(path.suffixes[-2:]), ENDINGS.get(path.suffix))


def _by_bytes(path: Path, head: bytes) -> str | None:
    if head.startswith((b"PAR1", b"ARROW1")):
        return "datasets"
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                endings = {Path(name).suffix for name in archive.namelist()}
            return "doccano" if ".jsonl" in endings else "cas" if ".xmi" in endings else None
        return "spacy" if head.startswith(b"x") and b"attrs" in zlib.decompressobj().decompress(head) else None
    except (zipfile.BadZipFile, zlib.error):
        return None


def _by_text(head: str) -> str | None:
    start = head.lstrip()
    lines = [line for line in start.splitlines()[:200] if line.strip()]
    if start.startswith("<"):
        return next((name for sign, name in SIGNS if sign in head), None)
    if start.startswith("#FORMAT=WebAnno"):
        return "webanno"
    if start.startswith(("{", "[")):
        return _by_keys(head)
    if lines and all(_BRAT.match(line) for line in lines[:3]):
        return "brat"
    if start.startswith("=== "):
        return "source"
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    if rows and all(len(row) == 10 and row[0][:1].isdigit() for row in rows[:3]):
        return "conllu"
    tagged = sum(len(line.split()) > 1 and any(map(_TAG.fullmatch, line.split())) for line in lines)
    return "conll" if start.startswith("-DOCSTART-") or tagged > len(lines) * 0.7 else None


def _by_keys(head: str) -> str | None:
    keys = _keys(head)
    found = next((name for name, needed in KEYS if needed <= keys), None)
    if found is None and "text" in keys | {"data"} and _LABELS.search(head):
        return "doccano"
    if found is None and re.search(r'"data"\s*:\s*\{', head):
        return "label-studio"
    return found


def _keys(head: str) -> set[str]:
    """Every key in the JSON that a head begins, but for those below ``meta``, where anything may stand."""
    keys, above, key = set(), [], ""
    for found in _JSON.finditer(head):
        if found["key"] is not None:
            key = found["key"]
            if "meta" not in above:
                keys.add(key)
        elif found[0] in "{[":
            above.append(key)
        elif found[0] in "}]" and above:
            key = above.pop()
    return keys
