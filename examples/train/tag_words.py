"""Trains the model of `examples/tag_words.rs` (Keras 3.15, TensorFlow; about 8 minutes on one core).

    pip install keras==3.15.1 tensorflow-cpu==2.21.0
    KERAS_BACKEND=tensorflow python examples/train/tag_words.py    # in the folder of kjv.txt, see kjv.py

Writes `examples/data/kjv/tag_words.keras`, and what Keras says about the first verses held back: `tag_words.npz`.
"""

import re

import keras
import kjv
import numpy as np

BATCH, WORDS, EPOCHS, UNITS = 64, 20, 3, 48


def tagged(text):
    """The letters, a = 1 ... z = 26, and for each whether a word ends there."""
    words = re.sub("[^a-z ]", "", text.lower().replace("-", " ")).split()
    letters = [1 + ord(letter) - ord("a") for word in words for letter in word]
    ends = [at == len(word) - 1 for word in words for at in range(len(word))]
    return letters, ends


def batch(texts):
    """Ragged lines, filled up with 0, which the model leaves out."""
    rows = [tagged(text) for text in texts]
    x, y = np.zeros((2, len(rows), max(len(letters) for letters, _ in rows)), np.int32)
    for i, (letters, ends) in enumerate(rows):
        x[i, : len(letters)], y[i, : len(letters)] = letters, ends
    return x, y[..., None].astype(np.float32)


def lines(rng):
    """The words of the book, so many in a line; where a line begins changes from epoch to epoch."""
    words = " ".join(kjv.verses(False)).split()
    while True:
        first = rng.integers(WORDS)
        starts = rng.permutation(np.arange(first, len(words) - WORDS, WORDS))
        for chosen in starts[: len(starts) // BATCH * BATCH].reshape(-1, BATCH):
            yield batch([" ".join(words[start : start + rng.integers(2, WORDS + 1)]) for start in chosen])


def train():
    keras.utils.set_random_seed(1611)
    lstm = lambda: keras.layers.LSTM(UNITS, return_sequences=True)
    layers = [
        keras.Input((None,), name="letters"),
        keras.layers.Embedding(27, 16, mask_zero=True, name="vectors"),
        keras.layers.Bidirectional(lstm(), name="lower"),
        keras.layers.Bidirectional(lstm(), name="upper"),
        keras.layers.Dense(1, activation="sigmoid", name="ends"),
    ]
    model = keras.Sequential(layers, name="tag_words")
    steps = 823_000 // WORDS // BATCH
    rate = keras.optimizers.schedules.CosineDecay(0.0, EPOCHS * steps - 100, warmup_target=0.005, warmup_steps=100)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), "binary_crossentropy")
    model.fit(lines(np.random.default_rng(1611)), steps_per_epoch=steps, epochs=EPOCHS, verbose=2)
    keras.Sequential(layers, name="tag_words").save(kjv.DATA / "tag_words.keras")  # without what belongs to training
    return model


if __name__ == "__main__":
    model = train()
    x, _ = batch(kjv.verses(True)[:12])
    np.savez_compressed(kjv.DATA / "tag_words.npz", chances=model.predict(x, verbose=0)[..., 0])
