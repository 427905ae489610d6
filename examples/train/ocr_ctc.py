"""Trains the model of `examples/ocr_ctc.rs` (Keras 3.15, TensorFlow; some minutes on one core).

    pip install keras==3.15.1 tensorflow
    KERAS_BACKEND=tensorflow python examples/train/ocr_ctc.py

Reads `examples/data/ocr/digits.npz` and writes `model.keras` beside it, and `read_by_keras.npz`: lines of digits that were
held back, and what Keras reads in them. (`... ocr_ctc.py read` writes only that.) Where the digits came from: `export` below
(it needs scikit-learn) and the NOTICE there. Every fifth digit is held back: no line for training has it.
"""

import pathlib
import sys

import numpy as np

DATA = pathlib.Path(__file__).parent.parent / "data" / "ocr"
STEPS, BATCH, UNITS = 1000, 64, 32
HEIGHT, WIDTH = 8, 136  # the picture of a line; 12 of the widest digits fit


def export():
    """Writes the digits once: `python examples/train/ocr_ctc.py export`."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    np.savez_compressed(
        DATA / "digits.npz",
        images=digits.images.astype(np.uint8),
        targets=digits.target.astype(np.uint8),
    )


def glyphs(held_back=False):
    """The digits for training, or the others: columns of 8 rows from 0 to 1, without the empty columns at both sides."""
    with np.load(DATA / "digits.npz") as file:
        images, targets = file["images"], file["targets"]
    kept = []
    for at, (image, target) in enumerate(zip(images, targets)):
        if (at % 5 == 4) != held_back:
            continue
        ink = np.flatnonzero(image.any(axis=0))
        columns = image.T[ink[0] : ink[-1] + 1].astype(np.float32) / 16
        kept.append((columns, int(target)))
    return kept


def line(glyphs, rng, change=lambda columns: columns):
    """The picture (HEIGHT, WIDTH, 1) of 5 to 12 digits, one to three empty columns around each, and what it says."""
    parts, said = [np.zeros((rng.integers(1, 4), HEIGHT), np.float32)], []
    for at in rng.integers(len(glyphs), size=rng.integers(5, 13)):
        columns, target = glyphs[at]
        parts += [change(columns), np.zeros((rng.integers(1, 4), HEIGHT), np.float32)]
        said.append(1 + target)  # 0 is the blank
    columns = np.concatenate(parts)
    picture = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    picture[:, : len(columns), 0] = columns.T
    return picture, said


def batch(glyphs, rng):
    """Lines, and what they say. In front of the labels stands their count: the loss has to know it."""

    def other_hand(columns):
        """Other hands write a little higher or lower, fainter, and less evenly."""
        columns = np.roll(columns, rng.choice([-1, 0, 0, 1]), axis=1)
        strokes = columns * rng.uniform(0.8, 1.1) + rng.normal(0, 0.12, columns.shape) * (columns > 0)
        return np.clip(strokes, 0, 1).astype(np.float32)

    lines = [line(glyphs, rng, other_hand) for _ in range(BATCH)]
    y = np.zeros((BATCH, 1 + 12), np.int32)
    for i, (_, said) in enumerate(lines):
        y[i, : 1 + len(said)] = [len(said), *said]
    return np.stack([picture for picture, _ in lines]), y


def train():
    import keras

    keras.utils.set_random_seed(2024)
    steps = WIDTH // 2  # one for every two columns
    layers = [
        keras.Input((HEIGHT, WIDTH, 1), name="picture"),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu", name="strokes"),
        keras.layers.MaxPooling2D((2, 1), name="lower"),
        keras.layers.Conv2D(32, 3, padding="same", use_bias=False, name="parts"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.ReLU(name="relu"),
        keras.layers.MaxPooling2D((2, 2), name="smaller"),
        # The columns become the timesteps.
        keras.layers.Permute((2, 1, 3), name="columns"),
        keras.layers.Reshape((steps, HEIGHT // 4 * 32), name="sequence"),
        keras.layers.Bidirectional(keras.layers.LSTM(UNITS, return_sequences=True), name="reader"),
        keras.layers.Dropout(0.3, name="dropout"),
        keras.layers.Dense(11, name="scores"),
    ]

    class Learner(keras.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            y = keras.ops.cast(y, "int32")
            all_steps = keras.ops.full_like(y[:, 0], steps)
            return keras.ops.mean(keras.ops.ctc_loss(y[:, 1:], y_pred, y[:, 0], all_steps, mask_index=0))

    model = Learner(layers)
    rate = keras.optimizers.schedules.CosineDecay(0.0, STEPS - 100, warmup_target=0.01, warmup_steps=100)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0))
    model.summary()
    known, rng = glyphs(), np.random.default_rng(2024)
    for step in range(1, STEPS + 1):
        loss = model.train_on_batch(*batch(known, rng))
        if step % 50 == 0:
            print(f"step {step:5}  mean loss of a line so far {loss:.3f}", flush=True)
            model.reset_metrics()
    # Without what belongs to training.
    keras.Sequential(layers, name="ocr").save(DATA / "model.keras")


def read():
    """What Keras reads in some lines of digits that were held back."""
    import keras

    model, rng = keras.models.load_model(DATA / "model.keras"), np.random.default_rng(2025)
    lines = [line(glyphs(held_back=True), rng) for _ in range(12)]
    pictures = np.stack([picture for picture, _ in lines])
    scores = model.predict(pictures, verbose=0)
    lengths = np.full(len(lines), scores.shape[1], np.int32)
    readings = {}
    for name, options in (("greedy", {}), ("beam_search", {"beam_width": 8, "top_paths": 1})):
        decoded, _ = keras.ops.ctc_decode(scores, lengths, strategy=name, mask_index=0, **options)
        digits = np.full((len(lines), 12), -1, np.int32)
        for row, path in zip(digits, np.asarray(decoded[0])):
            path = path[path > 0] - 1
            row[: len(path)] = path
        readings[name] = digits
    right = sum(list(1 + row[row >= 0]) == said for row, (_, said) in zip(readings["greedy"], lines))
    print(f"{right} of {len(lines)} lines are read as they were written")
    pictures = np.round(16 * pictures[..., 0]).astype(np.uint8)  # as they were drawn, from 0 to 16
    np.savez_compressed(DATA / "read_by_keras.npz", pictures=pictures, scores=scores.astype(np.float32), **readings)


if __name__ == "__main__":
    if sys.argv[1:] == ["export"]:
        export()
    else:
        if sys.argv[1:] != ["read"]:
            train()
        read()
