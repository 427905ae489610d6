"""Files of `field/onnx`: quantised LSTMs of every form that ONNX Runtime runs, plain ones whose weights pass through
DequantizeLinear, and graphs without a recurrent node. Needs onnx, onnxruntime and numpy; writes into `field/onnx` beside it.

default.onnx, default.onnx.data, float.onnx and quantized.onnx were made by make_default.py and make_quantized.py there.

Each quantised model has a float one beside it, the LSTM of its weights as they are after dequantisation, and what ONNX
Runtime gives for both: `exact` of the float one, which is what this crate has to give, and `runtime` of the quantised one,
which quantises the activations as well."""
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper as nh

FOLDER = pathlib.Path(__file__).parent / "field" / "onnx"
info = h.make_tensor_value_info
F, H = 3, 4


def save(name, nodes, arrays, outputs=(("Y", T.FLOAT),), inputs=(("X", [5, 2, F]),), opset=21):
    graph = h.make_graph(
        nodes,
        "g",
        [info(n, T.FLOAT, s) for n, s in inputs],
        [info(n, t, None) for n, t in outputs],
        [nh.from_array(a, n) for n, a in arrays.items()],
    )
    ids = [h.make_opsetid("", opset), h.make_opsetid("com.microsoft", 1)]
    model = h.make_model(graph, opset_imports=ids)
    model.ir_version = 10
    if name:
        onnx.save(model, str(FOLDER / name))
    return model.SerializeToString()


def run(model, x):
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["Y"], {"X": x})[0]


def quantize(r, shape, kind, per_channel):
    """Whole numbers (D, n, 4H), scales and zero points, and what they stand for."""
    low, high = (-127, 128) if kind == np.int8 else (0, 256)
    q = r.integers(low, high, shape).astype(kind)
    of = (shape[0], shape[2]) if per_channel else (shape[0],)
    scale = r.uniform(0.004, 0.02, of).astype("float32")
    zero = np.zeros(of, kind) if kind == np.int8 else r.integers(96, 160, of).astype(kind)
    if per_channel and kind == np.uint8:  # ONNX Runtime wants one zero point for all channels
        zero = np.full(of, 128, kind)
    wide = lambda a: a.reshape(of + (1,) * (3 - len(of))) if not per_channel else a[:, None, :]
    real = (q.astype("int32") - wide(zero).astype("int32")).astype("float32") * wide(scale)
    return q, scale, zero, real


def quantised():
    out = {}
    for number, (kind, per_channel, directions) in enumerate(
        [
            (np.int8, False, 1),
            (np.int8, True, 1),
            (np.uint8, False, 1),
            (np.uint8, True, 1),
            (np.int8, True, 2),
            (np.uint8, False, 2),
        ]
    ):
        r = np.random.default_rng(number)
        w, ws, wz, wf = quantize(r, (directions, F, 4 * H), kind, per_channel)
        q, rs, rz, rf = quantize(r, (directions, H, 4 * H), kind, per_channel)
        b = r.standard_normal((directions, 8 * H)).astype("float32")
        x = r.standard_normal((5, 2, F)).astype("float32")
        options = {"hidden_size": H, "direction": "bidirectional" if directions == 2 else "forward"}
        name = f"{np.dtype(kind).name}_{'channels' if per_channel else 'tensor'}_{directions}"
        node = h.make_node(
            "DynamicQuantizeLSTM",
            ["X", "W", "R", "B", "", "", "", "", "Ws", "Wz", "Rs", "Rz"],
            ["Y"],
            name="lstm",
            domain="com.microsoft",
            **options,
        )
        arrays = {"W": w, "R": q, "B": b, "Ws": ws, "Wz": wz, "Rs": rs, "Rz": rz}
        model = save(f"{name}.onnx", [node], arrays)
        plain = h.make_node("LSTM", ["X", "W", "R", "B"], ["Y"], name="lstm", **options)
        arrays = {"W": wf.transpose(0, 2, 1).copy(), "R": rf.transpose(0, 2, 1).copy(), "B": b}
        out[f"{name}.x"] = x
        out[f"{name}.exact"] = run(save(None, [plain], arrays), x)
        out[f"{name}.runtime"] = run(model, x)
        print(name, abs(out[f"{name}.exact"] - out[f"{name}.runtime"]).max())
    return out


