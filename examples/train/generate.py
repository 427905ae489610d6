"""Trains the model of `examples/generate.rs` (Keras 3.15, TensorFlow; about 8 minutes on one core).

    pip install keras==3.15.1 tensorflow-cpu==2.21.0
    KERAS_BACKEND=tensorflow python examples/train/generate.py    # in the folder of kjv.txt, see kjv.py

Writes `examples/data/kjv/generate.keras`, and what Keras says about the books held back: `generate.npz`.
"""

import keras
import kjv
import numpy as np

LETTERS = "\n !'(),-.:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
STREAMS, STEPS, EPOCHS, UNITS = 64, 128, 4, 192


def ids(text):
    return np.array([LETTERS.index(letter) for letter in text], np.int32)


def network(stateful):
    return keras.Sequential(
        [
            keras.Input((None,), batch_size=STREAMS if stateful else None, name="letters"),
            keras.layers.Embedding(len(LETTERS), 32, name="vectors"),
            keras.layers.GRU(UNITS, return_sequences=True, stateful=stateful, name="reader"),
            keras.layers.Dense(len(LETTERS), name="scores"),
        ],
        name="generate",
    )


def train():
    keras.utils.set_random_seed(1611)
    text = ids("\n".join(kjv.verses(False)) + "\n")
    # 64 places of the text are read at once, each on and on: the state at the end of a batch begins the next one.
    batches = (len(text) - 1) // STREAMS // STEPS
    cut = STREAMS * batches * STEPS

    def streams(text):
        rows = text.reshape(STREAMS, batches, STEPS)
        return rows.swapaxes(0, 1).reshape(-1, STEPS)

    model = network(stateful=True)
    rate = keras.optimizers.schedules.CosineDecay(0.0, EPOCHS * batches - 200, warmup_target=0.005, warmup_steps=200)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), loss)
    x, y = streams(text[:cut]), streams(text[1 : cut + 1])
    model.fit(x, y, batch_size=STREAMS, shuffle=False, epochs=EPOCHS, verbose=2)
    saved = network(stateful=False)
    saved.set_weights(model.get_weights())
    saved.save(kjv.DATA / "generate.keras")
    return saved


if __name__ == "__main__":
    model = train()
    x = ids("\n" + "\n".join(kjv.verses(True)))[None]
    scores = model.predict(x[:, :-1], verbose=0)[0].astype(np.float64)
    given = np.log(np.exp(scores).sum(1)) - scores[np.arange(len(scores)), x[0, 1:]]
    bits = given.mean() / np.log(2)
    print(f"{bits:.4f} bits for a letter of the books held back")
    np.savez_compressed(kjv.DATA / "generate.npz", bits=bits, scores=scores[100:1000:100].astype(np.float32))
