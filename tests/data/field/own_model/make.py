"""Writes the weights of a model of a class of somebody's own, which has layers in attributes and in a list. Keras 3.15."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np


class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [keras.layers.GRU(2, return_sequences=True), keras.layers.GRU(2, return_sequences=True)]
        self.readout = keras.layers.Dense(1)

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return self.readout(x)


keras.utils.set_random_seed(1)
model = Model()
model.compile(optimizer="adam", loss="mse")
x = np.zeros((1, 3, 2), "float32")
model.fit(x, np.zeros((1, 3, 1)), verbose=0)
model.save_weights("lists.weights.h5")
model.save("lists.keras")
