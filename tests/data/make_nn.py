"""Makes tests/data/nn: what Keras makes of small inputs, layer by layer, option by option, mask by mask.

    python tests/data/make_nn.py            Keras 3 with TensorFlow

Weights and inputs are random f32, outputs are those of the same layer in f64, rounded to f32. `cases.json` has a case in
each line; its weights, inputs and outputs stand one behind the other in `numbers.f32`, in the order of the cases. Masks
are words of a 0 or 1 for each timestep. Where Keras refuses an input there is no output. Used was Keras 3.15.1.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"

import warnings

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask

warnings.filterwarnings("ignore")
L = keras.layers
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nn")
rng = np.random.default_rng(20261124)
cases, numbers = [], []

HOLES, LATE, NEVER = "11010 01100", "00110 11010", "11010 00000"  # of two samples and five timesteps


def random(*shape):
    return (rng.standard_normal(shape) * 0.7).astype(np.float32)


def random_weights(layer):
    weights = []
    for variable in layer.weights:
        value = random(*variable.shape)
        weights.append((np.abs(value) + 0.3).astype(np.float32) if "variance" in variable.name else value)
    return weights


def bools(mask):
    return np.array([[step == "1" for step in sample] for sample in mask.split()])


def words(mask):
    return " ".join("".join("01"[int(step)] for step in sample) for sample in np.asarray(mask))


def tensors(inputs, masks, dtype):
    xs = []
    for x, mask in zip(inputs, masks):
        x = tf.constant(x.astype(dtype))
        if mask:
            set_keras_mask(x, tf.constant(bools(mask)))
        xs.append(x)
    return xs if len(xs) > 1 else xs[0]


def open_shape(make, inputs, call):
    """The shape that Keras expects of inputs of any length."""
    xs = [keras.Input([None, *x.shape[2:]]) for x in inputs]
    try:
        return list(make()(xs if len(xs) > 1 else xs[0], **call).shape)
    except Exception:
        return None  # the length has to be known


def run(make, dtype, weights, inputs, masks, call):
    layer = make(dtype)
    layer(tensors(inputs, [None] * len(inputs), dtype), **call)  # makes its weights
    if weights is None:
        weights = random_weights(layer)
    layer.set_weights([w.astype(dtype) for w in weights])
    if isinstance(layer, L.Normalization):
        layer.finalize_state()  # as when it is loaded
    return weights, layer(tensors(inputs, masks, dtype), **call)


def add(kind, config, *inputs, masks=None, make=None, call=None, **note):
    """`make` builds another layer than that of the name."""
    make = make or (lambda dtype=None: getattr(L, kind)(dtype=dtype, **config))
    call = call or {}
    inputs = [np.asarray(x, np.float32) for x in inputs]
    masks = masks or [None] * len(inputs)
    case = {"layer": kind, **config, **note, "inputs": [list(x.shape) for x in inputs]}
    if any(masks):
        case["masks"] = masks
    cases.append(case)
    try:
        weights, y = run(make, "float64", None, inputs, masks, call)
    except (ValueError, tf.errors.InvalidArgumentError) as error:
        print(kind, config, "refused:", str(error).splitlines()[0])
        case["refused"] = True
        return
    _, narrow = run(make, "float32", weights, inputs, masks, call)
    mask, y, narrow = get_keras_mask(y), np.asarray(y), np.asarray(narrow)
    numbers.extend(weights + inputs + [y])
    case |= {"weights": [list(w.shape) for w in weights], "output": list(y.shape)}
    if mask is not None and len(mask.shape) == 2:  # the weights of attention get one with four axes, by accident
        case["mask"] = words(mask)
    case["f32"] = float(f"{np.abs(y - narrow)[~np.isnan(y)].max(initial=0.0):.1e}")
    # Of the weights of attention over several axes Keras expects another shape than it gives them.
    known = not (note.get("taken") and inputs[0].ndim > 3)
    if known and all(x.ndim > 1 for x in inputs) and masks == [None] * len(masks):
        shape = open_shape(make, inputs, call)
        case |= {"open": shape} if shape else {}


def masked(kind, config, *inputs, **more):
    """Without masks, and with one on every input of timesteps."""
    add(kind, config, *inputs, **more)
    masks = [HOLES, LATE, HOLES]
    add(kind, config, *inputs, masks=masks[: len(inputs)], **more)


SEQUENCE = (2, 5, 3)


def x(*shape):
    return random(*(shape or SEQUENCE))


def dense():
    for config in ({}, {"use_bias": False}, {"activation": "relu"}, {"activation": "softmax"}):
        masked("Dense", {"units": 4, **config}, x())
    for shape in ((3, 2), (1, 1), (2, 1, 3), (2, 2, 2, 3), (1, 3, 17)):
        add("Dense", {"units": 2, "activation": "tanh"}, x(*shape))
    masked("Dense", {"units": 1, "activation": "sigmoid"}, x(2, 5, 1))


def embedding():
    ids = [[1, 0, 3, 6, 0], [0, 0, 2, 5, 1]]
    for mask_zero in (False, True):
        config = {"input_dim": 7, "output_dim": 3, "mask_zero": mask_zero}
        masked("Embedding", config, ids)
        add("Embedding", config, [[4]])
    add("Embedding", {"input_dim": 7, "output_dim": 1}, [[[1, 2], [3, 0]]])
    add("Embedding", {"input_dim": 7, "output_dim": 2}, [3, 1, 0])


def masking():
    for value in (0.0, -1.5):
        z = x()
        z[0, 1] = z[0, 4] = z[1, 0] = value
        z[1, 2, :2] = value
        masked("Masking", {"mask_value": value}, z)
    add("Masking", {"mask_value": 0.0}, x(1, 1, 1) * 0)


def conv1d():
    for padding in ("valid", "same", "causal"):
        for kernel_size in (1, 2, 3, 4):
            for strides, dilation_rate in ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3)):
                config = {"filters": 2, "kernel_size": kernel_size, "padding": padding}
                config |= {"strides": strides, "dilation_rate": dilation_rate}
                for timesteps in (6, 7) if strides > 1 else (6,):
                    add("Conv1D", config, x(1, timesteps, 2))
                if kernel_size == 3:
                    add("Conv1D", config, x(1, 1, 2))
                    add("Conv1D", config, x(1, 2, 2))
        config = {"filters": 4, "kernel_size": 3, "padding": padding}
        for more in ({}, {"use_bias": False}, {"activation": "relu"}, {"activation": "softmax"}, {"groups": 2}):
            masked("Conv1D", config | more, x(2, 5, 2))
        add("Conv1D", config | {"groups": 4, "strides": 2}, x(1, 5, 4))
        add("Conv1D", config | {"groups": 2, "dilation_rate": 2}, x(2, 5, 2))
    add("Conv1D", {"filters": 2, "kernel_size": 3, "strides": 4, "padding": "same"}, x(1, 9, 1))
    add("Conv1D", {"filters": 1, "kernel_size": 2, "padding": "causal"}, x(1, 70, 1))  # more than share the weights


def pooling1d():
    for kind in ("MaxPooling1D", "AveragePooling1D"):
        for padding in ("valid", "same"):
            for pool_size in (1, 2, 3, 4):
                for strides in (None, 1, 2) if pool_size < 3 else (None, 1, 2, 3):
                    config = {"pool_size": pool_size, "strides": strides, "padding": padding}
                    for timesteps in (2, 5) if strides else (5, 6):
                        if padding == "same" or timesteps >= pool_size:  # else TensorFlow may crash
                            add(kind, config, x(1, timesteps, 2))
            masked(kind, {"pool_size": 2, "padding": padding}, x())
        add(kind, {"pool_size": 2, "padding": "same"}, x(1, 1, 1))
    for kind in ("GlobalMaxPooling1D", "GlobalAveragePooling1D"):
        for keepdims in (False, True):
            masked(kind, {"keepdims": keepdims}, x())
            add(kind, {"keepdims": keepdims}, x(1, 1, 2))
        add(kind, {"keepdims": False}, x(), masks=[NEVER])


def normalization():
    for config in ({}, {"center": False}, {"scale": False}, {"center": False, "scale": False}, {"epsilon": 0.1}):
        for kind in ("BatchNormalization", "LayerNormalization"):
            masked(kind, config, x())
            add(kind, config, x(3, 2))
    for axis in (1, 2, -2):
        masked("BatchNormalization", {"axis": axis}, x())
        add("BatchNormalization", {"axis": axis}, x(1, 2, 2, 3))
        masked("LayerNormalization", {"axis": axis}, x())
    for axis in ([1, 2], [-2, -1], [1, 3]):
        add("LayerNormalization", {"axis": axis}, x(2, 3, 2, 2))
    add("LayerNormalization", {}, x(2, 1, 1))
    add("LayerNormalization", {}, np.full((1, 1, 3), 2.0))


def attention():
    q, v, k = (2, 5, 3), (2, 5, 2), (2, 5, 3)
    for config in ({}, {"use_scale": True}, {"score_mode": "concat"}, {"score_mode": "concat", "use_scale": True}):
        masked("Attention", config, x(*q), x(2, 5, 3))
        masked("Attention", config, x(*q), x(*v), x(*k))
        add("Attention", config, x(*q), x(*q), call={"use_causal_mask": True}, causal=True)
        add("Attention", config, x(2, 2, 3), x(2, 5, 3), masks=[None, LATE])
        add("Attention", config, x(2, 5, 3), x(2, 1, 3), masks=[HOLES, None])
    add("Attention", {}, x(*q), x(*q), masks=[HOLES, NEVER])
    add("Attention", {}, x(*q), x(*q), masks=[HOLES, LATE], call={"use_causal_mask": True}, causal=True)
    add("Attention", {}, x(2, 3, 2), x(2, 5, 2), call={"use_causal_mask": True}, causal=True)
    add("Attention", {}, x(1, 1, 1), x(1, 1, 1))
    add("Attention", {}, x(*q), x(*v))


def shapes():
    for n in (1, 3):
        add("RepeatVector", {"n": n}, x(2, 3))
    for padding in ([0, 0], [1, 2], [3, 0]):
        masked("ZeroPadding1D", {"padding": padding}, x())
        masked("Cropping1D", {"cropping": padding}, x())
    add("ZeroPadding1D", {"padding": [0, 1]}, x(1, 1, 1))
    add("Cropping1D", {"cropping": [2, 2]}, x(1, 5, 1))
    add("Cropping1D", {"cropping": [2, 3]}, x(1, 5, 1))
    for size in (1, 2, 3):
        masked("UpSampling1D", {"size": size}, x())
    for shape in ([15], [-1], [3, 5], [-1, 3], [5, 3], [1, -1, 1]):
        masked("Reshape", {"target_shape": shape}, x())
    add("Reshape", {"target_shape": [2, 2]}, x(3, 4))
    add("Reshape", {"target_shape": [4, -1]}, x(3, 6))
    for dims in ([1, 2], [2, 1]):
        masked("Permute", {"dims": dims}, x())
    for dims in ([3, 1, 2], [2, 3, 1], [1, 3, 2]):
        add("Permute", {"dims": dims}, x(1, 2, 3, 2))
    masked("Flatten", {}, x())
    for shape in ((3,), (3, 2), (2, 2, 3, 2), (1, 1, 1)):
        add("Flatten", {}, x(*shape))


def combine():
    axes = [((2, 5, 2),) * 2, ((2, 5, 2),) * 3, ((2, 5, 2), (2, 5, 1)), ((2, 1, 2), (2, 5, 2)), ((2, 2), (2, 2))]
    axes += [((2, 5, 2), (2, 2)), ((2, 2), (2, 5, 2)), ((2, 2, 2, 2), (2, 1, 2, 1)), ((2, 5, 2), (2, 4, 2))]
    for kind in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"):
        for shapes in axes:
            add(kind, {}, *(x(*shape) for shape in shapes))
        two = axes[0]
        for masks in ([HOLES, LATE], [HOLES, None], [None, LATE], [NEVER, NEVER]):
            add(kind, {}, *(x(*shape) for shape in two), masks=masks)
        add(kind, {}, *(x(*shape) for shape in axes[1]), masks=[HOLES, LATE, NEVER])
        add(kind, {}, x(2, 5, 2), x(2, 5, 1), masks=[HOLES, LATE])
        add(kind, {}, x(2, 5, 2), x(2, 1, 2), masks=[HOLES, "1 0"])
    for axis in (-1, 2, 1, -2):
        other = (2, 5, 1) if axis in (-1, 2) else (2, 2, 2)
        late = LATE if axis in (-1, 2) else "10 01"
        for masks in ([None, None], [HOLES, late], [HOLES, None], [None, late]):
            add("Concatenate", {"axis": axis}, x(2, 5, 2), x(*other), masks=masks)
    add("Concatenate", {"axis": -1}, x(2, 5, 2), x(2, 5, 2), x(2, 5, 2), masks=[HOLES, NEVER, LATE])
    add("Concatenate", {"axis": 1}, x(2, 2), x(2, 1))
    add("Concatenate", {"axis": 3}, x(2, 2, 2, 1), x(2, 2, 2, 3))
    add("Concatenate", {"axis": -1}, x(2, 5, 2), x(2, 4, 2))


def elementwise():
    names = ["relu", "tanh", "sigmoid", "softmax", "elu", "selu", "gelu", "silu", "softplus", "softsign", "hard_sigmoid"]
    for name in names + ["exponential", "mish", "hard_tanh", "relu6", "hard_silu", "leaky_relu", "linear"]:
        add("Activation", {"activation": name}, x(1, 3, 3) * 3)
    masked("Activation", {"activation": "tanh"}, x())
    masked("Activation", {"activation": "softmax"}, x())
    masked("LeakyReLU", {"negative_slope": 0.1}, x())
    masked("ELU", {"alpha": 0.5}, x())
    masked("Identity", {}, x())
    masked("Dropout", {"rate": 0.5}, x())
    for axis in (-1, 1, 2, -2):
        masked("Softmax", {"axis": axis}, x())
    add("Softmax", {"axis": -1}, x(3, 2))
    add("Softmax", {"axis": 0}, x(3, 2))
    add("Softmax", {"axis": 2}, x(1, 2, 3, 2) * 50)


def time_distributed():
    inner = [("Dense", {"units": 2}, SEQUENCE), ("BatchNormalization", {}, SEQUENCE), ("LayerNormalization", {}, SEQUENCE)]
    inner += [("Flatten", {}, (2, 5, 2, 2)), ("Conv1D", {"filters": 2, "kernel_size": 2}, (2, 5, 3, 2))]
    inner += [("MaxPooling1D", {"pool_size": 2}, (2, 5, 4, 1)), ("Reshape", {"target_shape": [3, 1]}, SEQUENCE)]
    inner += [("RepeatVector", {"n": 2}, SEQUENCE), ("GlobalMaxPooling1D", {}, (2, 5, 3, 2))]
    for kind, config, shape in inner:
        make = lambda dtype=None: L.TimeDistributed(getattr(L, kind)(dtype=dtype, **config), dtype=dtype)
        masked("TimeDistributed", {"inner": {"layer": kind, **config}}, x(*shape), make=make)


def images():
    for padding in ("valid", "same"):
        for kernel_size in (1, 2, (3, 3), (1, 3), (4, 2)):
            for strides, dilation_rate in ((1, 1), (2, 1), ((1, 3), 1), (1, 2), (1, (2, 1))):
                config = {"filters": 2, "kernel_size": kernel_size, "padding": padding}
                add("Conv2D", config | {"strides": strides, "dilation_rate": dilation_rate}, x(1, 7, 6, 2))
        config = {"filters": 4, "kernel_size": 3, "padding": padding}
        for more in ({}, {"use_bias": False}, {"activation": "relu"}, {"activation": "softmax"}, {"groups": 2}):
            masked("Conv2D", config | more, x(2, 5, 4, 2))
        add("Conv2D", config | {"groups": 4, "strides": 2}, x(1, 5, 5, 4))
        add("Conv2D", config | {"groups": 2, "dilation_rate": (1, 2)}, x(2, 3, 5, 2))
        for more in ({}, {"depth_multiplier": 2}, {"use_bias": False, "strides": 2}, {"dilation_rate": 2, "activation": "relu"}):
            masked("DepthwiseConv2D", {"kernel_size": (3, 2), "padding": padding} | more, x(2, 5, 6, 3))
    add("Conv2D", {"filters": 2, "kernel_size": 3}, x(1, 2, 5, 2))
    add("Conv2D", {"filters": 17, "kernel_size": (2, 3), "padding": "same"}, x(1, 9, 8, 3))  # more windows than share the weights
    add("Conv2D", {"filters": 1, "kernel_size": 3, "padding": "same"}, x(1, 1, 1, 1))
    for kind in ("MaxPooling2D", "AveragePooling2D"):
        for padding in ("valid", "same"):
            for pool_size in (1, 2, (2, 1), (1, 3), (3, 2)):
                for strides in (None, 1, (2, 3)):
                    add(kind, {"pool_size": pool_size, "strides": strides, "padding": padding}, x(1, 5, 4, 2))
            masked(kind, {"pool_size": 2, "padding": padding}, x(2, 5, 3, 2))
        add(kind, {"pool_size": 2, "padding": "same"}, x(1, 1, 1, 1))
    for kind in ("GlobalMaxPooling2D", "GlobalAveragePooling2D"):
        for keepdims in (False, True):
            masked(kind, {"keepdims": keepdims}, x(2, 5, 3, 2))
    for ends in ([[0, 0], [0, 0]], [[1, 2], [0, 1]], [[0, 1], [2, 0]]):
        masked("ZeroPadding2D", {"padding": ends}, x(2, 5, 4, 2))
        masked("Cropping2D", {"cropping": ends}, x(2, 5, 4, 2))
    for size in (1, 2, (3, 1), (1, 2)):
        masked("UpSampling2D", {"size": size}, x(2, 5, 3, 2))
    # The layers of before over images and videos.
    for shape in ((2, 5, 3, 2), (2, 5, 3, 2, 2)):
        for axis in (-1, 2, 1):
            add("BatchNormalization", {"axis": axis}, x(*shape))  # Keras 3 refuses masks of fewer axes than images have
            masked("LayerNormalization", {"axis": axis}, x(*shape))
        masked("LayerNormalization", {"axis": [-2, -1]}, x(*shape))
        masked("Activation", {"activation": "relu"}, x(*shape))
        masked("Activation", {"activation": "softmax"}, x(*shape))
        masked("Dropout", {"rate": 0.5}, x(*shape))
        masked("Flatten", {}, x(*shape))
        masked("Dense", {"units": 2}, x(*shape))
        masked("Reshape", {"target_shape": [5, -1]}, x(*shape))
        masked("Permute", {"dims": [2, 1, *range(3, len(shape))]}, x(*shape))
    masked("Permute", {"dims": [1, 3, 2]}, x(2, 5, 3, 2))
    masked("SpatialDropout2D", {"rate": 0.5}, x(2, 5, 3, 2))
    inner = [("Conv2D", {"filters": 2, "kernel_size": (2, 3), "padding": "same"}), ("MaxPooling2D", {"pool_size": 2})]
    inner += [("DepthwiseConv2D", {"kernel_size": 2}), ("GlobalAveragePooling2D", {}), ("GlobalMaxPooling2D", {"keepdims": True})]
    inner += [("ZeroPadding2D", {"padding": [[1, 0], [0, 2]]}), ("Cropping2D", {"cropping": [[1, 0], [0, 2]]}), ("UpSampling2D", {"size": 2})]
    inner += [("LayerNormalization", {}), ("Flatten", {}), ("Permute", {"dims": [2, 1, 3]})]
    for kind, config in inner + [("AveragePooling2D", {"pool_size": (2, 1)}), ("SpatialDropout2D", {"rate": 0.5})]:
        make = lambda dtype=None: L.TimeDistributed(getattr(L, kind)(dtype=dtype, **config), dtype=dtype)
        masked("TimeDistributed", {"inner": {"layer": kind, **config}}, x(2, 5, 3, 4, 2), make=make)
    make = lambda dtype=None: L.TimeDistributed(L.BatchNormalization(dtype=dtype), dtype=dtype)
    add("TimeDistributed", {"inner": {"layer": "BatchNormalization"}}, x(2, 5, 3, 4, 2), make=make)
class Several:
    """A layer that takes its inputs as arguments, and of whose outputs one is recorded."""

    def __init__(self, layer, names=(), output=None):
        self.layer, self.names, self.output = layer, names, output

    weights = property(lambda self: self.layer.weights)

    def set_weights(self, weights):
        self.layer.set_weights(weights)

    def __call__(self, xs, **call):
        xs = list(xs) if isinstance(xs, (list, tuple)) else [xs]
        if isinstance(self.layer, L.MultiHeadAttention):
            plain = len(xs) - len(self.names)
            y = self.layer(*xs[:plain], **call, **dict(zip(self.names, xs[plain:])))
        else:
            y = self.layer(xs, **call)
        return y if self.output is None else y[self.output]


def scores(kind, config, *inputs, names=(), call=None, **more):
    """Without the weights of attention, and both outputs with them."""
    call = call or {}

    def make(output):
        return lambda dtype=None: Several(getattr(L, kind)(dtype=dtype, **config), names, output)

    if kind == "MultiHeadAttention":
        more["named"] = list(names)
        add(kind, config, *inputs, make=make(None), call=call, **more)
    for output in (0, 1):
        both = {**call, "return_attention_scores": True}
        add(kind, config, *inputs, make=make(output), call=both, taken=output, **more)


def more_attention():
    q, v, k = (2, 4, 3), (2, 5, 2), (2, 5, 3)
    late, holes = "0011 1101", HOLES
    for config in ({}, {"use_scale": True}, {"score_mode": "concat"}):
        scores("Attention", config, x(*q), x(*v), x(*k))
        scores("Attention", config, x(*q), x(*v), x(*k), masks=[late, holes, LATE])
    config = {"dropout": 0.5, "seed": 1}
    scores("Attention", config, x(), x(*k), masks=[None, NEVER], call={"use_causal_mask": True}, causal=True)
    for config in ({}, {"use_scale": False}):
        masked("AdditiveAttention", config, x(), x())
        masked("AdditiveAttention", config, x(), x(*v), x(*k))
        scores("AdditiveAttention", config, x(*q), x(*v), x(*k), masks=[late, holes, LATE])
        add("AdditiveAttention", config, x(), x(), masks=[HOLES, NEVER], call={"use_causal_mask": True}, causal=True)
    add("AdditiveAttention", {"dropout": 0.2}, x(1, 1, 1), x(1, 1, 1))
    add("AdditiveAttention", {"use_scale": False}, x(2, 5, 3), x(2, 5, 2))


def multi_head_attention():
    small = {"num_heads": 2, "key_dim": 3}
    q, v, k = (2, 4, 3), (2, 5, 2), (2, 5, 4)
    late, kind = "0011 1101", "MultiHeadAttention"
    ones = lambda *shape: (rng.random(shape) < 0.6).astype(np.float32)
    every = [{}, {"use_bias": False, "value_dim": 2}, {"output_shape": 5, "value_dim": 4}]
    for config in every:
        config = {**small, **config}
        scores(kind, config, x(*q), x(*v))
        scores(kind, config, x(*q), x(*v), x(*k))
        scores(kind, config, x(*q), x(*v), x(*k), masks=[late, HOLES, LATE])
    causal = {"call": {"use_causal_mask": True}, "causal": True}
    scores(kind, small, x(), x(), **causal)
    scores(kind, small, x(), x(), masks=[HOLES, NEVER], **causal)
    scores(kind, small, x(*q), x(*v), masks=[None, LATE], **causal)
    named = {"names": ["attention_mask"]}
    for shape in ((2, 4, 5), (2, 1, 5), (2, 4, 1), (2, 2, 4, 5), (2, 1, 4, 5)):
        scores(kind, small, x(*q), x(*v), ones(*shape), **named)
        # Keras adds no axis of heads to the masks of the inputs.
        if len(shape) == 3:
            scores(kind, small, x(*q), x(*v), x(*k), ones(*shape), masks=[late, HOLES, None, None], **named)
    scores(kind, small, x(), x(), ones(2, 5, 5), masks=[HOLES, None, None], **named, **causal)
    scores(kind, {"num_heads": 1, "key_dim": 1}, x(1, 1, 1), x(1, 1, 1))
    for axes in ([1], [2], [1, 2], [-2], None):
        config = {**small, "attention_axes": axes}
        scores(kind, config, x(2, 3, 2, 4), x(2, 5 if axes == [1] else 3, 2, 4))
    scores(kind, {**small, "attention_axes": [1]}, x(2, 5, 2, 3), x(2, 5, 2, 3), masks=[HOLES, LATE], **causal)
    scores(kind, {**small, "attention_axes": [-2]}, x(), x(2, 4, 3))


def dot():
    two = [((2, 3), (2, 3)), ((2, 3), (2, 5, 3)), ((2, 5, 3), (2, 3)), ((2, 5, 3), (2, 4, 3)), ((2, 2, 3, 4), (2, 5, 4))]
    for normalize in (False, True):
        for shapes in two:
            add("Dot", {"axes": -1, "normalize": normalize}, *(x(*shape) for shape in shapes))
        for axes, first, second in (
            (1, (2, 5, 3), (2, 5, 2)),
            ([1, 2], (2, 5, 3), (2, 4, 5)),
            ([2, 1], (2, 5, 3), (2, 3, 2)),
            ([2, 1], (2, 2, 3, 4), (2, 3, 2, 2)),
            ([1, -1], (2, 3), (2, 5, 3)),
            (2, (2, 1, 1), (2, 1, 1)),
        ):
            add("Dot", {"axes": axes, "normalize": normalize}, x(*first), x(*second))
        add("Dot", {"axes": 2, "normalize": normalize}, x(), x(), masks=[HOLES, LATE])
    add("Dot", {"axes": 1, "normalize": True}, np.zeros((2, 3)), x(2, 3))
    add("Dot", {"axes": 1}, x(2, 5, 3), x(2, 4, 3))


def adapted():
    every = ({}, {"invert": True}, {"axis": 1}, {"axis": [1, 2]}, {"axis": [2, 1], "invert": True}, {"axis": None})
    for config in every:
        masked("Normalization", config, x())
    for config in ({}, {"axis": -2}, {"axis": [1, 3]}):
        add("Normalization", config, x(2, 3, 2, 4))
    add("Normalization", {}, x(4, 3))
    three = [0.5, -1.0, 2.0]
    for invert in (False, True):
        masked("Normalization", {"mean": 0.5, "variance": 2.0, "invert": invert}, x())
        masked("Normalization", {"mean": three, "variance": [1.0, 0.25, 4.0], "invert": invert}, x())
        add("Normalization", {"axis": [1, 2], "mean": three, "variance": [1.0, 0.5, 4.0], "invert": invert}, x())
        add("Normalization", {"axis": [1, 2], "mean": [[0.5]] * 5, "variance": [[2.0]] * 5, "invert": invert}, x())
    add("Normalization", {"mean": [1.0, 2.0], "variance": [1.0, 2.0]}, x())
    for config in ({"scale": 0.1}, {"scale": 2.0, "offset": -1.0}, {"scale": three}, {"scale": 0.5, "offset": three}):
        masked("Rescaling", config, x())
    add("Rescaling", {"scale": [[1.0], [2.0], [3.0], [4.0], [5.0]], "offset": [three]}, x())
    add("Rescaling", {"scale": [1.0, 2.0]}, x())
    add("Rescaling", {"scale": 3.0}, x(2, 3))


for family in (dense, embedding, masking, conv1d, pooling1d, normalization, attention, shapes, combine, elementwise, time_distributed):
    family()
rng = np.random.default_rng(20261130)  # of their own, so that what stood here before stays as it was
images()
for seed, family in enumerate((more_attention, multi_head_attention, dot, adapted), 20261130):
    rng = np.random.default_rng(seed)
    family()
os.makedirs(here, exist_ok=True)
np.concatenate([np.ravel(array) for array in numbers]).astype("<f4").tofile(here + "/numbers.f32")
with open(here + "/cases.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
refused = sum("refused" in case for case in cases)
print(len(cases), "cases,", refused, "refused,", os.path.getsize(here + "/numbers.f32"), "+", os.path.getsize(here + "/cases.json"), "bytes")
