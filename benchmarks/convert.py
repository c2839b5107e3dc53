"""How fast documents are converted, in MB of the source a second of one core, and how much memory it takes as the file grows.

    python benchmarks/convert.py --megabytes 100
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]


def grown(target: Path, megabytes: float) -> None:
    """A JSONL file of about that size: the corpus over and over."""
    corpus = (ROOT / "training/corpus/train.jsonl").read_bytes()
    with open(target, "wb") as stream:
        for _ in range(max(1, round(megabytes * 1e6 / len(corpus)))):
            stream.write(corpus)


def convert(source: str, target: str, name: str) -> None:
    """Convert a file in this process and print seconds of CPU time and peak memory in MB."""
    from arabie.formats import read, write

    started = time.process_time()
    write(read(source), target, name)
    print(time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main(megabytes: Annotated[float, typer.Option(help="Size of the largest file.")] = 100.0,
         formats: Annotated[str, typer.Option(help="Formats to write, by commas.")] = "jsonl") -> None:
    """Convert files of a tenth of the size and of the whole size, each in a process of its own."""
    print("| to | MB | MB a second | peak memory, MB |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for size in (megabytes / 10, megabytes):
            source = Path(folder) / "source.jsonl"
            grown(source, size)
            for name in formats.split(","):
                code = f"from convert import convert; convert({str(source)!r}, {str(Path(folder) / 'target')!r}, {name!r})"
                done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
                seconds, peak = map(float, done.stdout.split())
                print(f"| {name} | {source.stat().st_size / 1e6:.0f} | {source.stat().st_size / 1e6 / seconds:.1f} | {peak:.0f} |", flush=True)


if __name__ == "__main__":
    typer.run(main)
