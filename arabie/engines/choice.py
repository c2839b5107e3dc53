"""Which engine runs a model: by name, or the fastest that is known to give the same answers."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from arabie.errors import ModelError, nearest

if TYPE_CHECKING:
    from arabie.engines import Runtime


@dataclass(frozen=True)
class Kind:
    """An engine that arabie knows: the package it needs, how that is installed, and what it offers, the plainest first.

    ``quantiser`` is another package, which makes the int8 weights.
    """

    package: str
    install: str
    devices: tuple[str, ...]
    precisions: tuple[str, ...]
    quantiser: str | None = None

    def installed(self) -> bool:
        """Whether the package is there; it is not imported for that."""
        return importlib.util.find_spec(self.package) is not None


KINDS: Mapping[str, Kind] = {
    "torch": Kind("torch", "torch", ("cpu", "cuda", "mps"), ("fp32", "bf16", "fp16")),
    "openvino": Kind("openvino", '"arabie[openvino]"', ("cpu",), ("fp32", "bf16", "int8"), "nncf"),
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

    @property
    def version(self) -> str:
        """The versions of the packages on which the answers depend."""
        packages = [self.kind.package, self.kind.quantiser if self.precision == "int8" else None]
        return "-".join(map(_version, filter(None, packages)))

    def open(self, folder: Path) -> Runtime:
        """The runtime of a model's folder. Raises ModelError if the model or the engine cannot be used."""
        try:
            module = importlib.import_module(f"arabie.engines.{self.engine}")
        except ImportError as error:
            told = f"engine {self.engine!r} cannot be loaded: {error}"
            raise ModelError(f"{told}; pip install {self.kind.install}") from None
        return module.open_runtime(folder, self)


def offered(engine: str | None, device: str, precision: str | None) -> list[Choice]:
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
    found = [Choice(name, device, offer) for name, kind in kinds.items() for offer in kind.precisions
             if precision in (None, offer)]
    if not found:
        told = "; ".join(f"{name} offers {', '.join(kind.precisions)}" for name, kind in kinds.items())
        raise ModelError(f"precision {precision!r} isn't offered on {device}: {told}")
    return found


def best_device(engine: str | None, precision: str | None) -> str:
    """The device to use where none is named: a GPU if torch finds one and is to be used, or else the CPU."""
    fits = engine in (None, "torch") and precision in (None, *KINDS["torch"].precisions)
    if not fits or not KINDS["torch"].installed() or not _may_have_gpu():
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


def cores() -> int:
    """On how many cores this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int | None:
    """How many threads an engine is to use, by the variable that torch goes by; None: as it likes."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    return int(told) if told.isdecimal() and int(told) else None


def _may_have_gpu() -> bool:
    """Whether it is worth the second that it takes to load torch and ask."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    drivers = Path("/proc/driver/nvidia"), Path("/dev/kfd")
    return shutil.which("nvidia-smi") is not None or any(driver.exists() for driver in drivers)


def _version(package: str) -> str:
    """The version of a package, which is imported only if it was installed under another name."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        if importlib.util.find_spec(package) is None:
            return "none"
        return importlib.import_module(package).__version__


def _check_name(what: str, name: str | None, known: Mapping[str, object]) -> None:
    if name is not None and name not in known:
        raise ModelError(f"unknown {what} {name!r}; {nearest(name, known)}")
