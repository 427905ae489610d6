"""Makes tests/data/losses/: what tests/golden/losses lacks, in its format.

    python tests/data/make_losses.py      (keras, tensorflow, numpy)

Everything is f64. The gradient is TensorFlow's. Where a case has `through`, y_pred goes through this activation of Keras
first, as at the end of a model, and the gradient is that with respect to y_pred.
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

import golden

keras.backend.set_floatx("float64")

# Keras computes ln 2 of LogCosh in f32.
LOG = keras.src.ops.log
keras.src.ops.log = lambda x: tf.math.log(tf.constant(x, dtype="float64")) if isinstance(x, float) else LOG(x)


class Family(golden.Family):
    def tensor(self, case, name, array):
        full = f"{case}/{name}"
        self.tensors[full] = np.asarray(array, dtype=np.float64)
        return full


FAMILY = Family("losses")


def f32(array):
    """Numbers that f32 has, too."""
    return np.asarray(array, dtype=np.float32).astype(np.float64)


def case(name, cell, y_true, y_pred, weight=None, mask=None, class_weight=None, through=None, **config):
    config = {"reduction": "sum_over_batch_size", **config}
    loss = getattr(keras.losses, cell)(dtype="float64", **config)
    if class_weight:
        weight = class_weight_to_sample_weights(y_true, class_weight)
    x = tf.Variable(y_pred, dtype="float64")
    with tf.GradientTape() as tape:
        p = getattr(keras.activations, through)(x) if through else tf.identity(x)
        if mask is not None:
            keras.src.backend.set_keras_mask(p, tf.constant(mask > 0))
        value = loss(tf.constant(y_true, dtype="float64"), p, sample_weight=weight)
        factor = None
        if config["reduction"] == "none":
            factor = f32(np.random.default_rng(len(FAMILY.cases)).normal(size=value.shape))
        total = value if factor is None else tf.reduce_sum(value * factor)
    arrays = {"y_true": y_true, "y_pred": y_pred, "sample_weight": weight, "mask": mask, "factor": factor}
    arrays.update(value=value.numpy(), grad=tape.gradient(total, x).numpy())
    made = {key: None if array is None else FAMILY.tensor(name, key, array) for key, array in arrays.items()}
    named = {str(key): value for key, value in class_weight.items()} if class_weight else None
    FAMILY.cases.append({"id": name, "kind": "loss", "cell": cell, "config": config, "through": through, "class_weight": named, **made})


def make():
    rng = np.random.default_rng(7)
    normal = lambda *shape: f32(rng.normal(size=shape))
    shares = lambda *shape: f32(rng.dirichlet(np.ones(shape[-1]), size=shape[:-1]))
    weights = lambda *shape: f32(rng.uniform(0.1, 2.0, size=shape))
    classes = lambda count, *shape: rng.integers(0, count, size=shape).astype(float)
    hot = lambda y, count: np.eye(count)[y.astype(int)]
    mask = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [1, 1, 1, 1]], dtype=float)

    far = normal(4, 3)
    far[0] = [0.0, 30.0, -30.0]
    case("log_cosh", "LogCosh", np.zeros((4, 3)), far)
    case("log_cosh_masked", "LogCosh", normal(3, 4, 2), normal(3, 4, 2), weights(3, 1), mask, reduction="mean_with_sample_weight")
    ends = shares(4, 3)
    ends[0], ends[1, 0] = [1e-7, 1.0, 0.0], 1.5
    y = shares(4, 3)
    y[2] = [0.0, 1.0, 0.0]
    case("kl", "KLDivergence", y, ends)
    case("kl_masked_none", "KLDivergence", shares(3, 4, 3), shares(3, 4, 3), weights(3, 4), mask, reduction="none")

    case("mse_4_axes", "MeanSquaredError", normal(2, 3, 2, 2), normal(2, 3, 2, 2), weights(2, 3, 1))
    case("mse_4_axes_by_sample", "MeanSquaredError", normal(2, 3, 2, 2), normal(2, 3, 2, 2), weights(2, 1, 1), reduction="mean_with_sample_weight")
    case("mse_targets_of_one_axis", "MeanSquaredError", normal(4), normal(4, 1), weights(4))
    case("mae_weights_of_two_axes", "MeanAbsoluteError", normal(4, 2), normal(4, 2), weights(4, 1))
    case("mse_weights_of_three_axes", "MeanSquaredError", normal(2, 3, 2), normal(2, 3, 2), weights(2, 3, 1))
    case("scce_labels_of_one_axis_more", "SparseCategoricalCrossentropy", classes(3, 2, 4, 1), normal(2, 4, 3), from_logits=True)
    case("scce_ignored_minus_one", "SparseCategoricalCrossentropy", np.array([0.0, -1, 2, -1]), normal(4, 3), weights(4), from_logits=True, ignore_class=-1)
    case("scce_all_ignored", "SparseCategoricalCrossentropy", np.ones(4), normal(4, 3), from_logits=True, ignore_class=1)

    ends = shares(5, 3)
    ends[0], ends[1] = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
    y = np.array([0.0, 0, 1, 2, 1])
    case("scce_clipped", "SparseCategoricalCrossentropy", y, ends)
    case("cce_clipped", "CategoricalCrossentropy", hot(y, 3), ends)
    case("cce_not_summing_to_one", "CategoricalCrossentropy", weights(4, 3), weights(4, 3))
    case("cce_logits_not_summing_to_one", "CategoricalCrossentropy", weights(4, 3), normal(4, 3), from_logits=True)
    case("bce_clipped", "BinaryCrossentropy", np.array([[1.0, 0], [1, 0], [0.25, 0.5]]), np.array([[0.0, 0], [1, 1], [0.5, 1.5]]))
    case("bce_far_logits", "BinaryCrossentropy", np.array([[1.0, 0], [1, 0]]), np.array([[800.0, 800], [-800, -800]]), from_logits=True)

    case("class_weight_of_a_difference", "MeanSquaredError", shares(5, 3), normal(5, 3), None, None, {0: 2.5, 1: 0.5})
    case("class_weight_of_rounded", "MeanSquaredError", np.array([[0.5], [1.5], [0.75], [2.5]]), normal(4, 1), None, None, {0: 3.0, 1: 2.0, 2: 0.5})
    case("class_weight_divides", "SparseCategoricalCrossentropy", classes(3, 6), normal(6, 3), None, None, {0: 2.5, 2: 0.25}, from_logits=True, reduction="mean_with_sample_weight")

    # Which activations Keras looks behind.
    for through in ("softmax", "sigmoid"):
        y = hot(classes(3, 4), 3)
        case(f"{through}_then_cce_smooth", "CategoricalCrossentropy", y, 9 * normal(4, 3), through=through, label_smoothing=0.125)
        case(f"{through}_then_bce_smooth", "BinaryCrossentropy", y, 9 * normal(4, 3), through=through, label_smoothing=0.125)
        case(f"{through}_then_scce", "SparseCategoricalCrossentropy", classes(3, 4), 9 * normal(4, 3), through=through)
        case(f"{through}_then_scce_ignored", "SparseCategoricalCrossentropy", classes(3, 6), 9 * normal(6, 3), through=through, ignore_class=1)
        case(f"{through}_then_scce_logits", "SparseCategoricalCrossentropy", classes(3, 4), 3 * normal(4, 3), through=through, from_logits=True)
    case("softmax_then_kl", "KLDivergence", shares(4, 3), normal(4, 3), through="softmax")
    case("softmax_then_mse", "MeanSquaredError", shares(4, 3), normal(4, 3), through="softmax")

    rng = np.random.default_rng(8)
    y = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.25, 0.25, 0.25]])
    case("class_weight_of_equals", "CategoricalCrossentropy", y, f32(rng.normal(size=(3, 3))), None, None, {0: 2.5, 1: 0.5}, from_logits=True)


make()
for made in FAMILY.cases:
    arrays = {name: list(FAMILY.tensors[name].shape) for name in FAMILY.tensors if name.split("/")[0] == made["id"]}
    made["shapes"] = arrays
os.rmdir(os.path.join(FAMILY.folder, "models"))
FAMILY.save()
