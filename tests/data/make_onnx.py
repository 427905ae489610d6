"""Makes tests/data/onnx/: what tests/golden/onnx lacks, in its format.

    python tests/data/make_onnx.py      (onnx, onnxruntime, torch, numpy)

The outputs are onnxruntime's, where it has the option (f32); for layout 1 those of ONNX' own reference evaluator, or, for two
directions, onnxruntime's with the axes turned. Beside the fields of tests/golden a case has
    node     the name to ask the file for; without one it is the only node
    fixed    inputs that stand in the file and are not given
"""

import io
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import golden

warnings.filterwarnings("ignore")

FAMILY = golden.Family("onnx")
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
OUTPUTS = {"LSTM": ["Y", "Y_h", "Y_c"], "GRU": ["Y", "Y_h"], "RNN": ["Y", "Y_h"]}
ORDER = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"]


def info(name, array=None):
    """An input of the shape of `array`, or an output."""
    if array is None:
        axes = 4 if name.endswith("Y") else 3
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * axes)
    kind = TensorProto.INT32 if array.dtype == np.int32 else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, kind, array.shape)


def model_of(nodes, inputs, outputs, initializers):
    graph = helper.make_graph(nodes, "graph", [info(*i) for i in inputs.items()], [info(o) for o in outputs],
                              [numpy_helper.from_array(v, k) for k, v in initializers.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8, producer_name="")


def runtime(model, feeds, outputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = {i.name for i in session.get_inputs()}
    return session.run(outputs, {k: v for k, v in feeds.items() if k in names})


def case_id(name):
    return f"p{len(FAMILY.cases):02}_{name}"


def keep(case, op, model, given, fixed, outputs, config, node=None):
    FAMILY.cases.append({
        "id": case, "cell": op, "opset": 14, "config": config, "node": node, "fixed": sorted(fixed),
        "file": FAMILY.file(f"{case}.onnx", model.SerializeToString()),
        "inputs": {k: FAMILY.tensor(case, k, v) for k, v in (given | fixed).items()},
        "outputs": [FAMILY.output(case, "name", name, value) for name, value in outputs.items()],
    })


class Node:
    """A recurrent node with random weights and inputs."""

    def __init__(self, op, features, units, time=5, samples=3, lens=None, state=False, bias=True, peepholes=False,
                 dtype=np.float32, **attributes):
        rng = np.random.default_rng(len(FAMILY.cases) + 7)
        directions = 2 if attributes.get("direction") == "bidirectional" else 1
        self.op, self.attributes = op, {"hidden_size": units} | attributes
        self.batch_first = attributes.get("layout") == 1
        rows = GATES[op] * units

        def numbers(*shape, scale=0.6):
            return (rng.standard_normal(shape) * scale).astype(dtype)

        self.weights = {"W": numbers(directions, rows, features), "R": numbers(directions, rows, units)}
        if bias:
            self.weights["B"] = numbers(directions, 2 * rows, scale=0.4)
        if peepholes:
            self.weights["P"] = numbers(directions, 3 * units)
        self.given = {"X": numbers(time, samples, features, scale=1.0)}
        if lens is not None:
            self.given["sequence_lens"] = np.array(lens, dtype=np.int32)
        if state:
            for name in ["initial_h", "initial_c"][: 2 if op == "LSTM" else 1]:
                self.given[name] = numbers(directions, samples, units)
        if self.batch_first:
            self.given = {k: v if v.ndim == 1 else np.ascontiguousarray(v.swapaxes(0, 1)) for k, v in self.given.items()}

    def node(self, name="node", names=None, outputs=None, attributes=None):
        """`names` says what its inputs are called, if not as ONNX calls them."""
        present = self.weights | self.given
        names = {k: k for k in present} | (names or {})
        inputs = [names[k] if k in present else "" for k in ORDER]
        while inputs[-1] == "":
            inputs.pop()
        return helper.make_node(self.op, inputs, outputs or OUTPUTS[self.op], name,
                                **(self.attributes if attributes is None else attributes))

    def plain(self, name="node"):
        return model_of([self.node(name)], self.given, OUTPUTS[self.op], self.weights)

    def results(self):
        outputs = OUTPUTS[self.op]
        if not self.batch_first:
            return dict(zip(outputs, runtime(self.plain(), self.given, outputs)))
        if "direction" not in self.attributes and "sequence_lens" not in self.given:
            return dict(zip(outputs, ReferenceEvaluator(self.plain()).run(outputs, self.given)))
        attributes = {k: v for k, v in self.attributes.items() if k != "layout"}
        given = {k: v if v.ndim == 1 else np.ascontiguousarray(v.swapaxes(0, 1)) for k, v in self.given.items()}
        model = model_of([self.node(attributes=attributes)], given, outputs, self.weights)
        y, *ends = runtime(model, given, outputs)
        return dict(zip(outputs, [y.transpose(2, 0, 1, 3), *(end.swapaxes(0, 1) for end in ends)]))


def add(name, *args, **options):
    node = Node(*args, **options)
    case = case_id(name)
    keep(case, node.op, node.plain(), node.given, {}, node.results(), node.attributes)


BOTH, BACK = {"direction": "bidirectional"}, {"direction": "reverse"}
FULL = ["HardSigmoid", "Elu", "Softsign", "Sigmoid", "ScaledTanh", "Affine"]

add("lstm_peepholes_both", "LSTM", 3, 4, peepholes=True, state=True, clip=0.8, **BOTH)
add("lstm_coupled_back", "LSTM", 3, 4, peepholes=True, lens=[2, 5, 4], state=True, input_forget=1, **BACK)
add("lstm_peepholes_no_bias", "LSTM", 3, 4, peepholes=True, bias=False)
add("lstm_empty_samples", "LSTM", 3, 4, lens=[0, 5, 2], state=True, **BOTH)
add("lstm_activations", "LSTM", 3, 4, state=True, activations=FULL, activation_alpha=[0.3, 0.7, 1.7, 0.9],
    activation_beta=[0.4, 0.6, 0.1], **BOTH)
add("lstm_defaults", "LSTM", 3, 4, activations=["HardSigmoid", "LeakyRelu", "Elu"])
add("lstm_clip_coupled", "LSTM", 3, 4, clip=0.2, input_forget=1, state=True)
add("lstm_wide", "LSTM", 5, 19, time=9, samples=2, lens=[9, 6], **BOTH)
add("gru_clip_after", "GRU", 3, 4, clip=0.25, linear_before_reset=1, state=True)
add("gru_clip_before", "GRU", 3, 4, clip=0.25, linear_before_reset=0, state=True, **BOTH)
add("gru_activations", "GRU", 3, 4, linear_before_reset=1,
    activations=["HardSigmoid", "LeakyRelu", "Sigmoid", "ThresholdedRelu"],
    activation_alpha=[0.25, 0.1, 0.3], activation_beta=[0.45], **BOTH)
add("gru_back_padded", "GRU", 3, 4, lens=[1, 5, 3], state=True, linear_before_reset=0, **BACK)
add("gru_no_bias", "GRU", 3, 4, bias=False, linear_before_reset=0)
add("gru_empty_samples", "GRU", 3, 4, lens=[0, 0, 3], state=True, linear_before_reset=1, **BACK)
add("gru_wide", "GRU", 5, 19, time=9, samples=2, lens=[4, 9], linear_before_reset=0, **BOTH)
add("rnn_clip", "RNN", 3, 4, clip=0.3, **BOTH)
add("rnn_activations", "RNN", 3, 4, activations=["Softplus", "ScaledTanh"], activation_alpha=[1.7],
    activation_beta=[0.6], **BOTH)
add("rnn_back_padded", "RNN", 3, 4, lens=[4, 0, 5], state=True, **BACK)
add("lstm_layout", "LSTM", 3, 4, state=True, layout=1)
add("gru_layout", "GRU", 3, 4, linear_before_reset=1, layout=1)
add("rnn_layout", "RNN", 3, 4, state=True, layout=1)
add("lstm_layout_both", "LSTM", 3, 4, state=True, lens=[3, 5, 0], layout=1, **BOTH)
add("gru_layout_back", "GRU", 3, 4, state=True, lens=[3, 5, 1], layout=1, linear_before_reset=0, **BACK)


def add_model(name, node, nodes, initializers, fixed=(), ask=None):
    """`nodes` make what the node takes; everything is in the file but what is given at run time."""
    case = case_id(name)
    held = {k: node.given[k] for k in fixed}
    given = {k: v for k, v in node.given.items() if k not in fixed}
    model = model_of(nodes, given, OUTPUTS[node.op], initializers | held)
    onnx.checker.check_model(model)
    results = dict(zip(OUTPUTS[node.op], runtime(model, given, OUTPUTS[node.op])))
    for output, value in node.results().items():
        assert np.array_equal(results[output], value), (name, output)
    keep(case, node.op, model, given, held, results, node.attributes, ask)


def constant(name, value):
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value)))


