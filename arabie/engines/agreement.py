"""Whether an engine gives the answers of torch in fp32: measured, kept, and asked before an engine is chosen.

What was measured holds for the very model, engine version and export that it was measured with, and for nothing else.
It is kept in the user's cache folder; a model's folder may bring its own along, in AGREEMENT.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from arabie.engines.cache import EXPORT, cache_folder, is_whole, place_of
from arabie.engines.choice import KINDS, Choice, has_bf16
from arabie.formats.files import atomic_writer
from arabie.model_folder import digest

AGREEMENT = "agreement.json"
MOST_F1 = 0.003  # by which the F1 of a layer may differ
LEAST_SAME = 0.995  # of the spans that have to be the same
TORCH_FREE = 1.25  # how much an engine's speed counts for if it does without torch
REFERENCE = Choice("torch", "cpu", "fp32")


@dataclass(frozen=True)
class Agreement:
    """How an engine's answers compare with those of torch in fp32.

    ``spans`` and ``relations`` are the shares that are the same (twice those of both over all of either). ``f1`` has
    the strict F1 of each layer and of «relations», ``reference_f1`` that of torch. ``speed`` is how many times as fast
    it was. ``machine`` is the kind of processor.
    """

    engine: str
    precision: str
    device: str
    machine: str
    version: str
    export: int
    model: str
    documents: int
    spans: float
    relations: float
    f1: Mapping[str, float]
    reference_f1: Mapping[str, float]
    speed: float

    @property
    def passed(self) -> bool:
        """Whether the engine may be chosen where none is named."""
        off = [abs(self.f1[layer] - f1) for layer, f1 in self.reference_f1.items() if layer != "relations"]
        return self.spans >= LEAST_SAME and max(off) <= MOST_F1

    @property
    def key(self) -> tuple:
        """What it holds for: an engine, as it is installed, on a kind of machine, and a model."""
        return self.engine, self.precision, self.device, self.machine, self.version, self.export, self.model


def key_of(choice: Choice, model: str) -> tuple:
    """The key of the Agreement of an engine, as it is installed here, with the model of that digest."""
    device = choice.device.split(":")[0]
    return choice.engine, choice.precision, device, _machine(choice.precision), choice.version, EXPORT, model


def _machine(precision: str) -> str:
    """The kind of processor on which answers in a precision depend: in fp32 all of one architecture compute alike."""
    return f"{platform.machine()} bf16" if precision != "fp32" and has_bf16() else platform.machine()


def keep(agreement: Agreement) -> None:
    """Keep an agreement in the user's cache folder, in place of an earlier one that it holds for."""
    path = _path(agreement.model)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        kept = [found for found in _read(path) if found.key != agreement.key]
        with atomic_writer(path) as stream:
            json.dump([asdict(found) for found in [*kept, agreement]], stream, indent=1)


def known(folder: Path, choices: Iterable[Choice]) -> dict[Choice, Agreement]:
    """What was measured of engines, as they are installed, with this model: here, or by who made the model's folder."""
    model = digest(folder)
    kept = {found.key: found for path in (folder / AGREEMENT, _path(model)) for found in _read(path)}
    keys = {choice: key_of(choice, model) for choice in choices}
    return {choice: kept[key] for choice, key in keys.items() if key in kept}


def fastest(folder: Path, choices: Sequence[Choice]) -> Choice:
    """The fastest of the choices that are known to agree with torch in fp32; the first if none is. One that does without
    torch starts in a fraction of the time, and is taken if it is nearly as fast."""
    if len(choices) == 1:
        return choices[0]
    measured = known(folder, filter(is_native, choices))
    speeds = {choice: agreement.speed * (1.0 if choice.engine == "torch" else TORCH_FREE)
              for choice, agreement in measured.items() if agreement.passed}
    return max(speeds, key=speeds.get, default=choices[0])


def is_native(choice: Choice) -> bool:
    """Whether the precision is one that the processor computes in, and not one that it would have to imitate."""
    return choice.precision != "bf16" or choice.device != "cpu" or has_bf16()


@dataclass(frozen=True)
class Status:
    """How things stand with an engine in one precision, for one model."""

    choice: Choice
    installed: bool
    exported: bool  # always, where there is nothing to export
    agreement: Agreement | None


def survey(folder: Path) -> Iterator[Status]:
    """How things stand with every engine that runs on a CPU, the reference first."""
    choices = [Choice(name, "cpu", precision) for name, kind in KINDS.items() for precision in kind.precisions]
    agreements = known(folder, (choice for choice in choices if choice.kind.installed()))
    for choice in choices:
        here = choice.kind.installed()
        exported = here and (choice.engine == "torch" or is_whole(place_of(folder, choice)))
        yield Status(choice, here, exported, agreements.get(choice))


def _path(model: str) -> Path:
    return cache_folder() / model[:32] / AGREEMENT


def _read(path: Path) -> list[Agreement]:
    """The agreements in a file; none if it isn't there or isn't what ``keep`` writes, so that one measures anew."""
    try:
        return [Agreement(**found) for found in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []
