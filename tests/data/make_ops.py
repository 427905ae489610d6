"""Makes tests/data/keras_ops: models with operations between their layers, and what Keras computes with them, in the form of
tests/data/keras_files.

    python tests/data/make_ops.py            keras >= 3 with TensorFlow: cases k3_*
    python tests/data/make_ops.py tf_keras   tf_keras: cases k2_*

With a second argument `more` it makes the cases *_more alone.

Used were Keras 3.15.1 and tf_keras 2.21.0 with TensorFlow 2.21.0. KERAS_OPS names another directory.
"""

import os
import sys

here = os.environ.get("KERAS_OPS") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "keras_ops")
os.environ["KERAS_FILES"] = here
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import make_keras_files as files  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

k, L, of_keras3 = files.k, files.L, files.kind == "keras"
files.rng = rng = np.random.default_rng(20261130)
ROW = np.float32([[1.0, -2.0, 0.5, 4.0]])


def model(outputs_of, shape=(6, 4), masked=False):
    """The operations on what a layer gives, each as an output of its own."""

    def build():
        x = k.Input(shape, name="x")
        y = L.Dense(shape[-1], name="dense")(L.Masking()(x) if masked else x)
        return k.Model(x, outputs_of(y))

    return build


def slices(y):
    all = [y[:, -1, :], y[:, ::-1], y[..., :3], y[:, None], y[:, 1:3, 0], y[:, -2:], y[:, 4:1:-2], y[:, -9:99], y[:, 3:1]]
    return all + [y[:, 2:, None, ::-3], y[:, None, -1], y[:, :, :], y[:, 5::-1, 1:-1], y[:, ..., -1], y[:, :-1] - y[:, 1:]]


def arithmetic(y):
    z = y[:, :1]
    array = ROW.astype(k.backend.floatx())
    row = k.ops.convert_to_tensor(array) if of_keras3 else tf.constant(array)
    numbers = [y + 1.0, 2.0 - y, y * 3, 1 / (y + 9.0), y / 2, -y, abs(y), (y * y + 1) ** 0.5, 2.0 ** y, y // 0.3, y % 0.3]
    arrays = [y + row, array * y if not of_keras3 else k.ops.multiply(array, y), y - row[0], y * array[0]]
    between = [y + y, y - z, z * y, y / (z * z + 1), y[:, 0][:, None] + y, y[:, :, :1] * y[:, :1]]
    compared = [y > 0, y >= z, y < 0.1, y <= row, 0.2 < y]
    if of_keras3:
        o = k.ops
        compared += [o.equal(y, y), o.not_equal(y, z), o.logical_and(y > 0, y < 1), o.logical_or(y > 0, z > 0)]
        compared += [o.logical_not(y > 0), o.logical_xor(y > 0, z > 0)]
        between += [o.where(y > 0, y, 0.0), o.where(y > 0, 1.0, z), o.where(y > z, y, row), o.maximum(y, z), o.minimum(0.1, y)]
    else:
        compared += [tf.equal(y, y), tf.not_equal(y, z), tf.logical_and(y > 0, y < 1), tf.logical_or(y > 0, z > 0)]
        compared += [tf.logical_not(y > 0), tf.math.logical_xor(y > 0, z > 0)]
        between += [tf.where(y > 0, y, 0.0), tf.where(y > 0, tf.ones_like(y), z), tf.where(y > z, y, row), tf.maximum(y, z)]
        between += [tf.minimum(y, 0.1), tf.nn.bias_add(y, array[0])]
    cast = k.ops.cast if of_keras3 else tf.cast
    return numbers + arrays + between + [cast(c, y.dtype) for c in compared] + [cast(y * 3, "int32"), cast(cast(y > 0, "bool"), "int64")]


def functions(y):
    """Functions of one number, and those that are an activation."""
    positive = y * y + 0.1
    if of_keras3:
        o = k.ops
        all = [o.abs(y), o.exp(y), o.log(positive), o.sqrt(positive), o.square(y), o.clip(y, -0.2, 0.3), o.sign(y), o.floor(y)]
        all += [o.ceil(y), o.rsqrt(positive), o.reciprocal(positive), o.log1p(positive), o.expm1(y), o.ones_like(y), o.zeros_like(y)]
        all += [o.copy(y), o.relu(y), o.relu6(y * 9), o.sigmoid(y), o.tanh(y), o.softmax(y), o.softmax(y, axis=1), o.silu(y)]
        all += [o.gelu(y), o.gelu(y, approximate=False), o.elu(y), o.selu(y), o.leaky_relu(y, 0.1), o.softplus(y), o.softsign(y)]
        all += [o.hard_sigmoid(y), o.hard_silu(y), o.log_sigmoid(y), o.celu(y, 0.7), o.hard_tanh(y), o.squareplus(y), o.sparse_plus(y)]
        return all + [k.activations.relu(y), k.activations.relu(y, negative_slope=0.3), o.soft_shrink(y, 0.2), o.hard_shrink(y, 0.2)]
    all = [tf.abs(y), tf.exp(y), tf.math.log(positive), tf.sqrt(positive), tf.square(y), tf.clip_by_value(y, -0.2, 0.3)]
    all += [tf.sign(y), tf.floor(y), tf.math.ceil(y), tf.math.rsqrt(positive), tf.math.reciprocal(positive), tf.math.log1p(positive)]
    all += [tf.math.expm1(y), tf.ones_like(y), tf.zeros_like(y), tf.identity(y), tf.nn.relu(y), tf.nn.relu6(y * 9), tf.sigmoid(y)]
    all += [tf.nn.sigmoid(y), tf.tanh(y), tf.nn.softmax(y), tf.nn.softmax(y, axis=1), tf.nn.silu(y), tf.nn.gelu(y), tf.nn.elu(y)]
    all += [tf.nn.gelu(y, approximate=True), tf.nn.selu(y), tf.nn.leaky_relu(y), tf.nn.leaky_relu(y, alpha=0.1), tf.nn.softplus(y)]
    return all + [tf.nn.softsign(y), tf.math.log_sigmoid(y), tf.math.negative(y), tf.pow(y, 3.0), k.activations.relu(y), k.backend.exp(y)]


def reductions(y):
    if of_keras3:
        o = k.ops
        all = [o.mean(y, axis=1), o.sum(y, axis=-1, keepdims=True), o.max(y, axis=(1, 2)), o.min(y, axis=1, keepdims=True)]
        return all + [o.prod(y, axis=-2), o.mean(y, axis=(-1, 1), keepdims=True), o.cast(o.any(y > 0.5, axis=-1), y.dtype), o.cast(o.all(y > -1, axis=1), y.dtype)]
    all = [tf.reduce_mean(y, axis=1), tf.reduce_sum(y, axis=-1, keepdims=True), tf.reduce_max(y, [1, 2]), tf.reduce_min(y, 1, True)]
    all += [tf.reduce_prod(y, axis=-2), tf.reduce_mean(y, axis=(-1, 1), keepdims=True), tf.cast(tf.reduce_any(y > 0.5, axis=-1), y.dtype)]
    return all + [tf.cast(tf.reduce_all(y > -1, axis=1), y.dtype), k.backend.sum(y, axis=1), k.backend.mean(y, axis=[1])]


def arranged(y):
    if of_keras3:
        o = k.ops
        all = [o.flip(y, axis=1), o.flip(y, axis=(-1, 1)), o.expand_dims(y, -1), o.expand_dims(y, (1, -1)), o.squeeze(y[:, :1], 1)]
        all += [o.squeeze(y[:, None, :, :1], (1, -1)), o.transpose(y, (0, 2, 1)), o.reshape(y, (-1, 24)), o.reshape(y, (-1, 3, 2, 4))]
        all += [o.reshape(o.reshape(y, (-1, 4)), (-1, 6, 4)), o.stack([y, y * 2], axis=1), o.stack([y, y * 2], axis=-1)]
        all += [o.concatenate([y, y * 2], axis=1), o.concatenate([y, y * 2, y], axis=-1), o.tile(y, (1, 2, 3)), o.tile(y, (2, 1))]
        return all + [o.repeat(y, 2, axis=1), o.repeat(y, 3, axis=-1), o.roll(y, 1, axis=1), o.roll(y, -9, axis=-1)]
    all = [tf.reverse(y, axis=[1]), tf.reverse(y, [-1, 1]), tf.expand_dims(y, -1), tf.expand_dims(y, 1), tf.squeeze(y[:, :1], 1)]
    all += [tf.squeeze(y[:, None, :, :1], axis=[1, -1]), tf.transpose(y, (0, 2, 1)), tf.reshape(y, (-1, 24)), tf.reshape(y, (-1, 3, 2, 4))]
    all += [tf.reshape(tf.reshape(y, (-1, 4)), (-1, 6, 4)), tf.stack([y, y * 2], axis=1), tf.stack([y, y * 2], axis=-1)]
    all += [tf.concat([y, y * 2], axis=1), tf.concat([y, y * 2, y], -1), tf.tile(y, [1, 2, 3]), tf.repeat(y, 2, axis=1)]
    all += [tf.repeat(y, 3, axis=-1), tf.roll(y, 1, axis=1), tf.roll(y, -9, axis=-1), k.backend.permute_dimensions(y, (0, 2, 1))]
    return all + [k.backend.concatenate([y, y]), k.backend.reverse(y, 1), k.backend.expand_dims(y, 1)]


def stepped(y):
    """What works timestep by timestep, and nothing else: it is streamed."""
    z = L.GRU(4, return_sequences=True, name="gru")(y)
    both = (k.ops.concatenate if of_keras3 else tf.concat)([y * ROW[0] + 0.5, z[:, :, ::-1]], axis=-1)
    where = k.ops.where if of_keras3 else tf.where
    mean = k.ops.mean if of_keras3 else tf.reduce_mean
    tanh = k.ops.tanh if of_keras3 else tf.tanh
    gate = tanh(where(z > y, z - y, 0.25)) / (y * y + 1.0)
    return [both, gate * z[:, :, :1], mean(z, axis=-1, keepdims=True) - z, L.LSTM(2, return_sequences=True, name="lstm")(both)]


def masks(y):
    """A GRU tells whether a mask is there: of all operations only a conversion that converts nothing keeps it."""
    dtype = k.backend.floatx()
    if of_keras3:
        o = k.ops
        kept = [y, o.cast(y, dtype), o.convert_to_tensor(y)]
        lost = [y[:, :], y[:, 1:], y + 0.0, y * y, o.relu(y), o.flip(y, axis=1), o.concatenate([y, y], axis=-1), o.maximum(y, -9.0)]
        lost += [o.expand_dims(y, 1)[:, 0], o.where(y > 0, y, 0.0), o.reshape(y, (-1, 6, 4)), o.clip(y, -9, 9), k.activations.relu(y)]
        lost += [o.cast(o.cast(y * 5, "int32"), dtype), o.copy(y)]
    else:
        kept = [y, tf.cast(y, dtype), tf.convert_to_tensor(y)]
        lost = [y[:, :], y[:, 1:], y + 0.0, y * y, tf.nn.relu(y), tf.reverse(y, [1]), tf.concat([y, y], -1), tf.maximum(y, -9.0)]
        lost += [tf.expand_dims(y, 1)[:, 0], tf.where(y > 0, y, 0.0), tf.reshape(y, (-1, 6, 4)), tf.clip_by_value(y, -9, 9)]
        lost += [k.activations.relu(y), tf.cast(tf.cast(y * 5, "int32"), dtype), tf.identity(y)]
    return [L.GRU(2, name=f"gru_{i}")(z) for i, z in enumerate(kept + lost)]


def ids():
    """Token ids, whole numbers in Keras and here."""
    t = k.Input((5,), dtype="int32", name="t")
    if of_keras3:
        o = k.ops
        asked, floats = o.not_equal(t, 0), o.cast(t, k.backend.floatx())
        shifted = o.concatenate([o.zeros_like(t[:, :1]), t[:, :-1]], axis=1)
        odd, least, count = t % 2, o.minimum(t, 3), o.sum(o.cast(asked, "int32"), axis=1, keepdims=True)
        mean = o.mean(t, axis=1)
        half = t / 2
    else:
        asked, floats = tf.not_equal(t, 0), tf.cast(t, k.backend.floatx())
        shifted = tf.concat([tf.zeros_like(t[:, :1]), t[:, :-1]], axis=1)
        odd, least, count = t % 2, tf.minimum(t, 3), tf.reduce_sum(tf.cast(asked, "int32"), axis=1, keepdims=True)
        mean = tf.reduce_mean(floats, axis=1)
        half = tf.cast(t, k.backend.floatx()) / 2
    table = L.Embedding(8, 3, name="table")
    y = L.GRU(2, name="gru")(table(shifted), mask=asked)
    return k.Model(t, [y, table(odd), table(t[:, ::-1]), L.LSTM(2, name="lstm")(table(least)), floats * 0.5, count, mean, half, t // 2])


def forecast():
    """As people write it: the last steps of an LSTM, attention by hand, and a residual."""
    x = k.Input((6, 4), name="x")
    y = L.LSTM(4, return_sequences=True, name="lstm")(x)
    score = L.Dense(1, activation="tanh", name="score")(y)
    if of_keras3:
        weight = k.ops.softmax(score, axis=1)
        context = k.ops.sum(weight * y, axis=1)
    else:
        weight = tf.nn.softmax(score, axis=1)
        context = tf.reduce_sum(weight * y, axis=1)
    last = L.TimeDistributed(L.Dense(2, name="inner"), name="each")(y[:, -3:, :])
    return k.Model(x, [L.Dense(2, name="head")(context + x[:, -1, :]), last, y[:, -1, :] - context])


def gated(y):
    """Functions of single numbers alone: a step of this model allocates nothing."""
    z = L.GRU(4, return_sequences=True, name="gru")(y)
    where = k.ops.where if of_keras3 else tf.where
    exp = k.ops.exp if of_keras3 else tf.exp
    return where(z > 0.1, z * y, exp(-z)) + z * ROW[0].astype(k.backend.floatx())


def more(y):
    """Operations that came last."""
    array = np.float32([[1.0, -2.0], [0.5, 4.0], [0.25, 1.0], [-1.0, 0.5]])
    z = y * 2 + 0.1
    if of_keras3:
        o = k.ops
        all = [o.matmul(y, o.transpose(z, (0, 2, 1))), o.matmul(y, o.convert_to_tensor(array)), o.matmul(y[:, None], z[:, :4])]
        all += [o.matmul(o.convert_to_tensor(np.ones((2, 6), "float32")), y), o.matmul(y[:, 0, :], array)]
        all += [o.argmax(y, axis=-1), o.argmax(y, axis=1, keepdims=True), o.argmin(y, axis=-2), o.cumsum(y, axis=1), o.cumsum(y, axis=-1)]
        all += [o.cumprod(y, axis=1), o.logsumexp(y, axis=1), o.logsumexp(y * 300, axis=(1, 2), keepdims=True), o.log_softmax(y)]
        all += [o.one_hot(o.argmax(y, axis=-1), 4), o.erf(y), o.round(y * 4) / 2, o.round(o.cast(o.floor(y * 3), y.dtype) / 2), o.trunc(y * 3)]
        all += [o.std(y, axis=1), o.var(y, axis=(1, 2)), o.std(y, axis=-1, keepdims=True), o.swapaxes(y, 1, 2), o.swapaxes(y, -1, 1)]
        all += [o.moveaxis(y[:, None] + z[:, :, None], 1, -1), o.moveaxis(y[:, None] * z[:, :, None], 3, 1)]
        all += [o.pad(y, ((0, 0), (2, 1), (0, 0))), o.pad(y, ((0, 0), (0, 0), (1, 3)))]
        return [o.cast(a, y.dtype) for a in all]
    all = [tf.matmul(y, z, transpose_b=True), tf.matmul(y, array), tf.matmul(y, z, transpose_a=True), y @ tf.transpose(z, (0, 2, 1))]
    all += [tf.argmax(y, axis=-1), tf.math.argmin(y, axis=1), tf.cumsum(y, axis=1), tf.math.cumsum(y, axis=-1), tf.math.cumprod(y, 1)]
    all += [tf.reduce_logsumexp(y, axis=1), tf.nn.log_softmax(y), tf.one_hot(tf.argmax(y, axis=-1), 4), tf.math.erf(y), tf.round(y * 4)]
    all += [tf.math.reduce_std(y, axis=1), tf.math.reduce_variance(y, axis=[1, 2]), tf.pad(y, [[0, 0], [2, 1], [0, 0]])]
    return [tf.cast(a, y.dtype) for a in all]


def more_steps(y):
    """Slices and what moves numbers: a step of this model allocates nothing."""
    z = L.GRU(4, return_sequences=True, name="gru")(y)
    if of_keras3:
        concatenate, softmax, padded = k.ops.concatenate, k.ops.softmax(z), k.ops.pad(y, ((0, 0), (0, 0), (1, 0)))
    else:
        concatenate, softmax, padded = tf.concat, tf.nn.softmax(z), tf.pad(y, [[0, 0], [0, 0], [1, 0]])
    return concatenate([y[:, :, 1:3], y[..., ::-1] - z, z[:, :, :1], softmax, padded], axis=-1)


def main():
    x = files.random((2, 6, 4), 1.0)
    if files.only == "more":
        files.add("more", model(more), [[files.random((2, 6, 4), 1.0)]], ("keras",) if of_keras3 else ("h5",))
        files.add("more_steps", model(more_steps), [[files.random((2, 6, 4), 1.0)]], ("keras",) if of_keras3 else ("h5",))
        return files.write()
    padded = x.copy()
    padded[0, 3:], padded[1, 5:] = 0, 0
    # tf_keras cannot write `...` into an archive.
    files.add("slices", model(slices), [[x]], ("keras",) if of_keras3 else ("h5",))
    for name, of in (("arithmetic", arithmetic), ("functions", functions), ("reductions", reductions)):
        files.add(name, model(of), [[x]], ("keras",))
    files.add("arranged", model(arranged), [[x]], ("keras",))
    files.add("stepped", model(stepped), [[x]], ("keras",))
    files.add("masks", model(masks, masked=True), [[padded]], ("keras",))
    files.add("ids", ids, [[np.int32([[3, 1, 7, 0, 0], [5, 2, 6, 4, 0]])]], ("keras", "h5"))
    files.add("forecast", forecast, [[x]], ("h5",))
    files.add("gated", model(gated), [[x]], ("keras",))
    files.add("more", model(more), [[files.random((2, 6, 4), 1.0)]], ("keras",) if of_keras3 else ("h5",))
    files.add("more_steps", model(more_steps), [[files.random((2, 6, 4), 1.0)]], ("keras",) if of_keras3 else ("h5",))
    files.write()


if __name__ == "__main__":
    main()
