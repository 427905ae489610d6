"""Makes tests/data/layer_gradients.json: gradients of layers in Keras, in f64.

    python tests/data/make_layer_gradients.py

Used were Keras 3.15.1 with TensorFlow 2.21.0. A case has the layer's weights, its inputs and their masks, factors, and the
gradients of Σ output · factor with respect to all of them. Arrays are {"shape", "numbers"}.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import tensorflow as tf

keras.config.set_floatx("float64")
rng = np.random.default_rng(20261130)
cases = {}


def random(*shape):
    return rng.uniform(-1, 1, shape)


def array(x):
    x = np.asarray(x)
    return {"shape": list(x.shape), "numbers": x.astype(float).ravel().tolist()}


def add(name, layer, inputs, masks=(), call=None, **given):
    tensors = [tf.constant(x) for x in inputs]
    call = call or (lambda *x: layer(x[0] if len(x) == 1 else list(x)))
    call(*tensors)
    for weight in getattr(layer, "weights", []):
        weight.assign(random(*weight.shape))
    weights = [w.value for w in getattr(layer, "weights", [])]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs = call(*tensors)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        factors = [random(*y.shape) for y in outputs]
        loss = tf.add_n([tf.reduce_sum(y * f) for y, f in zip(outputs, factors)])
    of = tape.gradient(loss, weights + tensors, unconnected_gradients="zero")
    cases[name] = {
        "weights": {w.path.split("/", 1)[-1]: array(w.numpy()) for w in getattr(layer, "weights", [])},
        "inputs": [array(x) for x in inputs],
        "masks": [None if m is None else array(m) for m in masks],
        "factors": [array(f) for f in factors],
        "of_weights": {w.path.split("/", 1)[-1]: array(g) for w, g in zip(getattr(layer, "weights", []), of)},
        "of_inputs": [array(g) for g in of[len(weights):]],
        **given,
    }


L = keras.layers
add("conv2d", L.Conv2D(4, (2, 3), strides=(2, 1), padding="same", groups=2, activation="silu"), [random(2, 5, 4, 4)])
add("depthwise", L.DepthwiseConv2D((2, 2), depth_multiplier=2), [random(2, 4, 3, 3)])
ties = np.array([1.0, 3, 3, 2, 3, 3, 0, 3, 1, 1, 1, 3]).reshape(1, 3, 4, 1)
add("max_ties", L.MaxPooling2D((2, 2), strides=1), [ties])
add("global_max_ties", L.GlobalMaxPooling2D(), [ties])
add("average", L.AveragePooling2D((2, 3), strides=(1, 2), padding="same"), [random(2, 3, 4, 2)])

query_mask = np.array([[1, 1, 0], [1, 1, 1]], bool)
value_mask = np.array([[1, 1, 0, 0], [0, 1, 1, 1]], bool)
query, value, key = random(2, 3, 4), random(2, 4, 2), random(2, 4, 4)
heads = L.MultiHeadAttention(2, 3, value_dim=2, output_shape=5)


def attend(scores):
    def call(q, v, k):
        q._keras_mask = tf.constant(query_mask)  # the argument `query_mask` is overwritten by it
        return heads(q, v, k, value_mask=tf.constant(value_mask), return_attention_scores=scores)

    return call


for scores in (False, True):
    name = "heads_scores" if scores else "heads"
    add(name, heads, [query, value, key], (query_mask, value_mask, None), attend(scores))
additive = L.AdditiveAttention()
call = lambda q, v, k: additive([q, v, k], mask=[tf.constant(query_mask), tf.constant(value_mask)], return_attention_scores=True)
add("additive", additive, [query, value, key], (query_mask, value_mask, None), call)
add("dot", L.Dot((1, 2), normalize=True), [random(2, 4, 3), random(2, 2, 4)])
add("rms", L.RMSNormalization(epsilon=0.01), [random(2, 3, 4)])
add("unit", L.UnitNormalization(axis=(1, 2)), [random(2, 3, 4)])
add("group", L.GroupNormalization(2, epsilon=0.01), [random(2, 3, 5, 4)])
at_kinks = random(2, 3, 4)
at_kinks[0, 0, 0] = at_kinks[1, 2, 3] = 0.0
add("p_relu", L.PReLU(shared_axes=[1]), [at_kinks])
add("conv1d_transpose", L.Conv1DTranspose(3, 4, strides=2, padding="same", activation="silu"), [random(2, 5, 2)])
add("conv2d_transpose", L.Conv2DTranspose(3, (2, 3), strides=(3, 2)), [random(2, 3, 2, 4)])

# At kinks and ties: what is computed, of what, with its gradients for an upstream gradient of 3.
o = keras.ops
numbers = {
    "clip": (lambda x: o.clip(x, -0.2, 0.3), [[-0.3, -0.2, 0.0, 0.3, 0.4]]),
    "abs": (o.abs, [[-1.0, 0.0, 1.0]]),
    "maximum": (o.maximum, [[1.0, 1.0, 3.0], [1.0, 2.0, 2.0]]),
    "minimum": (o.minimum, [[1.0, 1.0, 3.0], [1.0, 2.0, 2.0]]),
    "power": (o.power, [[0.0, -2.0, 2.0], [0.0, 3.0, 0.5]]),
    "mod": (o.mod, [[-7.0, 7.0], [2.0, -3.0]]),
    "max": (lambda x: o.max(x, axis=-1), [[2.0, 5.0, 5.0, 1.0]]),
    "min": (lambda x: o.min(x, axis=-1), [[2.0, 2.0, 2.0, 3.0]]),
    "prod": (lambda x: o.prod(x, axis=-1), [[2.0, 0.0, 5.0, 1.0]]),
}
print("at kinks, with an upstream gradient of 3:")
for name, (of, inputs) in numbers.items():
    inputs = [tf.constant(x, "float64") for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        y = 3 * tf.reduce_sum(of(*inputs))
    print(name, [g.numpy().tolist() for g in tape.gradient(y, inputs)])

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layer_gradients.json")
with open(path, "w") as file:
    json.dump(cases, file)
