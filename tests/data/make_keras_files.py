"""Makes tests/data/keras_files: files of Keras, and what Keras computes with them, in the form of tests/golden/keras_files.

    python tests/data/make_keras_files.py            keras >= 3 with TensorFlow: cases k3_*
    python tests/data/make_keras_files.py tf_keras   tf_keras: cases k2_* and cudnn_*
    python tests/data/make_keras_files.py keras1     tf_keras reads what is written here as Keras 1 wrote it: k1_*
    python tests/data/make_keras_files.py tf         tensorflow 2.12 to 2.14 with its own Keras: cases v2.12_* ...

Each run replaces the cases of its own kind; with a second argument it makes a part of them: `configured` those of `by_layer`,
`images` those of `images`, `attend` those of `attending`, `more` those of `more`.
Archives are deflated, to be small (those of Keras are stored: see tests/golden/keras_files). KERAS_FILES names another directory, KERAS_ALL=1 asks for every form of every case.
Weights and inputs are random f32, outputs are those of the same model in f64, rounded to f32. Used were Keras 3.15.1, tf_keras 2.21.0, TensorFlow 2.12.0, 2.13.1 and 2.14.1.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"

import zipfile

import h5py
import numpy as np
from safetensors.numpy import load_file, save_file

kind = sys.argv[1] if len(sys.argv) > 1 else "keras"
only = sys.argv[2] if len(sys.argv) > 2 else ""
here = os.environ.get("KERAS_FILES") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "keras_files")
os.makedirs(here + "/models", exist_ok=True)

if kind == "keras":
    import keras as k

    prefix, version = "k3_", "keras " + k.__version__
elif kind == "tf":
    from tensorflow import keras as k
    import keras

    version = "keras " + keras.__version__
    prefix = "v" + keras.__version__.rsplit(".", 1)[0] + "_"
else:
    import tf_keras as k

    prefix, version = {"tf_keras": ("k2_", "tf_keras "), "keras1": ("k1_", "Keras 1, read by tf_keras ")}[kind]
    version += k.__version__

L = k.layers
rng = np.random.default_rng(20261123)
cases, tensors = [], {}


def random(shape, scale=0.5):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def random_weights(model):
    """Non-trivial ones everywhere; variances and scales are positive."""
    weights = []
    for variable in model.weights:
        value = random(variable.shape, 0.4)
        if "variance" in variable.name or "gamma" in variable.name:
            value = np.abs(value) + 0.5
        weights.append(value.astype(np.float32))
    model.set_weights(weights)
    return weights


def run(model, inputs, dtype):
    cast = [x if x.dtype.kind == "b" else x.astype(dtype) for x in inputs]
    names = getattr(model, "input", None)
    if isinstance(names, dict):
        # In the order of their names, as Keras flattens them.
        cast = dict(zip(sorted(names), cast))
    for layer in model.layers:
        if isinstance(layer, getattr(L, "Normalization", ())):
            layer.finalize_state()  # as when it is loaded
    outputs = model(cast if len(cast) > 1 else cast[0], training=False)
    if isinstance(outputs, dict):
        outputs = [outputs[key] for key in sorted(outputs)]
    flat = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [np.asarray(y, dtype=np.float64) for y in flat]


def add(name, build, calls, forms=("keras", "h5", "weights_h5"), weights=None):
    """Builds a model twice, in f32 to be saved and in f64 for its outputs."""
    name = prefix + name
    k.backend.clear_session()
    k.backend.set_floatx("float32")
    model = build()
    weights = weights or random_weights(model)
    model.set_weights(weights)
    ends = {"keras": ".keras", "h5": ".h5", "weights_h5": ".weights.h5"}
    files = {}
    if os.environ.get("KERAS_ALL") and forms:
        forms = ("h5",) if "time_major" in name else tuple(ends)
    for form in ("keras", "h5", "weights_h5"):
        path = f"models/{name}{ends[form]}" if form in forms else None
        files[form] = path
        if form == "weights_h5" and path:
            model.save_weights(f"{here}/{path}")
        elif path and kind == "tf" and form == "keras":
            model.save(f"{here}/{path}", save_format="keras" if prefix > "v2.12_" else "keras_v3")
        elif path:
            model.save(f"{here}/{path}")
        if path and form == "keras":
            deflate(f"{here}/{path}")
    narrow = [run(model, inputs, np.float32) for inputs in calls]
    k.backend.clear_session()
    k.backend.set_floatx("float64")
    wide = build()
    wide.set_weights([w.astype(np.float64) for w in weights])
    record(name, files, calls, [run(wide, inputs, np.float64) for inputs in calls], narrow, weights)


def deflate(path):
    with zipfile.ZipFile(path) as archive:
        members = [(n, archive.read(n)) for n in archive.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members:
            archive.writestr(zipfile.ZipInfo(member, (2026, 11, 23, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def record(name, files, calls, outputs, narrow, weights):
    worst = max(np.abs(a - b).max(initial=0) for w, n in zip(outputs, narrow) for a, b in zip(w, n))
    case = {"id": name, "written_by": version, "files": files, "calls": []}
    case["keras_f32_max_abs_diff"] = float(worst)
    case["weights"] = [{"shape": list(w.shape)} for w in weights]
    for i, (inputs, wide) in enumerate(zip(calls, outputs)):
        names = {"inputs": [], "outputs": []}
        for what, arrays in (("inputs", inputs), ("outputs", wide)):
            for j, array in enumerate(arrays):
                names[what].append(f"{name}/call{i}/{what[:-1]}{j}")
                tensors[names[what][-1]] = np.ascontiguousarray(array, dtype=np.float32)
        case["calls"].append(names)
    cases.append(case)
    print(f"{name}: f32 differs by {worst:.1e}")


def tokens(shape, top, lengths=None):
    ids = rng.integers(1, top, shape)
    for row, length in zip(ids, lengths or []):
        row[length:] = 0
    return ids.astype(np.float32)


def mask_of(shape, lengths):
    return np.arange(shape[1])[None, :] < np.asarray(lengths)[:, None]


# ---------------------------------------------------------------- what all Keras can


def attention():
    q, v = k.Input((4,), name="query"), k.Input((6,), name="value")
    table = L.Embedding(9, 5, mask_zero=True, name="table")
    q2 = L.Bidirectional(L.LSTM(3, return_sequences=True), name="read_query")(table(q))
    v2 = L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode="concat", name="read_value")(table(v))
    a = L.Attention(use_scale=True, name="looks")([q2, v2])
    b = L.Attention(score_mode="concat", name="looks_otherwise")([q2, v2])
    both = L.Concatenate(name="both")([a, b, q2])
    y = L.GlobalAveragePooling1D(name="mean")(both)
    return k.Model([q, v], [L.Dense(2, activation="softmax", name="scores")(y), a])


def shared():
    x, y = k.Input((5, 3), name="left"), k.Input((5, 3), name="right")
    lstm = L.LSTM(4, name="twin")
    a, b = lstm(x), lstm(y)
    merged = [f([a, b]) for f in (L.Add(), L.Subtract(), L.Multiply(), L.Average(), L.Maximum(), L.Minimum())]
    dense = L.Dense(4, activation="tanh", name="head")
    y2 = dense(L.Concatenate()(merged[:1] + [merged[2]][:0]))
    return k.Model([x, y], [dense(y2)] + merged)


def nested():
    inner_x = k.Input((3,), name="inner_x")
    inner = k.Model(inner_x, [L.Dense(4, name="up")(inner_x), L.Dense(2, name="side")(inner_x)], name="inner")
    encoder = k.Sequential([L.Input((5, 3)) if kind == "keras" else L.InputLayer(input_shape=(5, 3)), L.GRU(3), L.Dense(3, activation="relu")], name="encoder")
    step = k.Sequential([L.Input((3,)) if kind == "keras" else L.InputLayer(input_shape=(3,)), L.Dense(4), L.BatchNormalization(), L.Dense(2)], name="step")
    x, y = k.Input((5, 3), name="x"), k.Input((5, 3), name="y")
    a, b = encoder(x), encoder(y)
    up, side = inner(a)
    up2, side2 = inner(b)
    t = L.TimeDistributed(step, name="each")(x)
    return k.Model([x, y], [L.Concatenate()([up, side2]), up2, side, t, encoder(t_to_x(t))])


def t_to_x(t):
    return L.Conv1D(3, 1, name="back")(t)


def frozen():
    """Trainable weights come first in lists, the others last."""
    first = L.Dense(3, name="first")
    norm = L.BatchNormalization(name="norm")
    last = L.Dense(3, name="last")
    model = k.Sequential([k.Input((4, 3)), first, norm, last], name="part")
    first.trainable = False
    x = k.Input((4, 3), name="x")
    lstm = L.Bidirectional(L.LSTM(3, return_sequences=True), name="bi")
    y = lstm(model(x))
    lstm.trainable = False
    return k.Model(x, L.Dense(1, name="out")(y))


def states():
    x, y = k.Input((6, 3), name="x"), k.Input((4, 2), name="y")
    out = L.Bidirectional(L.LSTM(3, return_state=True), name="encoder")(x)
    h, c = L.Concatenate(name="h")([out[1], out[3]]), L.Concatenate(name="c")([out[2], out[4]])
    decoded = L.LSTM(6, return_sequences=True, return_state=True, name="decoder")(y, initial_state=[h, c])
    gru, last = L.GRU(6, return_sequences=True, return_state=True, name="gru")(decoded[0], initial_state=decoded[1])
    both = L.Bidirectional(L.SimpleRNN(3), merge_mode="sum", name="both")(y, initial_state=[out[1], out[4]])
    return k.Model([x, y], [L.Dense(2)(gru), last, both] + list(decoded[1:]))


def merges():
    x = k.Input((4, 3), name="x")
    masked = L.Masking(name="masking")(x)
    outputs = []
    for mode in ("concat", "sum", "mul", "ave"):
        outputs.append(L.Bidirectional(L.GRU(3, return_sequences=True), merge_mode=mode, name="bi_" + mode)(masked))
        outputs.append(L.Bidirectional(L.LSTM(2), merge_mode=mode, name="last_" + mode)(masked))
    outputs.extend(L.Bidirectional(L.SimpleRNN(3, return_sequences=True), merge_mode=None, name="bi_none")(masked))
    other = L.Bidirectional(
        L.LSTM(3, return_sequences=True, name="there"),
        backward_layer=L.GRU(3, return_sequences=True, go_backwards=True, name="back"),
        merge_mode="mul",
        name="given",
    )
    outputs.append(other(masked))
    return k.Model(x, outputs)


def masked_merges():
    """Numbers and masks of merging layers changed in Keras 3.4."""
    x, y = k.Input((4,), name="x"), k.Input((4,), name="y")
    table = L.Embedding(9, 3, mask_zero=True, name="table")
    a, b = table(x), table(y)
    bare = L.Conv1D(3, 1, name="bare")(b)  # has no mask
    merged = [f([a, b]) for f in (L.Add(), L.Multiply(), L.Maximum(), L.Minimum(), L.Concatenate(), L.Concatenate(axis=1))]
    merged += [L.Concatenate()([a, bare]), L.Average()([a, bare])]
    read = [L.GRU(2, return_sequences=True)(z) for z in merged]
    return k.Model([x, y], merged + read)


def around():
    x = k.Input((12, 4), name="x")
    y = L.ZeroPadding1D((2, 1))(x)
    y = L.Conv1D(6, 3, padding="causal", dilation_rate=2, activation="relu")(y)
    y = L.BatchNormalization(scale=False, epsilon=0.01)(y)
    y = L.SpatialDropout1D(0.3)(y)
    y = L.Conv1D(6, 2, strides=2, padding="same", groups=2, use_bias=False)(y)
    y = L.LayerNormalization(epsilon=1e-4)(y)
    y = L.UpSampling1D(2)(y)
    y = L.Cropping1D((1, 2))(y)
    pooled = L.MaxPooling1D(3, strides=2)(y)
    averaged = L.AveragePooling1D(2, padding="same")(y)
    z = L.LSTM(5, return_sequences=True)(pooled)
    z = L.GaussianNoise(0.1)(z)
    z = L.BatchNormalization(center=False, name="second")(z)
    return k.Model(x, [L.GlobalMaxPooling1D()(z), L.GlobalAveragePooling1D(keepdims=True)(averaged), z])


def shapes():
    leaky = L.LeakyReLU(negative_slope=0.2) if kind == "keras" else L.LeakyReLU(alpha=0.2)
    layers = [
        k.Input((6,)),
        L.Dense(4, activation="gelu"),
        leaky,
        L.RepeatVector(3),
        L.GRU(4, return_sequences=True, go_backwards=True),
        L.ReLU(6.0),
        L.Permute((2, 1)),
        L.SimpleRNN(5, return_sequences=True, activation="relu", use_bias=False),
        L.ELU(0.7),
        L.Reshape((2, -1)),
        L.LSTM(4, return_sequences=True, unroll=True, recurrent_dropout=0.2, dropout=0.1),
        L.Flatten(),
        L.Dropout(0.5),
        L.Dense(6, activation="selu"),
        L.ActivityRegularization(0.1),
        L.Activation("softplus"),
        L.Softmax(),
    ]
    return k.Sequential(layers)


def cells():
    x, z = k.Input((5, 3), name="x"), k.Input((2, 4, 3), name="z")
    one = L.RNN(L.LSTMCell(3), return_sequences=True, go_backwards=True, name="one")(x)
    cells = [L.GRUCell(3, reset_after=False), L.LSTMCell(2), L.SimpleRNNCell(4), L.LSTMCell(3)]
    stack = L.RNN(cells, return_state=True, name="stack")(one)
    each = L.TimeDistributed(L.LSTM(2), name="each")(z)
    both = L.Bidirectional(L.RNN([L.GRUCell(2), L.LSTMCell(3)], return_sequences=True), name="both")(x)
    flat = []
    for state in stack:
        flat.extend(state if isinstance(state, (list, tuple)) else [state])
    return k.Model([x, z], [one, each, both] + flat)


def stateful():
    x, y = k.Input(batch_shape=(2, 3, 2), name="x"), k.Input(batch_shape=(2, 3, 2), name="y")
    a = L.GRU(3, stateful=True, return_sequences=True, name="kept")(x)
    b = L.LSTM(3, name="fresh")(a)
    c = L.LSTM(3, stateful=True, return_state=True, name="kept_too")(L.Add()([a, L.Dense(3)(y)]))
    return k.Model([x, y], [b] + list(c))


def common():
    e = [tokens((3, 4), 9, [4, 2, 1]), tokens((3, 6), 9, [6, 3, 1])]
    add("attention", attention, [e], ("keras",))
    pair = lambda: [random((2, 5, 3)), random((2, 5, 3))]
    add("shared", shared, [pair()], ("keras",))
    add("nested", nested, [pair()], ("keras", "h5"))
    add("frozen", frozen, [[random((2, 4, 3))]])
    add("states", states, [[random((2, 6, 3)), random((2, 4, 2))]], ("keras",))
    x = random((3, 4, 3))
    x[0, 2:] = 0
    x[1, 0] = 0
    add("merges", merges, [[x]], ("keras",))
    pair = [tokens((3, 4), 9, [4, 2, 1]), tokens((3, 4), 9, [2, 3, 1])]
    add("masked_merges", masked_merges, [pair], ("keras",))
    add("around", around, [[random((2, 12, 4))]], ("keras",))
    add("shapes", shapes, [[random((2, 6))]], ("keras",))
    add("cells", cells, [[random((2, 5, 3)), random((2, 2, 4, 3))]], ("keras", "h5"))


# ---------------------------------------------------------------- Keras 3


def masks():
    x, m = k.Input((4, 3), name="x"), k.Input((4,), dtype="bool", name="m")
    h = k.Input((3,), name="h")
    padded = L.Masking()(x)
    named = L.GRU(3, return_sequences=True, name="named")(x, mask=m)
    both = L.GRU(3, name="both")(x, initial_state=h, mask=m)
    ignored = L.GRU(3, return_sequences=True, name="ignored")(padded, initial_state=h)
    after = L.SimpleRNN(2, name="after")(ignored)
    positional = L.GRU(3, name="positional")(x, [h], m)
    zero = L.RNN(L.GRUCell(3), return_sequences=True, zero_output_for_mask=True, name="zero")(x, mask=m)
    return k.Model([x, m, h], [named, both, ignored, after, positional, zero])


def dicts():
    inputs = {"b": k.Input((3, 2), name="b"), "a": k.Input((3, 2), name="a")}
    y = L.LSTM(2)(L.Concatenate()([inputs["b"], inputs["a"]]))
    return k.Model(inputs, {"z": L.Dense(1)(y), "w": y})


def across():
    """A layer in two models."""
    dense = L.Dense(3, activation="tanh", name="in_both")
    inner_x = k.Input((4, 3))
    inner = k.Model(inner_x, L.GRU(3, return_sequences=True)(dense(inner_x)), name="inner")
    x = k.Input((4, 3), name="x")
    return k.Model(x, inner(dense(x)))


def operations():
    """What is done to values of the graph outside of layers."""
    x, t = k.Input((5, 3), name="x"), k.Input((5,), name="t")
    y = L.LSTM(3, return_sequences=True)(x)
    e = L.Embedding(5, 3, mask_zero=True)(t)
    product = L.Multiply()([e, e])
    outputs = [y[:, -1, :], y[:, 1:3], y[..., 0], y * 2.0, 1 - y, y + y, y / 2, y[:, -1, :] * t[:, :3]]
    outputs += [k.ops.mean(y, axis=1), k.ops.sum(y, axis=1, keepdims=True), k.ops.max(y, axis=-1)]
    outputs += [k.ops.concatenate([y, e], axis=1), k.ops.maximum(y, e), k.ops.minimum(y, 0.1)]
    outputs += [L.GRU(2)(y, mask=k.ops.not_equal(t, 0)), L.LSTM(2)(L.Concatenate(axis=1)([e, y])), L.LSTM(2)(product)]
    part = k.Sequential([L.Input((5, 3)), L.GRU(2, return_sequences=True), L.GRU(2)])
    outputs += [L.TimeDistributed(L.Dense(2))(product), part(product), L.Dense(2)(product)]
    return k.Model([x, t], outputs)


def activated():
    x = k.Input((4, 3), name="x")
    y = L.LSTM(3, activation="softsign", recurrent_activation="hard_sigmoid", return_sequences=True)(x)
    y = L.GRU(3, activation="silu", recurrent_activation="hard_silu", return_sequences=True)(y)
    y = L.Dense(3, activation=L.LeakyReLU(negative_slope=0.1))(y)
    y = L.Dense(3, activation="mish", use_bias=False)(y)
    a = L.Attention(name="causal")([y, y], use_causal_mask=True)
    return k.Model(x, [a, L.Activation("log_sigmoid")(y)])


def configured():
    """No argument is the default one. Keras numbers the groups of the LSTMs the other way round than their names."""
    x = k.Input((5,), name="x")
    y = L.Embedding(7, 3, mask_zero=True, name="table")(x)
    y = L.GRU(3, activation="relu", recurrent_activation="hard_sigmoid", use_bias=False, reset_after=False,
              return_sequences=True, name="reader")(y)
    y = L.LSTM(3, activation="softsign", recurrent_activation="tanh", return_sequences=True, name="lstm_1")(y)
    y = L.LSTM(3, activation="elu", use_bias=False, return_sequences=True, name="lstm")(y)
    y = L.LSTM(3, go_backwards=True, return_sequences=True, name="turned")(y)
    there = L.SimpleRNN(2, activation="relu", return_sequences=True, name="there")
    back = L.GRU(2, activation="sigmoid", reset_after=False, go_backwards=True, return_sequences=True, name="back")
    y = L.Bidirectional(there, backward_layer=back, name="both")(y)
    each = L.TimeDistributed(L.Dense(3, activation="relu", use_bias=False), name="each")
    inner = L.LSTM(2, activation="relu", return_sequences=True, name="inner")
    y = k.Sequential([k.Input((5, 4)), each, inner], name="part")(y)
    return k.Model(x, L.Dense(2, activation="hard_sigmoid", name="out")(y))


def unknown():
    """A layer that this crate does not have, in a model and in one inside of it: no numbers, since it is refused."""
    k.backend.clear_session()
    k.backend.set_floatx("float32")
    x = k.Input((5, 4), name="x")
    y = L.LSTM(2, activation="relu", return_sequences=True, name="first")(L.GroupNormalization(2, name="norm")(x))
    layers = [L.GroupNormalization(2, name="inside"), L.GRU(3, activation="relu", reset_after=False, name="inner")]
    y = k.Sequential([k.Input((5, 2))] + layers, name="part")(y)
    model = k.Model(x, L.Dense(2, activation="relu", name="out")(y))
    model.set_weights(random_weights(model))
    for end in (".keras", ".h5"):
        model.save(f"{here}/models/{prefix}unknown{end}")
    deflate(f"{here}/models/{prefix}unknown.keras")


def of_somebody():
    """A class of somebody's own, whose configuration says nothing of the layers in it."""

    @k.utils.register_keras_serializable("mine")
    class Block(L.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.reader = L.LSTM(2, return_sequences=True, name="reader")
            self.out = L.Dense(3, name="last")

        def build(self, shape):
            self.reader.build(shape)
            self.out.build((*shape[:-1], 2))
            super().build(shape)

        def call(self, x):
            return self.out(self.reader(x))

    k.backend.clear_session()
    k.backend.set_floatx("float32")
    model = k.Sequential([k.Input((5, 4)), Block(name="block"), L.Dense(2, activation="relu", name="out")])
    model.set_weights(random_weights(model))
    model.save(f"{here}/models/{prefix}of_somebody.keras")
    deflate(f"{here}/models/{prefix}of_somebody.keras")


def by_layer():
    """Files whose layers are taken one by one."""
    of_somebody()
    add("configured", configured, [[tokens((2, 5), 7, [5, 3])]], ("keras", "h5"))
    unknown()


def crnn():
    """A line of text: its columns are the timesteps."""
    layers = [
        k.Input((6, 9, 2)),
        L.ZeroPadding2D(((1, 0), (0, 2))),
        L.Conv2D(4, (3, 2), padding="same", groups=2, activation="relu"),
        L.MaxPooling2D((2, 1)),
        L.SpatialDropout2D(0.2),
        L.DepthwiseConv2D(2, depth_multiplier=2),
        L.BatchNormalization(),
        L.UpSampling2D((2, 1)),
        L.Cropping2D(((1, 0), (0, 1))),
        L.Conv2D(3, 3, dilation_rate=(1, 2), use_bias=False),
        L.LayerNormalization(),
        L.AveragePooling2D((2, 2), strides=1, padding="same"),
        L.Activation("tanh"),
        L.Permute((2, 1, 3)),
        L.Reshape((5, -1)),
        L.Bidirectional(L.GRU(3, return_sequences=True)),
        L.Dense(4, activation="softmax"),
    ]
    return k.Sequential(layers)


def video():
    """The images of a video, each for itself and then in their order; its stream is tested, too."""
    x = k.Input((3, 7, 6, 2), name="x")
    image = [k.Input((7, 6, 2)), L.Conv2D(3, 3, strides=(2, 1), padding="same"), L.ReLU(), L.Conv2D(2, (2, 3)), L.MaxPooling2D(2), L.Flatten()]
    y = L.TimeDistributed(k.Sequential(image, name="image"), name="images")(x)
    z = L.TimeDistributed(L.Conv2D(4, 3, activation="relu"), name="conv")(x)
    z = L.TimeDistributed(L.BatchNormalization(), name="norm")(z)
    z = L.TimeDistributed(L.GlobalAveragePooling2D(), name="mean")(z)
    w = L.TimeDistributed(L.GlobalMaxPooling2D(), name="most")(L.LayerNormalization(name="layer_norm")(x))
    y = L.LSTM(3, return_sequences=True, name="lstm")(L.Concatenate(name="all")([y, z, w]))
    return k.Model(x, L.Dense(2, name="end")(y))


def images():
    global rng
    rng = np.random.default_rng(20261130)  # of their own, so that what stood here before stays as it was
    add("images_crnn", crnn, [[random((2, 6, 9, 2))]], ("keras", "h5"))
    add("images_video", video, [[random((2, 3, 7, 6, 2))]], ("keras", "h5"))


def keras3():
    common()
    add("stateful", stateful, [[random((2, 3, 2)), random((2, 3, 2))] for _ in range(3)], ("keras",))
    x = random((3, 4, 3))
    x[0, 3:] = 0
    x[2, :1] = 0
    add("masks", masks, [[x, mask_of((3, 4), [4, 2, 0]), random((3, 3))]], ("keras", "h5"))
    add("dicts", dicts, [[random((2, 3, 2)), random((2, 3, 2))]], ("keras",))
    add("across", across, [[random((2, 4, 3))]], ("keras",))
    add("operations", operations, [[random((2, 5, 3)), tokens((2, 5), 5, [5, 3])]], ("keras", "h5"))
    add("activated", activated, [[random((2, 4, 3), 1.5)]], ("keras",))
    narrow("bfloat16")
    narrow("float16")
    # Compiled and trained a little: optimizer state, metrics, seeds.
    add("compiled", compiled, [[tokens((2, 5), 7, [5, 3])]])
    # Shards.
    k.backend.set_floatx("float32")
    model = attention()
    weights = random_weights(model)
    model.save_weights(f"{here}/models/k3_shards.weights.json", max_shard_size=5e-7)
    model.save(f"{here}/models/k3_shards.keras")
    deflate(f"{here}/models/k3_shards.keras")
    by_layer()
    images()


def narrow(policy):
    """Weights of 16 bits; the numbers are those of wider models with the same weights."""
    import ml_dtypes

    def build(dtype=None):
        options = {"recurrent_initializer": "zeros", "dtype": dtype}
        layers = [L.LSTM(3, return_sequences=True, **options), L.GRU(2, **options), L.Dense(2, dtype=dtype)]
        return k.Sequential([k.Input((4, 3))] + layers)

    k.backend.clear_session()
    weights = [random(w.shape).astype(getattr(ml_dtypes, policy, policy)) for w in build().weights]
    model = build(policy)
    model.set_weights(weights)
    weights = [w.astype(np.float32) for w in weights]
    add(policy, build, [[random((2, 4, 3))]], (), weights)
    path = f"models/k3_{policy}.keras"
    model.save(f"{here}/{path}")
    deflate(f"{here}/{path}")
    cases[-1]["files"]["keras"] = path


def compiled():
    model = k.Sequential(
        [k.Input((5,)), L.Embedding(7, 3, mask_zero=True), L.Dropout(0.2), L.LSTM(3, dropout=0.1), L.Dense(1)]
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((2, 5)), np.ones((2, 1)), verbose=0)
    return model


# ---------------------------------------------------------------- Keras 2


def keras2_only():
    x, m = k.Input((4, 3), name="x"), k.Input((4,), dtype="bool", name="m")
    h = k.Input((3,), name="h")
    padded = L.Masking()(x)
    y = L.GRU(3, return_sequences=True, recurrent_activation="hard_sigmoid", name="obeyed")(padded, initial_state=h)
    z = L.LSTM(3, return_sequences=True, name="named")(x, mask=m)
    w = L.LSTM(3, name="both")(x, initial_state=[h, h], mask=m)
    return k.Model([x, m, h], [y, z, w, L.Activation("hard_sigmoid")(y), L.ThresholdedReLU(0.2)(y)])


def time_major():
    x = k.Input(batch_shape=(4, 2, 3), name="x")
    y = L.LSTM(3, return_sequences=True, time_major=True)(x)
    return k.Model(x, L.GRU(2, time_major=True)(y))


def keras2():
    common()
    x = random((3, 4, 3))
    x[0, 3:] = 0
    add("masks", keras2_only, [[x, mask_of((3, 4), [4, 2, 1]), random((3, 3))]], ("keras", "h5"))
    add("time_major", time_major, [[random((4, 2, 3))]], ("h5",))
    add("compiled", compiled, [[tokens((2, 5), 7, [5, 3])]])
    add("stateful", stateful, [[random((2, 3, 2)), random((2, 3, 2))] for _ in range(3)], ("keras",))
    cudnn()
    multi_backend()
    distributed()
    by_layer()
    images()


def distributed():
    """A mask that is made inside of TimeDistributed has three axes; it is refused, so there are no numbers."""
    k.backend.clear_session()
    k.backend.set_floatx("float32")
    layers = [L.InputLayer(input_shape=(3,)), L.Embedding(5, 2, mask_zero=True, name="table"), L.Dense(2)]
    t = k.Input((2, 3), name="t")
    y = L.TimeDistributed(k.Sequential(layers, name="word"), name="words")(t)
    model = k.Model(t, L.TimeDistributed(L.LSTM(2), name="line")(y))
    random_weights(model)
    model.save(f"{here}/models/k2_distributed.keras")
    deflate(f"{here}/models/k2_distributed.keras")


def cudnn():
    """CuDNNLSTM and CuDNNGRU as Keras 2.2 wrote them; tf_keras converts them into layers that run here."""
    F, U = 3, 4
    names = ["kernel:0", "recurrent_kernel:0", "bias:0"]
    gru = [random((F, 3 * U)), random((U, 3 * U)), random((6 * U,))]
    lstm = [random((U, 4 * 2)), random((2, 4 * 2)), random((8 * 2,))]
    back = [random((U, 4 * 2)), random((2, 4 * 2)), random((8 * 2,))]
    dense = [random((4, 2)), random((2,))]
    flags = {"return_state": False, "go_backwards": False, "stateful": False, "trainable": True}
    layers = [
        ("CuDNNGRU", {**flags, "name": "cu_dnngru_1", "units": U, "return_sequences": True, "batch_input_shape": [None, 5, F]}),
        ("Bidirectional", {"name": "bidirectional_1", "trainable": True, "merge_mode": "concat", "layer": {
            "class_name": "CuDNNLSTM",
            "config": {**flags, "name": "cu_dnnlstm_1", "units": 2, "return_sequences": False}}}),
        ("Dense", {"name": "dense_1", "trainable": True, "units": 2, "activation": "linear", "use_bias": True}),
    ]
    config = {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": [
        {"class_name": c, "config": a} for c, a in layers]}}
    lists = {
        "cu_dnngru_1": list(zip([f"cu_dnngru_1/{n}" for n in names], gru)),
        "bidirectional_1": list(zip([f"bidirectional_1/forward_cu_dnnlstm_1/{n}" for n in names], lstm))
        + list(zip([f"bidirectional_1/backward_cu_dnnlstm_1/{n}" for n in names], back)),
        "dense_1": list(zip(["dense_1/kernel:0", "dense_1/bias:0"], dense)),
    }

    def build():
        return k.Sequential([
            k.Input((5, F)),
            L.GRU(U, return_sequences=True, name="cu_dnngru_1"),
            L.Bidirectional(L.LSTM(2), name="bidirectional_1"),
            L.Dense(2, name="dense_1"),
        ])

    by_hand("cudnn", config, lists, "2.2.4", build, [[random((2, 5, F))]], gru + lstm + back + dense)


