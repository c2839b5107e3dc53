"""Start and memory: commands run in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from arabie.document import Document
from arabie.engines.choice import Choice
from arabie.errors import ArabieError
from arabie.formats import write

ROOT = Path(__file__).resolve().parents[1]
LAUNCHER = Path(__file__).with_name("launch.py")
EXAMPLE = "examples/defections.txt"
ARABIE = (sys.executable, "-m", "arabie")


@dataclass(frozen=True)
class Spent:
    """Wall time in seconds and peak memory in MB."""

    seconds: float
    peak: float


def spent(command: Sequence[str], times: int = 1) -> Spent:
    """The medians of running a command several times. Raises ArabieError if it fails."""
    found = [_once(command) for _ in range(times)]
    return Spent(median(one.seconds for one in found), median(one.peak for one in found))


def _once(command: Sequence[str]) -> Spent:
    launched = [sys.executable, "-I", "-S", str(LAUNCHER), *command]
    done = subprocess.run(launched, cwd=ROOT, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    if told["code"]:
        why = (done.stderr.strip().splitlines() or [f"exit code {told['code']}"])[-1]
        raise ArabieError(f"{' '.join(command[1:])}: {why}")
    return Spent(told["seconds"], told["peak"])


def extract(folder: Path, choice: Choice, *given: str) -> tuple[str, ...]:
    """The command ``arabie extract``, with a model, an engine, and what else is given."""
    return (*ARABIE, "extract", *given, "--model", str(folder.absolute()), "--engine", choice.engine,
            "--precision", choice.precision, "--device", choice.device)


def start_rows(folder: Path, choices: Sequence[Choice], times: int) -> list[list[str]]:
    """Rows of seconds, seconds beyond a bare Python, and peak memory, of what is started."""
    bare = spent([sys.executable, "-c", "pass"], times)
    commands: dict[str, Sequence[str]] = {"`import arabie`": (sys.executable, "-c", "import arabie")}
    commands["`arabie --help`"] = (*ARABIE, "--help")
    for choice in choices:
        command = extract(folder, choice, EXAMPLE)
        _once(command)  # exports the model, if that hasn't been done
        commands[f"`arabie extract {EXAMPLE}`, {choice.engine} {choice.precision}"] = command
    found = {"Python alone": bare} | {name: spent(command, times) for name, command in commands.items()}
    return [[name, f"{one.seconds:.2f}", f"{one.seconds - bare.seconds:.2f}", f"{one.peak:,.0f}"]
            for name, one in found.items()]


def memory_rows(folder: Path, choices: Sequence[Choice], texts: Sequence[str], count: int) -> list[list[str]]:
    """Rows of peak memory with one text and with many, by engine; ``texts`` are taken again until there are enough."""
    rows = []
    with TemporaryDirectory() as place:
        one, many = Path(place, "one.jsonl"), Path(place, "many.jsonl")
        write([Document(texts[0])], one)
        write((Document(text) for text in islice(cycle(texts), count)), many)
        for choice in choices:
            commands = [extract(folder, choice, str(path), "-o", str(Path(place, "out.jsonl"))) for path in (one, many)]
            _once(commands[0])
            peaks = [spent(command).peak for command in commands]
            rows.append([f"{choice.engine} {choice.precision}", *(f"{peak:,.0f}" for peak in peaks)])
    return rows
