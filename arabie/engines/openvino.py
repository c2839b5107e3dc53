"""OpenVINO on a CPU, in fp32, bf16 (on processors that have it) or int8."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import openvino

from arabie.engines.batching import Batch
from arabie.engines.cache import exported
from arabie.engines.choice import Choice, cores, threads
from arabie.errors import ModelError

if TYPE_CHECKING:
    from arabie.engines.export import Graph

CORES_A_STREAM = 4  # batches run at once, one a stream; fewer cores share one, since each stream takes memory of its own


def open_runtime(folder: Path, choice: Choice) -> OpenVinoRuntime:
    """The runtime of a model's folder, exported first if need be. Raises ModelError if that or bf16 isn't possible."""
    if choice.precision == "bf16" and not _has_bf16(openvino.Core()):
        raise ModelError("this processor doesn't compute in bf16; use precision 'int8' or 'fp32'")
    return OpenVinoRuntime(exported(folder, choice), choice)


def _has_bf16(core: openvino.Core) -> bool:
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoRuntime:
    """Runs an export; several batches at once."""

    def __init__(self, place: Path, choice: Choice) -> None:
        core = openvino.Core()
        hint = "f32" if choice.precision == "fp32" or not _has_bf16(core) else "bf16"  # in int8 of what isn't quantised
        self.choice = choice
        self.pieces_a_batch = 768
        shared = {"ENABLE_CPU_PINNING": False} | ({"INFERENCE_NUM_THREADS": threads()} if threads() else {})
        streams = max(1, (threads() or cores()) // CORES_A_STREAM)
        encoder = core.compile_model(place / "encoder.xml", "CPU", shared | {
            "NUM_STREAMS": streams, "INFERENCE_PRECISION_HINT": hint})
        at_once = encoder.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._requests = [encoder.create_infer_request() for _ in range(at_once)]
        alone = shared | {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        self._heads, self._relations = (
            core.compile_model(path, "CPU", alone).create_infer_request() if path.exists() else None
            for path in (place / "heads.xml", place / "relations.xml"))

    def encode(self, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        """See Runtime."""
        idle, running = deque(self._requests), deque()
        for batch in batches:
            if not idle:
                yield _states(running, idle)
            request = idle.popleft()
            request.start_async(batch.inputs())
            running.append(request)
        while running:
            yield _states(running, idle)

    def label(self, states: np.ndarray) -> tuple[np.ndarray, ...]:
        """See Runtime."""
        return tuple(scores.copy() for scores in self._heads.infer([states]).values())

    def relate(self, states: np.ndarray, spans: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """See Runtime."""
        return self._relations.infer([states, spans, pairs])[0].copy()


def _states(running: deque, idle: deque) -> np.ndarray:
    """What the request that has run longest found, which is then free for another batch."""
    request = running.popleft()
    request.wait()
    idle.append(request)
    return request.get_output_tensor(0).data.copy()


def export(graphs: Sequence[Graph], precision: str, samples: Sequence[tuple[np.ndarray, ...]], target: Path) -> None:
    """Write the graphs; for int8 the encoder's numbers are quantised by what they are on the samples."""
    for graph in graphs:
        model = openvino.convert_model(graph.module, example_input=dict(graph.inputs))
        if graph.name == "encoder" and precision == "int8":
            model = _quantised(model, samples)
        openvino.save_model(model, target / f"{graph.name}.xml", compress_to_fp16=False)


def _quantised(model: openvino.Model, samples: Sequence[tuple[np.ndarray, ...]]) -> openvino.Model:
    try:
        import nncf
    except ImportError:
        raise ModelError('nncf, which quantises, isn\'t installed; pip install "arabie[openvino]"') from None
    return nncf.quantize(model, nncf.Dataset(samples), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(samples),
                         ignored_scope=nncf.IgnoredScope(names=list(_narrowing(model))))


def _narrowing(model: openvino.Model) -> Iterator[str]:
    """The products with matrices that give fewer numbers than they take. In transformers these end the wide layers,
    whose numbers differ so much in size that int8 cannot tell the small ones apart."""
    for node in model.get_ops():
        if node.get_type_name() == "MatMul" and node.input_value(1).get_node().get_type_name() == "Constant":
            taken, given = node.input_value(1).get_shape()[::-1 if node.get_attributes()["transpose_b"] else 1]
            if given < taken:
                yield node.get_friendly_name()
