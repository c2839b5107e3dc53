"""Which engine runs a model: by name, or the fastest that is known to give the same answers."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from arabie.errors import ModelError, nearest

if TYPE_CHECKING:
    from arabie.engines import Runtime


@dataclass(frozen=True)
class Kind:
    """An engine that arabie knows: the package it needs, how that is installed, and what it offers, the plainest first."""

    package: str
    install: str
    devices: tuple[str, ...]
    precisions: tuple[str, ...]

    def installed(self) -> bool:
        """Whether the package is there; it is not imported for that."""
        return importlib.util.find_spec(self.package) is not None

    def version(self) -> str:
        """The package's version; it is imported only if it was installed under another name."""
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return importlib.import_module(self.package).__version__


KINDS: Mapping[str, Kind] = {
    "torch": Kind("torch", "torch", ("cpu", "cuda", "mps"), ("fp32", "bf16", "fp16")),
    "openvino": Kind("openvino", '"arabie[openvino]"', ("cpu",), ("fp32", "bf16", "int8")),
    "onnx": Kind("onnxruntime", '"arabie[onnx]"', ("cpu",), ("fp32", "int8")),
}


@dataclass(frozen=True)
class Choice:
    """An engine, the device it runs on ("cuda:1" too), and the precision of its encoder."""

    engine: str
    device: str
    precision: str

    def __str__(self) -> str:
        return f"{self.engine} {self.precision} on {self.device}"

    @property
    def kind(self) -> Kind:
        return KINDS[self.engine]

    def open(self, folder: Path) -> Runtime:
        """The runtime of a model's folder. Raises ModelError if the model or the engine cannot be used."""
        return importlib.import_module(f"arabie.engines.{self.engine}").open_runtime(folder, self)


def offered(engine: str | None, device: str, precision: str | None) -> Iterator[Choice]:
    """What fits of what is installed, the plainest first. Raises ModelError if nothing does."""
    _check_name("engine", engine, KINDS)
    _check_name("precision", precision, dict.fromkeys(found for kind in KINDS.values() for found in kind.precisions))
    kinds = {name: kind for name, kind in KINDS.items() if engine in (None, name)}
    kinds = {name: kind for name, kind in kinds.items() if kind.installed()}
    if not kinds:
        raise ModelError(f"engine {engine!r} isn't installed; pip install {KINDS[engine].install}")
    kinds = {name: kind for name, kind in kinds.items() if device.split(":")[0] in kind.devices}
    if not kinds:
        raise ModelError(f"device {device!r} cannot be used here by {engine or 'any engine'}; try device='cpu'")
    found = [Choice(name, device, offer) for name, kind in kinds.items() for offer in kind.precisions if precision in (None, offer)]
    if not found:
        told = "; ".join(f"{name} offers {', '.join(kind.precisions)}" for name, kind in kinds.items())
        raise ModelError(f"precision {precision!r} isn't offered on {device}: {told}")
    yield from found


def best_device(engine: str | None, precision: str | None) -> str:
    """The device to use where none is named: a GPU if torch finds one and is to be used, or else the CPU."""
    kind = KINDS["torch"]
    if engine not in (None, "torch") or precision not in (None, *kind.precisions) or not (_may_have_gpu() and kind.installed()):
        return "cpu"
    from arabie.engines.torch import find_device

    return str(find_device(None))


def has_bf16() -> bool:
    """Whether this processor is known to compute in bf16."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(flag in told.split() for flag in ("avx512_bf16", "amx_bf16", "bf16"))


def threads() -> int:
    """How many threads to use: as many as torch does."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(told) if told.isdecimal() and int(told) else cores


def _may_have_gpu() -> bool:
    """Whether it is worth the second that it takes to load torch and ask."""
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return apple or shutil.which("nvidia-smi") is not None or any(map(Path.exists, map(Path, ("/proc/driver/nvidia", "/dev/kfd"))))


def _check_name(what: str, name: str | None, known: Mapping[str, object]) -> None:
    if name is not None and name not in known:
        raise ModelError(f"unknown {what} {name!r}; {nearest(name, known)}")