# What the file fixes.
node = Node("LSTM", 3, 4, state=True, lens=[4, 5, 1])
add_model("fixed_inputs", node, [node.node()], node.weights, fixed=["initial_h", "initial_c", "sequence_lens"])
node = Node("GRU", 3, 4, state=True, linear_before_reset=1)
node.given["initial_h"] *= 0
add_model("fixed_zeros", node, [node.node()], node.weights, fixed=["initial_h"])

# The ways that weights come: constants, and what operators make of them.
node = Node("LSTM", 3, 4)
add_model("constants", node, [constant(k, v) for k, v in node.weights.items()] + [node.node()], {})
node = Node("RNN", 2, 3)
shape = helper.make_node("Constant", [], ["shape"], value_ints=[0, 3, 2])
floats = helper.make_node("Constant", [], ["floats"], value_floats=node.weights["W"].ravel().tolist())
steps = [
    shape, floats,
    helper.make_node("Reshape", ["rows", "shape"], ["W"]), helper.make_node("Reshape", ["floats", "two"], ["rows"]),
    helper.make_node("Identity", ["R_"], ["R__"]), helper.make_node("Transpose", ["R__"], ["R"], perm=[0, 2, 1]),
    helper.make_node("Squeeze", ["B_", "first"], ["B"]),
]
steps[2], steps[3] = steps[3], steps[2]
add_model("operators", node, steps + [node.node()], {
    "two": np.array([1, -1]), "first": np.array([0]), "R_": node.weights["R"].swapaxes(1, 2).copy(),
    "B_": node.weights["B"][None]})
