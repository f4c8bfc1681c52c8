"""A Keras model of a few weights and what trains it; the backend is that of ``KERAS_BACKEND``, torch where none is named."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np

from runfork_keras import RunforkCallback


def data(count=64):
    generator = np.random.default_rng(count)
    inputs = generator.normal(size=(count, 4)).astype("float32")
    return inputs, inputs.sum(axis=1, keepdims=True)


def layers():
    return [keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(1)]


def sequential():
    return keras.Sequential([keras.Input((4,)), *layers()])


def functional():
    inputs = keras.Input((4,))
    outputs = inputs
    for layer in layers():
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):  # type: ignore[misc]
    def __init__(self, **options):
        super().__init__(**options)
        self.first, self.second = layers()

    def call(self, inputs):
        return self.second(self.first(inputs))


def subclassed():
    model = Subclassed()
    model(np.zeros((1, 4), "float32"))
    return model


def model(make=sequential, *, seed=1, **options):
    keras.utils.set_random_seed(seed)
    made = make()
    made.compile(**{"optimizer": keras.optimizers.Adam(0.01), "loss": "mse", "metrics": ["mae"], **options})
    return made


def callback(**options):
    options.setdefault("log_every_n_batches", 1)
    return RunforkCallback(**options)


def fit(model, *, epochs=2, **options):
    return model.fit(*data(), **{"batch_size": 8, "epochs": epochs, "verbose": 0, "shuffle": False, **options})
