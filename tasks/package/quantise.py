"""The int8 twin of an ONNX model: weights of 8 bits, activations rounded as they come."""

from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from tasks.package.export import quiet, strip, write_onnx
from tasks.package.params import Int8Params


def write_int8(source: Path, target: Path, params: Int8Params) -> None:
    """Quantise the model file `source` to `target`; the same input gives the same bytes."""
    kept = find_narrowing(onnx.load(source)) if params.keep_narrowing else []
    with quiet():
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=list(params.operators),
            nodes_to_exclude=kept,
            per_channel=params.per_channel,
            reduce_range=params.reduce_range,
            weight_type=QuantType.QInt8,
            # a product of two activations (attention) loses more than it gains
            extra_options={"MatMulConstBOnly": True},
        )
    proto = onnx.load(target)
    strip(proto)
    write_onnx(target, proto)


def find_narrowing(proto: onnx.ModelProto) -> list[str]:
    """Names of matrix products with more inputs than outputs: the last of a transformer's layer.

    Their inputs, behind the activation function, have outliers that spoil the rounding of all.
    """
    shapes = {weights.name: tuple(weights.dims) for weights in proto.graph.initializer}
    products = [node for node in proto.graph.node if node.op_type == "MatMul"]
    with_weights = [
        (node.name, shapes[node.input[1]]) for node in products if node.input[1] in shapes
    ]
    return [name for name, (num_inputs, num_outputs) in with_weights if num_inputs > num_outputs]