node = Node("GRU", 2, 3, linear_before_reset=1)
node.weights["W"] = node.weights["W"].astype(np.float16).astype(np.float32)
steps = [helper.make_node("Cast", ["W16"], ["W"], to=TensorProto.FLOAT), helper.make_node("Transpose", ["R_"], ["R"])]
add_model("cast", node, steps + [node.node()], {
    "W16": node.weights["W"].astype(np.float16), "R_": node.weights["R"].transpose(2, 1, 0).copy(),
    "B": node.weights["B"]})

# A node without a name, asked for by an output; two nodes in one graph.
node = Node("LSTM", 3, 4)
add_model("by_output", node, [node.node(name="")], node.weights, ask="Y_h")
node, other = Node("RNN", 3, 3), Node("RNN", 3, 3, activations=["Relu"])
more = {k + "2": v for k, v in other.weights.items()}
second = other.node("upper", {k: k + "2" for k in other.weights} | {"X": "squeezed"}, ["Y2"])
steps = [node.node("lower"), constant("one", np.array([1])), helper.make_node("Squeeze", ["Y", "one"], ["squeezed"]), second]
add_model("two_nodes", node, steps, node.weights | more, ask="lower")


# In the branches of an If, with weights from the graph around it.
def branch(node, name):
    names = {k: f"{name}/{k}" for k in node.weights}
    outputs = [f"{name}/{o}" for o in OUTPUTS[node.op]]
    steps = [helper.make_node("Unsqueeze", [f"{name}/W_", "zero"], [f"{name}/W"]),
             node.node(f"{name}/LSTM", names, outputs)]
    graph = helper.make_graph(steps, name, [], [info(o) for o in outputs],
                              [numpy_helper.from_array(node.weights["R"], f"{name}/R")])
    return graph, {f"{name}/W_": node.weights["W"][0], f"{name}/B": node.weights["B"]}


