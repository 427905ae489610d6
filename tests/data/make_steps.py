"""What Keras does in a training step where no other data say it: tests/data/steps.json.

    python tests/data/make_steps.py

Made with Keras 3.15 on TensorFlow 2.21.
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from keras import layers


def penalties():
    """L2 of two layers of ones; the first frozen; one layer, called twice."""
    x = layers.Input((3,))
    a = layers.Dense(2, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.01), kernel_initializer="ones")
    b = layers.Dense(1, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.1), kernel_initializer="ones")
    model = keras.Model(x, b(a(x)))
    both = sum(float(loss) for loss in model.losses)
    a.trainable = False
    frozen = sum(float(loss) for loss in model.losses)
    x = layers.Input((3,))
    shared = layers.Dense(3, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.1), kernel_initializer="ones")
    shared = sum(float(loss) for loss in keras.Model(x, shared(shared(x))).losses)
    return {"both": both, "first_frozen": frozen, "shared": shared}


def shared_normalization():
    """The moving mean of a BatchNormalization(momentum=0.5) that was called on 2 and then on 8."""
    a, b = layers.Input((1,)), layers.Input((1,))
    norm = layers.BatchNormalization(momentum=0.5)
    model = keras.Model([a, b], layers.Add()([norm(a), norm(b)]))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.train_on_batch([np.full((2, 1), 2.0), np.full((2, 1), 8.0)], np.zeros((2, 1)))
    return float(norm.moving_mean[0])


def loss_behind(build):
    """The sparse categorical crossentropy of class 1, of the scores 800 and 0."""
    x = layers.Input((2,))
    dense = layers.Dense(2)
    model = keras.Model(x, build(x, dense))
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    dense.set_weights([np.array([[800.0, 0.0], [0.0, 0.0]]), np.zeros(2)])
    return float(model.train_on_batch(np.array([[1.0, 0.0]]), np.array([1])))


def dense(x, dense):
    dense.activation = keras.activations.softmax
    return dense(x)


def nested(x, dense):
    dense.activation = keras.activations.softmax
    inner = layers.Input((2,))
    return keras.Model(inner, dense(inner))(x)


def reshape(x, dense):
    dense.activation = keras.activations.softmax
    return layers.Reshape((2,))(dense(x))


def activation(x, dense):
    return layers.Activation("softmax")(dense(x))


def softmax(x, dense):
    return layers.Softmax()(dense(x))


steps = {
    "penalties": penalties(),
    "shared_normalization": shared_normalization(),
    "loss_behind": {build.__name__: loss_behind(build) for build in [dense, activation, softmax, nested, reshape]},
}
path = Path(__file__).with_name("steps.json")
path.write_text(json.dumps(steps, indent=2) + "\n")
