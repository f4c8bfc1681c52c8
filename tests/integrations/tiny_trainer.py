"""A Trainer of transformers with a tiny model, for tests in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.integrations.hf_driver import arguments, data, model

pytest.importorskip("transformers")

from transformers import Trainer, TrainerCallback

from runfork_hf import RunforkCallback


def dataset(count=64) -> Any:
    """A list is a dataset to the Trainer, though not to its types."""
    return data(count)


def make(folder="out", *, callbacks=None, kind=Trainer, evaluated=False, weights=None, count=64, **options):
    own: list[TrainerCallback] = callbacks if callbacks is not None else [RunforkCallback()]
    return kind(
        model=weights or model(),
        args=arguments(Path(folder).absolute(), **options),
        train_dataset=dataset(count),
        eval_dataset=dataset(16) if evaluated else None,
        callbacks=own,
    )
