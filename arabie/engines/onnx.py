"""ONNX Runtime on a CPU, in fp32 or int8."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from arabie.engines.batching import Batch
from arabie.engines.cache import exported
from arabie.engines.choice import Choice, threads
from arabie.errors import ModelError

if TYPE_CHECKING:
    from arabie.engines.export import Graph


def open_runtime(folder: Path, choice: Choice) -> OnnxRuntime:
    """The runtime of a model's folder, exported first if need be. Raises ModelError if that isn't possible."""
    return OnnxRuntime(exported(folder, choice), choice)


class OnnxRuntime:
    """Runs an export."""

    def __init__(self, place: Path, choice: Choice) -> None:
        self.choice = choice
        self.pieces_a_batch = 2048
        self._encoder, self._heads, self._relations = (
            _session(place / f"{name}.onnx") for name in ("encoder", "heads", "relations"))

    def encode(self, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        """See Runtime."""
        for batch in batches:
            yield _run(self._encoder, *batch.inputs())[0]

    def label(self, states: np.ndarray) -> tuple[np.ndarray, ...]:
        """See Runtime."""
        return tuple(_run(self._heads, states))

    def relate(self, states: np.ndarray, spans: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        """See Runtime."""
        return _run(self._relations, states, spans, pairs)[0]


def _session(path: Path) -> onnxruntime.InferenceSession | None:
    if not path.exists():
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads() or 0
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, *given: np.ndarray) -> list[np.ndarray]:
    return session.run(None, dict(zip((wanted.name for wanted in session.get_inputs()), given, strict=True)))


def export(graphs: Sequence[Graph], precision: str, samples: Sequence[tuple[np.ndarray, ...]], target: Path) -> None:
    """Write the graphs; for int8 the encoder's weights are quantised, and its numbers whenever it is run."""
    import torch

    try:
        import onnxscript  # noqa: F401 - torch needs it, and says so at length
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise ModelError(f'{error.name}, which exports, isn\'t installed; pip install "arabie[onnx]"') from None
    for graph in graphs:
        path = target / f"{graph.name}.onnx"
        named = {axis: torch.export.Dim(axis) for axes in graph.axes.values() for axis in axes}
        shapes = {name: {place: named[axis] for place, axis in enumerate(axes)} for name, axes in graph.axes.items()}
        torch.onnx.export(graph.module, kwargs=dict(graph.inputs), f=path, dynamic_shapes=shapes, dynamo=True,
                          input_names=list(graph.inputs), output_names=list(graph.outputs), external_data=False)
        if graph.name == "encoder" and precision == "int8":
            quantize_dynamic(path, path, weight_type=QuantType.QInt8, per_channel=True,
                             nodes_to_exclude=list(_narrowing(path)))


def _narrowing(path: Path) -> Iterator[str]:
    """The products that int8 spoils; see the function of that name in ``openvino``."""
    import onnx

    graph = onnx.load(path).graph
    weights = {weight.name: weight.dims for weight in graph.initializer}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in weights and weights[node.input[1]][1] < weights[node.input[1]][0]:
            yield node.name
