"""What becomes of torch's values, where a run takes any."""

import json
from typing import Any, cast

import numpy as np
import pytest
import torch

from runfork import Histogram
from runfork.attributes import AttributeType
from runfork.conversions import convert_value
from runfork.journal.format import Kind
from runfork.marks import parse_mark
from runfork.testing.journals import records_of
from runfork.values import convert_config


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (torch.tensor([1.0, 2.0]), "[1.0, 2.0]"),
        (torch.tensor([1.0, 2.0], requires_grad=True), "[1.0, 2.0]"),
        (torch.nn.Parameter(torch.zeros(2, 1)), "[[0.0], [0.0]]"),
        (torch.zeros(2000, dtype=torch.bfloat16), "Tensor(bfloat16, [2000])"),
        (torch.zeros(3, 0, 2), "[[], [], []]"),
        (torch.float32, "torch.float32"),
        (torch.device("cpu"), "cpu"),
        (torch.nn.ReLU(), "torch.nn.modules.activation.ReLU"),
        (torch.optim.Adam, "torch.optim.adam.Adam"),
        (torch.nn.functional.relu, "torch.nn.functional.relu"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_value_becomes_text(value, expected):
    assert (AttributeType.STRING, expected) == convert_config(value, fallback=convert_value)


def test_densities_are_logged(run):
    densities, edges = np.histogram(np.arange(10.0), bins=2, density=True)
    run.log_histograms(
        {"h": Histogram(cast("Any", torch.tensor(edges)), densities=cast("Any", torch.tensor(densities)))}, step=1
    )
    (record,) = records_of(run.directory, Kind.HISTOGRAMS)

    assert record.body["h"]["edges"] == [0.0, 4.5, 9.0]
    assert len(record.body["h"]["densities"]) == 2


def test_numbers_make_a_mark_of_plain_values(run):
    mark = run.checkpoint_mark(torch.tensor(3), epoch=torch.tensor(1), counter=torch.tensor(7))

    assert parse_mark(json.loads(json.dumps(mark))).counted == 7
    assert {type(value) for value in mark.values()} <= {int, str, type(None)}