for which in ["then", "else"]:
    then, other = Node("LSTM", 3, 4, state=True), Node("LSTM", 3, 4, state=True, time=4)
    other.given = then.given
    (then_graph, then_weights), (else_graph, else_weights) = branch(then, "then"), branch(other, "else")
    choose = helper.make_node("If", ["choice"], OUTPUTS["LSTM"], "if", then_branch=then_graph, else_branch=else_graph)
    model = model_of([choose], then.given, OUTPUTS["LSTM"],
                     {"choice": np.array(which == "then"), "zero": np.array([0])} | then_weights | else_weights)
    onnx.checker.check_model(model)
    results = runtime(model, then.given, OUTPUTS["LSTM"])
    keep(case_id(f"if_{which}"), "LSTM", model, then.given, {}, dict(zip(OUTPUTS["LSTM"], results)), {}, f"{which}/LSTM")

# In the body of a Loop that runs once.
node = Node("GRU", 3, 4, linear_before_reset=0)
body = helper.make_graph(
    [helper.make_node("Identity", ["going"], ["on"]), node.node("loop/GRU")], "body",
    [helper.make_tensor_value_info("turn", TensorProto.INT64, []), helper.make_tensor_value_info("going", TensorProto.BOOL, [])],
    [helper.make_tensor_value_info("on", TensorProto.BOOL, []), info("Y"), info("Y_h")],
    [numpy_helper.from_array(node.weights["R"], "R")])
del node.weights["R"]
once = [helper.make_node("Loop", ["count", ""], ["Ys", "Y_hs"], "loop", body=body),
        helper.make_node("Squeeze", ["Ys", "zero"], ["Y"]), helper.make_node("Squeeze", ["Y_hs", "zero"], ["Y_h"])]
model = model_of(once, node.given, ["Y", "Y_h"],
                 {"count": np.array(1), "zero": np.array([0])} | node.weights)
onnx.checker.check_model(model)
keep(case_id("loop"), "GRU", model, node.given, {}, dict(zip(["Y", "Y_h"], runtime(model, node.given, ["Y", "Y_h"]))), {},
     "loop/GRU")


# As PyTorch exports them, with the weights folded and not: the whole graph gives the module's outputs.
def exported(name, module, folded):
    torch.manual_seed(len(FAMILY.cases))
    case, op = case_id(name), type(module).__name__
    x = torch.randn(5, 3, 3)
    buffer = io.BytesIO()
    torch.onnx.export(module, (x,), buffer, dynamo=False, do_constant_folding=folded, opset_version=14,
                      dynamic_axes={"x": {1: "samples"}}, input_names=["x"])
    model = onnx.load_from_string(buffer.getvalue())
    # The first node of the graph is asked for; what it gives is an output, so that onnxruntime shows it.
    node = next(n for n in model.graph.node if n.op_type == op)
    wanted = dict(zip(OUTPUTS[op], node.output))
    for value in wanted.values():
        if value not in {o.name for o in model.graph.output}:
            model.graph.output.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, None))
    results = runtime(model, {"x": x.numpy()}, list(wanted.values()))
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    config = {"direction": attributes.get("direction", b"forward").decode()}
    keep(case, op, model, {"X": x.numpy()}, {}, dict(zip(wanted, results)), config, node.name)


with torch.no_grad():
    torch.manual_seed(1)
    exported("torch_lstm", torch.nn.LSTM(3, 4, bidirectional=True), False)
    exported("torch_lstm_folded", torch.nn.LSTM(3, 4, num_layers=2), True)
    exported("torch_gru", torch.nn.GRU(3, 4, bidirectional=True), False)
    exported("torch_rnn", torch.nn.RNN(3, 4, nonlinearity="relu"), False)
FAMILY.save()
