"""Networks changed so that they must not go live."""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def floats(network: onnx.ModelProto) -> list[onnx.TensorProto]:
    return [one for one in network.graph.initializer if one.data_type == TensorProto.FLOAT]


def set_weights(value: float) -> Callable[[onnx.ModelProto], object]:
    def change(network: onnx.ModelProto) -> None:
        for tensor in floats(network)[:3]:
            array = np.full(list(tensor.dims), value, dtype=np.float32)
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

    return change


def scale_weights(network: onnx.ModelProto) -> None:
    for tensor in floats(network)[:1]:
        array = numpy_helper.to_array(tensor) * np.float32(1.5)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def rename_input(network: onnx.ModelProto) -> None:
    for node in network.graph.node:
        node.input[:] = ["tokens" if name == "ids" else name for name in node.input]
    network.graph.input[0].name = "tokens"


def rename_output(network: onnx.ModelProto) -> None:
    for node in network.graph.node:
        node.output[:] = ["scores" if name == "logits" else name for name in node.output]
    network.graph.output[0].name = "scores"


def take_floats(network: onnx.ModelProto) -> None:
    network.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def put_weights_outside(network: onnx.ModelProto) -> None:
    tensor = floats(network)[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")


def add_foreign_operator(network: onnx.ModelProto) -> None:
    network.graph.node.append(helper.make_node("Shell", [], ["x"], domain="com.evil"))
    network.opset_import.append(helper.make_opsetid("com.evil", 1))


def hide_foreign_operator(network: onnx.ModelProto) -> None:
    """In a branch that no golden text takes."""
    shell = helper.make_node("Shell", [], ["y"], domain="com.evil")
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [])
    bodies = {
        name: helper.make_graph([shell], name, [], [result])
        for name in ("then_branch", "else_branch")
    }
    false = helper.make_tensor("no", TensorProto.BOOL, [], [False])
    network.graph.initializer.append(false)
    network.graph.node.append(helper.make_node("If", ["no"], ["x"], **bodies))


def add_function(network: onnx.ModelProto) -> None:
    network.functions.append(
        helper.make_function("", "Gelu", ["a"], ["b"], [helper.make_node("Identity", ["a"], ["b"])],
                             network.opset_import)
    )  # fmt: skip


def want_memory(network: onnx.ModelProto) -> None:
    """Ten gigabytes of zeros are made of one number and added to the answer, which stays right."""
    shape = numpy_helper.from_array(np.array([50_000, 50_000]), "hungry_shape")
    axes = numpy_helper.from_array(np.array([0, 1]), "hungry_axes")
    network.graph.initializer.extend([shape, axes])
    answer = network.graph.output[0].name
    for node in network.graph.node:
        node.output[:] = ["modest" if name == answer else name for name in node.output]
    network.graph.node.extend([
        helper.make_node("ConstantOfShape", ["hungry_shape"], ["hungry"]),
        helper.make_node("ReduceSum", ["hungry", "hungry_axes"], ["nought"], keepdims=0),
        helper.make_node("Add", ["modest", "nought"], [answer]),
    ])  # fmt: skip
