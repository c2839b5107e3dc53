"""What the machine can do: how fast it multiplies matrices, and on how many of its cores this process may run."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable
from pathlib import Path

from arabie.engines.choice import cores, has_bf16
from arabie.errors import ConfigError

ROWS, SIZE, WIDE = 2048, 768, 3072  # a batch of pieces times a matrix of BERT's wide layers
PRODUCTS = 4  # that are timed together
OPERATIONS = PRODUCTS * 2 * ROWS * SIZE * WIDE


def products() -> dict[str, Callable[[], object]]:
    """For each precision that the processor computes in: OPERATIONS of nothing but matrix products."""
    return {precision: _products(precision) for precision in ("fp32", "bf16") if precision == "fp32" or has_bf16()}


def _products(precision: str) -> Callable[[], object]:
    import torch

    kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    batch, weights = torch.randn(ROWS, SIZE).to(kind), torch.randn(SIZE, WIDE).to(kind)
    out = torch.empty(ROWS, WIDE, dtype=kind)
    return lambda: [torch.mm(batch, weights, out=out) for _ in range(PRODUCTS)]


def processor() -> str:
    """The name of the processor, as the system tells it."""
    try:
        told = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        told = None
    return told[1] if told else platform.processor() or platform.machine()


def cores_used() -> str:
    """On how many cores this process may run, in words."""
    return "1 core" if cores() == 1 else f"{cores()} cores"


def restart_on(threads: int) -> None:
    """Start this process anew on so many cores, and with as many threads, unless it runs so already.

    Libraries read the number of threads when they are loaded, so it cannot be changed later.
    """
    if os.environ.get("OMP_NUM_THREADS") == str(threads) and cores() <= threads:
        return
    if not hasattr(os, "sched_setaffinity"):
        raise ConfigError("--threads needs Linux, where a process can be held to some of the cores")
    if cores() < threads:
        raise ConfigError(f"--threads {threads}: this process may run on {cores()} cores only")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.execv(sys.executable, [sys.executable, *sys.argv])