def multi_backend():
    """Keras 2.1.5 on Theano: a bare list of layers, arguments of that time, kernels of convolutions turned around."""
    init = {"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}}
    none = {f"{what}_{kind}": None for what in ("kernel", "recurrent", "bias") for kind in ("regularizer", "constraint")}
    common = {"trainable": True, "activity_regularizer": None, "kernel_initializer": init, "bias_initializer": init, **none}
    cell = {**common, "return_state": False, "go_backwards": False, "stateful": False, "unroll": False, "dropout": 0.2,
            "recurrent_dropout": 0.2, "implementation": 1, "use_bias": True, "activation": "tanh",
            "recurrent_activation": "hard_sigmoid", "recurrent_initializer": init}
    U = 3
    layers = [
        ("Embedding", {"name": "embedding_1", "trainable": True, "batch_input_shape": [None, 8], "dtype": "float32",
                       "input_dim": 7, "output_dim": 4, "embeddings_initializer": init, "embeddings_regularizer": None,
                       "activity_regularizer": None, "embeddings_constraint": None, "mask_zero": False, "input_length": 8}),
        ("SpatialDropout1D", {"name": "spatial_dropout1d_1", "trainable": True, "rate": 0.2, "noise_shape": None, "seed": None}),
        ("Conv1D", {**common, "name": "conv1d_1", "filters": 5, "kernel_size": [3], "strides": [1], "padding": "same",
                    "data_format": "channels_last", "dilation_rate": [1], "activation": "relu", "use_bias": True}),
        ("MaxPooling1D", {"name": "max_pooling1d_1", "trainable": True, "strides": [2], "pool_size": [2], "padding": "valid"}),
        ("Bidirectional", {"name": "bidirectional_1", "trainable": True, "merge_mode": "concat", "layer": {
            "class_name": "LSTM", "config": {**cell, "name": "lstm_1", "units": U, "return_sequences": True,
                                             "unit_forget_bias": True}}}),
        ("GRU", {**cell, "name": "gru_1", "units": U, "return_sequences": True}),
        ("TimeDistributed", {"name": "time_distributed_1", "trainable": True, "layer": {
            "class_name": "Dense", "config": {**common, "name": "dense_1", "units": 2, "activation": "softmax",
                                              "use_bias": True}}}),
    ]
    three = ["kernel", "recurrent_kernel", "bias"]
    lstm = lambda: [random((5, 4 * U)), random((U, 4 * U)), random((4 * U,))]
    named = lambda stem, arrays: [(f"{stem}/{n}", a) for n, a in zip(three, arrays)]
    kernel = random((3, 4, 5))
    lists = {
        "embedding_1": [("embedding_1/embeddings", random((7, 4)))],
        "spatial_dropout1d_1": [],
        "conv1d_1": [("conv1d_1/kernel", kernel), ("conv1d_1/bias", random((5,)))],
        "max_pooling1d_1": [],
        "bidirectional_1": named("bidirectional_1/forward_lstm_1", lstm()) + named("bidirectional_1/backward_lstm_1", lstm()),
        "gru_1": named("gru_1", [random((2 * U, 3 * U)), random((U, 3 * U)), random((3 * U,))]),
        "time_distributed_1": [("time_distributed_1/kernel", random((U, 2))), ("time_distributed_1/bias", random((2,)))],
    }
    config = {"class_name": "Sequential", "config": [{"class_name": c, "config": a} for c, a in layers]}

    def build():
        old = {"recurrent_activation": "hard_sigmoid", "return_sequences": True}
        return k.Sequential([
            k.Input((8,)),
            L.Embedding(7, 4),
            L.Conv1D(5, 3, padding="same", activation="relu", name="conv1d_1"),
            L.MaxPooling1D(2),
            L.Bidirectional(L.LSTM(U, **old)),
            L.GRU(U, reset_after=False, **old),
            L.TimeDistributed(L.Dense(2, activation="softmax")),
        ])

    def turn(model):
        layer = model.get_layer("conv1d_1")
        layer.set_weights([kernel[::-1], layer.get_weights()[1]])

    by_hand("multi_backend", config, lists, "2.1.5", build, [[tokens((2, 8), 7)]], None, "theano", turn)


# ---------------------------------------------------------------- by hand, as old versions wrote it


def by_hand(name, config, lists, keras_version, build, calls, weights, backend="tensorflow", mend=None):
    """Writes a whole model as lists; `build` is the same model of tf_keras, which reads and converts the weights."""
    name = prefix + name
    path = f"{here}/models/{name}.h5"
    with h5py.File(path, "w") as f:
        f.attrs["keras_version"] = keras_version.encode()
        f.attrs["model_config"] = json.dumps(config).encode()
        group = f.create_group("model_weights")
        group.attrs["layer_names"] = [n.encode() for n in lists]
        if keras_version > "2":
            group.attrs["keras_version"] = keras_version.encode()
            group.attrs["backend"] = backend.encode()
        for layer, arrays in lists.items():
            of_layer = group.create_group(layer)
            of_layer.attrs["weight_names"] = [n.encode() for n, _ in arrays]
            for n, array in arrays:
                of_layer.create_dataset(n, data=array)
    narrow = []
    for floatx in ("float32", "float64"):
        k.backend.clear_session()
        k.backend.set_floatx(floatx)
        model = build()
        with h5py.File(path) as f:
            k.src.saving.legacy.hdf5_format.load_weights_from_hdf5_group(f["model_weights"], model)
        if mend:
            mend(model)
        outputs = [run(model, inputs, np.dtype(floatx)) for inputs in calls]
        narrow = narrow or outputs
    files = {"keras": None, "h5": f"models/{name}.h5", "weights_h5": None}
    # cuDNN has two biases for every one of an LSTM.
    counted = [np.asarray(w) for w in model.get_weights()]
    record(name, files, calls, outputs, narrow, counted)


def keras1():
    hard = {"activation": "tanh", "inner_activation": "hard_sigmoid", "init": "glorot_uniform", "inner_init": "orthogonal"}
    none = {"W_regularizer": None, "U_regularizer": None, "b_regularizer": None, "dropout_W": 0.0, "dropout_U": 0.0}
    flags = {"go_backwards": False, "stateful": False, "unroll": False, "trainable": True, "input_length": None}
    recurrent = {**hard, **none, **flags}
    U = 3

    def gates(layer, features, names):
        arrays = []
        for gate in names:
            arrays.append((f"{layer}_W_{gate}", random((features, U))))
            arrays.append((f"{layer}_U_{gate}", random((U, U))))
            arrays.append((f"{layer}_b_{gate}", random((U,))))
        return arrays

    layers = [
        ("Embedding", {"name": "embedding_1", "trainable": True, "input_dim": 7, "output_dim": 4, "input_length": 5,
                       "mask_zero": True, "init": "uniform", "dropout": 0.0, "input_dtype": "int32",
                       "batch_input_shape": [None, 5], "W_regularizer": None, "W_constraint": None,
                       "activity_regularizer": None}),
        ("LSTM", {**recurrent, "name": "lstm_1", "output_dim": U, "input_dim": 4, "return_sequences": True,
                  "consume_less": "cpu", "forget_bias_init": "one"}),
        ("Dropout", {"name": "dropout_1", "trainable": True, "p": 0.5}),
        ("Bidirectional", {"name": "bidirectional_1", "trainable": True, "merge_mode": "sum", "layer": {
            "class_name": "GRU", "config": {**recurrent, "name": "gru_1", "output_dim": U, "input_dim": U,
                                            "return_sequences": True, "consume_less": "mem"}}}),
        ("LSTM", {**recurrent, "name": "lstm_2", "output_dim": U, "input_dim": U, "return_sequences": True,
                  "consume_less": "gpu", "forget_bias_init": "one"}),
        ("TimeDistributed", {"name": "timedistributed_1", "trainable": True, "layer": {
            "class_name": "Dense", "config": {"name": "dense_1", "trainable": True, "output_dim": 2, "init": "uniform",
                                              "activation": "sigmoid", "bias": True, "input_dim": None,
                                              "W_regularizer": None, "b_regularizer": None, "W_constraint": None,
                                              "b_constraint": None, "activity_regularizer": None}}}),
    ]
    lists = {
        "embedding_1": [("embedding_1_W", random((7, 4)))],
        "lstm_1": gates("lstm_1", 4, "icfo"),
        "dropout_1": [],
        "bidirectional_1": gates("forward_gru_1", U, "zrh") + gates("backward_gru_1", U, "zrh"),
        "lstm_2": [("lstm_2_W", random((U, 4 * U))), ("lstm_2_U", random((U, 4 * U))), ("lstm_2_b", random((4 * U,)))],
        "timedistributed_1": [("dense_1_W", random((U, 2))), ("dense_1_b", random((2,)))],
    }
    config = {"class_name": "Sequential", "keras_version": "1.2.2",
              "config": [{"class_name": c, "config": a} for c, a in layers]}

    def build():
        old = {"recurrent_activation": "hard_sigmoid", "return_sequences": True}
        return k.Sequential([
            k.Input((5,)),
            L.Embedding(7, 4, mask_zero=True),
            L.LSTM(U, **old),
            L.Bidirectional(L.GRU(U, reset_after=False, **old), merge_mode="sum"),
            L.LSTM(U, **old),
            L.TimeDistributed(L.Dense(2, activation="sigmoid")),
        ])

    # Without padding: Keras 1 held other outputs at masked steps of a Bidirectional.
    by_hand("recurrent", config, lists, "1.2.2", build, [[tokens((2, 5), 7)]], None)

    conv = {"name": "convolution1d_1", "trainable": True, "nb_filter": 3, "filter_length": 2, "border_mode": "valid",
            "subsample_length": 1, "init": "uniform", "activation": "relu", "bias": True, "input_dim": 2,
            "input_length": 6, "W_regularizer": None, "b_regularizer": None, "W_constraint": None,
            "b_constraint": None, "activity_regularizer": None}
    norm = {"name": "batchnormalization_1", "trainable": True, "mode": 0, "axis": -1, "epsilon": 0.001, "momentum": 0.99,
            "gamma_regularizer": None, "beta_regularizer": None}
    node = lambda *names: [[[name, 0, 0] for name in names]]
    layers = [
        ("x", "InputLayer", {"name": "x", "batch_input_shape": [None, 6, 2], "input_dtype": "float32", "sparse": False}, []),
        ("convolution1d_1", "Convolution1D", conv, node("x")),
        ("batchnormalization_1", "BatchNormalization", norm, node("convolution1d_1")),
        ("maxpooling1d_1", "MaxPooling1D", {"name": "maxpooling1d_1", "trainable": True, "pool_length": 2, "stride": 1,
                                            "border_mode": "valid"}, node("batchnormalization_1")),
        ("simplernn_1", "SimpleRNN", {**none, **flags, "name": "simplernn_1", "output_dim": 3, "init": "uniform",
                                      "inner_init": "orthogonal", "activation": "tanh", "return_sequences": False,
                                      "consume_less": "cpu", "input_dim": 3}, node("maxpooling1d_1")),
        ("globalmaxpooling1d_1", "GlobalMaxPooling1D", {"name": "globalmaxpooling1d_1", "trainable": True},
         node("maxpooling1d_1")),
        ("merge_1", "Merge", {"name": "merge_1", "mode": "concat", "mode_type": "raw", "concat_axis": -1, "dot_axes": -1,
                              "output_shape": None, "output_shape_type": "raw", "output_mask": None,
                              "output_mask_type": "raw", "arguments": {}}, node("simplernn_1", "globalmaxpooling1d_1")),
    ]
    config = {"class_name": "Model", "keras_version": "1.2.2", "config": {
        "name": "model_1", "input_layers": [["x", 0, 0]], "output_layers": [["merge_1", 0, 0]],
        "layers": [{"name": n, "class_name": c, "config": a, "inbound_nodes": i} for n, c, a, i in layers]}}
    lists = {n: [] for n, *_ in layers}
    lists["convolution1d_1"] = [("convolution1d_1_W", random((2, 1, 2, 3))), ("convolution1d_1_b", random((3,)))]
    stem = "batchnormalization_1_"
    lists["batchnormalization_1"] = [(stem + "gamma", random((3,))), (stem + "beta", random((3,))),
                                     (stem + "running_mean", random((3,))), (stem + "running_std", np.abs(random((3,))) + 0.5)]
    lists["simplernn_1"] = [("simplernn_1_W", random((3, 3))), ("simplernn_1_U", random((3, 3))), ("simplernn_1_b", random((3,)))]

    def graph():
        x = k.Input((6, 2), name="x")
        y = L.BatchNormalization(epsilon=0.001)(L.Conv1D(3, 2, activation="relu")(x))
        y = L.MaxPooling1D(2, strides=1)(y)
        return k.Model(x, L.Concatenate()([L.SimpleRNN(3)(y), L.GlobalMaxPooling1D()(y)]))

    by_hand("graph", config, lists, "1.2.2", graph, [[random((2, 6, 2))]], None)


def old_tensorflow():
    """Keras 2.12 to 2.14 name the groups of a tree in a way of their own."""

    def two():
        x = k.Input((5,), name="x")
        y = L.Embedding(7, 3)(x)
        y = L.Bidirectional(L.LSTM(3, return_sequences=True))(y)
        y = L.LSTM(3, return_sequences=True, recurrent_activation="hard_sigmoid")(y)
        part = k.Sequential([L.InputLayer(input_shape=(3,)), L.Dense(3), L.Dense(2)], name="part")
        out, h, c = L.LSTM(3, return_state=True)(L.Dropout(0.1)(y))
        return k.Model(x, [part(out), part(h), L.RNN([L.LSTMCell(2), L.LSTMCell(2)])(y), c])

    add("tree", two, [[tokens((2, 5), 7)]], ("keras", "weights_h5"))


# ---------------------------------------------------------------- attention, and layers around it


def attending():
    """Cases `attend_*`, with numbers of their own."""
    global rng
    rng = np.random.default_rng(20261130)

    def block():
        """A small transformer block, and a GRU that reads its mask."""
        ids = k.Input((5,), name="ids")
        x = L.Embedding(9, 4, mask_zero=True, name="table")(ids)
        y, weights = L.MultiHeadAttention(2, 3, name="heads")(x, x, return_attention_scores=True)
        x = L.LayerNormalization(name="norm")(L.Add(name="add")([x, y]))
        y = L.Dense(4, name="down")(L.Dense(6, activation="relu", name="up")(x))
        x = L.LayerNormalization(name="norm_2")(L.Add(name="add_2")([x, y]))
        y = L.MultiHeadAttention(1, 2, value_dim=3, use_bias=False, name="ahead")(x, x, use_causal_mask=True)
        return k.Model(ids, [L.GRU(3, name="read")(y), y, weights])

    def seq2seq():
        """An encoder and a decoder with three kinds of attention, whose weights are outputs."""
        source, target = k.Input((5,), name="source"), k.Input((4,), name="target")
        table = L.Embedding(9, 4, mask_zero=True, name="table")
        read, h = L.GRU(4, return_sequences=True, return_state=True, name="encoder")(table(source))
        said = L.GRU(4, return_sequences=True, name="decoder")(table(target), initial_state=h)
        luong, a = L.Attention(use_scale=True, name="luong")([said, read], return_attention_scores=True)
        bahdanau, b = L.AdditiveAttention(name="bahdanau")([said, read], return_attention_scores=True)
        plain = L.AdditiveAttention(use_scale=False, name="plain")([said, read])
        last = L.MultiHeadAttention(2, 2, output_shape=(3,), attention_axes=1, dropout=0.1, name="heads")
        heads, c = last(said, read, key=L.Dense(3, name="keys")(read), return_attention_scores=True)
        scores = L.Dot(axes=(2, 2), name="scores")([said, read])
        cosine = L.Dot(axes=-1, normalize=True, name="cosine")([h, L.GRU(4, name="again")(said)])
        both = L.Concatenate(name="both")([luong, bahdanau, plain, heads])
        return k.Model([source, target], [L.Dense(2, name="out")(both), a, b, c, scores, cosine])

    def masked():
        """Masks that are arguments, and more axes."""
        x, mask, z = k.Input((5, 3), name="x"), k.Input((5, 5), name="mask"), k.Input((2, 4, 3), name="z")
        y = L.MultiHeadAttention(2, 2, output_shape=(2, 3), name="shaped")(x, x, attention_mask=mask)
        flat = L.TimeDistributed(L.Flatten(), name="flat")(y)
        over = L.MultiHeadAttention(2, 2, attention_axes=(2,), name="over")(z, z)
        all_axes = L.MultiHeadAttention(1, 2, name="all")(z, z)
        return k.Model([x, mask, z], [L.LSTM(2, name="read")(flat), over, all_axes])

    def scaled():
        x, y = k.Input((4, 3), name="x"), k.Input((4, 3), name="y")
        a = L.Rescaling(1 / 127.5, offset=-1.0, name="rescaled")(x)
        b = L.Normalization(name="adapted")(a)
        c = L.Normalization(mean=[0.5, 1.0, -1.0], variance=[1.0, 2.0, 0.5], name="given")(y)
        d = L.Normalization(axis=None, invert=True, name="inverted")(L.GRU(3, return_sequences=True, name="read")(L.Add()([b, c])))
        return k.Model([x, y], [b, c, d])

    ids = tokens((3, 5), 9, [5, 3, 1])
    add("attend_block", block, [[ids]], ("keras", "h5"))
    add("attend_seq2seq", seq2seq, [[ids, tokens((3, 4), 9, [2, 4, 1])]], ("keras",))
    mask = (rng.random((2, 5, 5)) < 0.6).astype(np.float32)
    add("attend_masked", masked, [[random((2, 5, 3)), mask, random((2, 2, 4, 3))]], ("keras",))
    add("attend_scaled", scaled, [[random((2, 4, 3), 50), random((2, 4, 3))]], ("keras",))


def more():
    """Layers that came last: separable and transposed convolutions, normalisations, grouped heads."""
    global rng
    rng = np.random.default_rng(20261201)
    of_keras3 = kind == "keras"

    def convolutions():
        x = k.Input((7, 4), name="x")
        a = L.SeparableConv1D(5, 3, padding="same", depth_multiplier=2, activation="tanh", name="separable")(x)
        b = L.SeparableConv1D(3, 2, strides=2, use_bias=False, name="strided")(x)
        c = L.SeparableConv1D(3, 2, dilation_rate=2, padding="same" if of_keras3 else "causal", name="causal")(x)
        d = L.DepthwiseConv1D(3, depth_multiplier=2, padding="same", activation="relu", name="depthwise")(x)
        e = L.DepthwiseConv1D(2, strides=2, use_bias=False, name="bare")(x)
        transposed = [
            L.Conv1DTranspose(3, 3, name="t0")(x),
            L.Conv1DTranspose(3, 2, strides=3, activation="sigmoid", name="t1")(x),
            L.Conv1DTranspose(3, 5, strides=2, padding="same", use_bias=False, name="t2")(x),
            L.Conv1DTranspose(3, 4, strides=3, padding="same", name="t3")(x),
            L.Conv1DTranspose(3, 3, strides=2, padding="same", output_padding=1, name="t4")(x),
            L.Conv1DTranspose(3, 3, strides=3, output_padding=2, name="t5")(x),
            L.Conv1DTranspose(2, 1, padding="same", name="t6")(x),
        ]
        return k.Model(x, [a, b, c, d, e, L.LSTM(2, name="read")(c)] + transposed)

    def pictures():
        x = k.Input((3, 6, 5, 2), name="x")
        each = lambda of: L.TimeDistributed(of, name=of.name + "_each")
        y = each(L.SeparableConv2D(3, (3, 2), padding="same", activation="relu", name="separable"))(x)
        z = each(L.MaxPooling2D(2, padding="same", name="pool"))(y)
        z = each(L.Conv2DTranspose(2, (3, 4), strides=(2, 3), padding="same", name="transposed"))(z)
        w = each(L.Conv2DTranspose(2, (2, 3), strides=(3, 1), name="wide"))(y)
        v = each(L.SeparableConv2D(3, 2, strides=2, depth_multiplier=3, use_bias=False, name="strided"))(x)
        read = L.GRU(3, name="gru")(L.TimeDistributed(L.GlobalMaxPooling2D(), name="most")(z))
        return k.Model(x, [y, z, w, v, read])

    def normalised():
        ids = k.Input((5,), dtype="int32", name="ids")
        x = L.Embedding(9, 6, mask_zero=True, name="table")(ids)
        sloped = L.PReLU(shared_axes=[1], alpha_initializer="ones", name="sloped")(x)
        sloped_each = L.PReLU(name="sloped_each")(x)
        unit = L.UnitNormalization(name="unit")(sloped)
        over = L.UnitNormalization(axis=[1, 2], name="over")(x)
        outputs = [sloped, unit, over, L.LSTM(3, name="masked")(unit), sloped_each]
        if of_keras3:
            grouped = L.GroupNormalization(3, name="grouped")(sloped)
            plain = L.GroupNormalization(2, scale=False, epsilon=0.1, name="plain")(x)
            rms = L.RMSNormalization(name="rms")(x)
            rms_over = L.RMSNormalization(axis=[1, 2], epsilon=0.1, name="rms_over")(x)
            outputs += [grouped, plain, rms, rms_over, L.LSTM(3, name="bare")(rms), L.LSTM(3, name="still")(grouped)]
        return k.Model(ids, outputs)

    def heads():
        ids, other = k.Input((5,), dtype="int32", name="ids"), k.Input((4,), dtype="int32", name="other")
        table = L.Embedding(9, 6, mask_zero=True, name="table")
        x, y = table(ids), table(other)
        self_attended = L.GroupQueryAttention(3, 4, 2, name="self")(x, x)
        causal = L.GroupQueryAttention(2, 4, 1, use_bias=False, name="causal")(x, x, use_causal_mask=True)
        cross, scores = L.GroupQueryAttention(2, 2, 2, name="cross")(x, y, return_attention_scores=True)
        dropped = L.GroupQueryAttention(2, 4, 2, dropout=0.2, name="dropped")(x, y, L.Dense(6, name="keys")(y))
        narrow = L.GroupQueryAttention(2, 4, 2, sliding_window=2, name="narrow")(x, x, use_causal_mask=True)
        band = L.MultiHeadAttention(2, 3, sliding_window=2, name="band")(L.Dense(6, name="d")(x), L.Dense(6, name="e")(x))
        read = L.GRU(3, name="read")(self_attended)
        return k.Model([ids, other], [self_attended, causal, cross, scores, dropped, narrow, band, read])

    ids = tokens((3, 5), 9, [5, 3, 1])
    both = ("keras", "h5")
    add("more_convolutions", convolutions, [[random((2, 7, 4))]], both)
    add("more_pictures", pictures, [[random((2, 3, 6, 5, 2))]], both)
    add("more_normalised", normalised, [[ids]], both)
    if of_keras3:
        add("more_heads", heads, [[ids, tokens((3, 4), 9, [2, 4, 1])]], both)


def write():
    path = here + "/cases.json"
    old = json.load(open(path)) if os.path.exists(path) else []
    made = prefix + only
    kept = [case for case in old if not case["id"].startswith(made)]
    old_tensors = load_file(here + "/tensors.safetensors") if old else {}
    old_tensors = {n: t for n, t in old_tensors.items() if not n.startswith(made)}
    with open(path, "w") as f:
        json.dump(sorted(kept + cases, key=lambda case: case["id"]), f, indent=1)
    save_file({**old_tensors, **tensors}, here + "/tensors.safetensors")


if __name__ == "__main__":
    if only == "configured":
        by_layer()
    elif only == "images":
        images()
    elif only == "attend":
        attending()
    elif only == "more":
        more()
    else:
        {"keras": keras3, "tf_keras": keras2, "keras1": keras1, "tf": old_tensorflow}[kind]()
        if kind in ("keras", "tf_keras"):
            attending()
            more()
    write()
