"""A row as an ONNX model of the standard operators, for the peers that read ONNX. Weights are constants.

    row of steps   x, h[, c]      -> Y_h[, Y_c]
    others         x[, lengths]   -> Y, Y_h[, Y_c]

Y is (timesteps, samples, directions * units) of a bidirectional row and (timesteps, 1, samples, units) of the others,
which has the numbers in the same order.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPERATOR = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}
ORDER = {"lstm": [0, 3, 1, 2], "gru": [1, 0, 2], "rnn": [0]}  # i f g o -> i o f g, r z n -> z r n


def build(row, with_c=True):
    """with_c=False: without the output Y_c."""
    constants, nodes = [], []

    def constant(name, array):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def gates(rows_of_gates):
        blocks = np.split(rows_of_gates, len(ORDER[row.cell]))
        return np.concatenate([blocks[i] for i in ORDER[row.cell]])

    lstm, below = row.cell == "lstm", "x"
    for i, layer in enumerate(row.weights()):
        last = i == row.layers - 1
        arrays = [[gates(a) for a in weights] for weights in layer]
        inputs = [
            below,
            constant(f"W{i}", np.stack([w for w, _, _, _ in arrays])),
            constant(f"R{i}", np.stack([r for _, r, _, _ in arrays])),
            constant(f"B{i}", np.stack([np.concatenate([b, rb]) for _, _, b, rb in arrays])),
            "lengths" if row.padded else "",
            *(["h"] + ["c"] * lstm if row.step else []),
        ]
        outputs = ["" if row.step else "Y" if last and row.directions == 1 else f"Y{i}"]
        outputs += ["Y_h" if last else ""] + ["Y_c" if last and with_c else ""] * lstm
        attributes = {"linear_before_reset": 1} if row.cell == "gru" else {}
        attributes["direction"] = "bidirectional" if row.directions == 2 else "forward"
        attributes["hidden_size"] = row.units
        nodes.append(helper.make_node(OPERATOR[row.cell], inputs, outputs, **attributes))
        if row.directions == 2:  # (timesteps, directions, samples, units)
            nodes.append(helper.make_node("Transpose", [f"Y{i}"], ["turned"], perm=[0, 2, 1, 3]))
            shape = np.array([row.timesteps, row.samples, 2 * row.units])
            nodes.append(helper.make_node("Reshape", ["turned", constant("shape", shape)], ["Y"]))
        elif not last:
            below = f"X{i + 1}"
            nodes.append(helper.make_node("Squeeze", [f"Y{i}", "axis"], [below]))
    if row.layers > 1:
        constant("axis", np.array([1]))

    def value(name, *shape, type=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, type, shape)

    state = (row.directions, row.samples, row.units)
    inputs = [value("x", row.timesteps, row.samples, row.features)]
    if row.step:
        inputs += [value(name, *state) for name in ["h"] + ["c"] * lstm]
    if row.padded:
        inputs.append(value("lengths", row.samples, type=TensorProto.INT32))
    outputs = [value(name, *state) for name in ["Y_h"] + ["Y_c"] * (lstm and with_c)]
    if not row.step:
        merged = row.directions == 2
        y = (row.samples, 2 * row.units) if merged else (1, row.samples, row.units)
        outputs.insert(0, value("Y", row.timesteps, *y))
    graph = helper.make_graph(nodes, row.id, inputs, outputs, initializer=constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def shapes(model):
    """{name: shape} of its inputs and of its outputs."""
    shape = lambda value: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
    return [{value.name: shape(value) for value in values} for values in (model.graph.input, model.graph.output)]
