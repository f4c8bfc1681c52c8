"""Handwritten digits with Keras. The callback is the only line that knows of runfork.

    python examples/keras_digits.py                                            # a run
    python examples/keras_digits.py --resume checkpoints/03.keras --epochs 6   # a fork of it
    python examples/keras_digits.py --resume checkpoints/01.keras --lr 0.02    # another, with another learning rate
    python examples/keras_digits.py --backup backup --epochs 50                # stop it, and start it again: a fork

Then look: ``runfork ls``, ``runfork lineage``, ``runfork plot digits train/loss``. ``KERAS_BACKEND`` chooses the backend.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
from sklearn.datasets import load_digits

from runfork_keras import RunforkCallback


def build(hidden: int = 32) -> keras.Model:
    """Return a small classifier of 8 x 8 images."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((64,)), layers.Dense(hidden, activation="relu"), layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss, metrics=["accuracy"])
    return model


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resume", metavar="FILE", help="path of a .keras file")
    parser.add_argument(
        "--backup", metavar="DIRECTORY", help="where BackupAndRestore keeps what an interrupted training needs"
    )
    parser.add_argument("--lr", type=float)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()

    keras.utils.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype("float32")

    model = keras.models.load_model(options.resume) if options.resume else build()
    if options.lr is not None:
        model.optimizer.learning_rate = options.lr
    callbacks = [
        RunforkCallback("digits", log_every_n_batches=5),
        keras.callbacks.ModelCheckpoint("checkpoints/{epoch:02d}.keras"),
    ]
    if options.backup:
        callbacks.append(keras.callbacks.BackupAndRestore(options.backup))
    steps_per_epoch = -(-1437 // 64)
    model.fit(
        images[:1437],
        labels[:1437],
        batch_size=64,
        epochs=options.epochs,
        initial_epoch=int(model.optimizer.iterations) // steps_per_epoch,
        validation_data=(images[1437:], labels[1437:]),
        callbacks=callbacks,
        verbose=2,
    )


if __name__ == "__main__":
    main()