def dequantised(out):
    """GRU and LSTM after DequantizeLinear: one scale, and one for each row of gates (axis 1)."""
    r = np.random.default_rng(100)
    x = r.standard_normal((5, 2, F)).astype("float32")
    for op, gates in (("LSTM", 4), ("GRU", 3)):
        q = r.integers(-128, 128, (1, gates * H, F)).astype("int8")
        u = r.integers(0, 256, (1, gates * H, H)).astype("uint8")
        arrays = {
            "Wq": q,
            "Ws": r.uniform(0.004, 0.02, gates * H).astype("float32"),
            "Wz": r.integers(-8, 8, gates * H).astype("int8"),
            "Rq": u,
            "Rs": np.float32(0.01),
            "Rz": np.uint8(120),
        }
        nodes = [
            h.make_node("DequantizeLinear", ["Wq", "Ws", "Wz"], ["W"], name="dw", axis=1),
            h.make_node("DequantizeLinear", ["Rq", "Rs", "Rz"], ["R"], name="dr"),
            h.make_node(op, ["X", "W", "R"], ["Y"], name="rnn", hidden_size=H),
        ]
        name = f"dequantized_{op.lower()}"
        out[f"{name}.x"], out[f"{name}.exact"] = x, run(save(f"{name}.onnx", nodes, arrays), x)


def others():
    """Graphs that have no recurrent node."""
    body = h.make_graph(
        [h.make_node("Identity", ["c"], ["d"]), h.make_node("MatMul", ["s", "R"], ["p"]), h.make_node("Tanh", ["p"], ["t"])],
        "body",
        [info("i", T.INT64, []), info("c", T.BOOL, []), info("s", T.FLOAT, [2, H])],
        [info("d", T.BOOL, []), info("t", T.FLOAT, [2, H])],
    )
    arrays = {"n": np.array(5), "true": np.array(True), "h": np.zeros((2, H), "float32"), "R": np.eye(H, dtype="float32")}
    loop = h.make_node("Loop", ["n", "true", "h"], ["Y"], name="loop", body=body)
    save("loop.onnx", [loop], arrays)
    nodes = [
        h.make_node("MatMul", ["X", "W"], ["a"]),
        h.make_node("Sigmoid", ["a"], ["b"]),
        h.make_node("Tanh", ["a"], ["c"]),
        h.make_node("Mul", ["b", "c"], ["Y"]),
    ]
    save("written_out.onnx", nodes, {"W": np.ones((F, H), "float32")})
    # An LSTM and the Dense after it.
    r = np.random.default_rng(7)
    a = lambda *s: r.standard_normal(s).astype("float32")
    nodes = [
        h.make_node("LSTM", ["X", "lstm.W", "lstm.R", "lstm.B"], ["", "last"], name="lstm", hidden_size=H),
        h.make_node("Squeeze", ["last", "axes"], ["flat"]),
        h.make_node("MatMul", ["flat", "dense.kernel"], ["product"]),
        h.make_node("Add", ["product", "dense.bias"], ["Y"]),
    ]
    arrays = {
        "lstm.W": a(1, 4 * H, F),
        "lstm.R": a(1, 4 * H, H),
        "lstm.B": a(1, 8 * H),
        "axes": np.array([0]),
        "dense.kernel": a(H, 2),
        "dense.bias": a(2),
    }
    x = a(5, 2, F)
    return {"dense.x": x, "dense.exact": run(save("dense.onnx", nodes, arrays), x)}


def main():
    out = quantised()
    dequantised(out)
    out.update(others())
    np.savez(FOLDER / "expected.npz", **out)


main()
