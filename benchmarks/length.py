"""How time and memory grow with the length of a text: texts of 0 to 1,000,000 words, each in a process of its own.

    python benchmarks/length.py
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time

SIZES = (0, 1, 10, 1_000, 10_000, 100_000, 1_000_000)
SENTENCE = "انشق خمسة عناصر من الدفاع الوطني قرب بلدة التبني غربي دير الزور بسبب انقطاع رواتبهم منذ ثلاثة أشهر\n"


def measure(count: int) -> dict[str, float]:
    """Seconds to extract from a text of so many words, spans found, and this process's peak memory in MB."""
    from arabie import load
    from arabie.model_folder import DEFAULT_MODEL

    extractor = load(DEFAULT_MODEL, device="cpu")
    words = SENTENCE.split(" ")
    text = " ".join((words * (count // len(words) + 1))[:count])
    extractor.extract(SENTENCE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    document = extractor.extract(text)
    taken = time.perf_counter() - started
    assert all(text[span.start:span.end] == span.text for span in document.spans)
    return {"words": count, "seconds": taken, "spans": len(document.spans), "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "before": before}


def main() -> None:
    """Run each size in its own process and print a Markdown table."""
    print("| words | seconds | words a second | spans | peak memory, MB | of it before the text, MB |\n|---:|---:|---:|---:|---:|---:|")
    for size in SIZES:
        done = subprocess.run([sys.executable, __file__, str(size)], capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        rate = size / found["seconds"] if size else 0
        print(f"| {size:,} | {found['seconds']:.2f} | {rate:,.0f} | {found['spans']:,} | {found['peak']:,.0f} | {found['before']:,.0f} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]))))
    else:
        main()
