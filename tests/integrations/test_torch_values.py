"""What becomes of torch's values, where a run takes any."""

import json
from typing import Any, cast

import numpy as np
import pytest
import torch

from runfork import Histogram
from runfork.capture.unknown_values import convert_value
from runfork.errors import ArgumentTypeError, RunforkWarning
from runfork.journal.format import Kind
from runfork.model.attributes import AttributeType
from runfork.model.conversion import convert_config
from runfork.model.marks import parse_mark
from runfork.testing.journals import points_of, records_of
from runfork.testing.waits import until


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


@pytest.fixture
def spread_tensor():
    """A number that is spread over the processes of a group, of which this is the only one."""
    from torch.distributed.tensor import Replicate, distribute_tensor

    distributed: Any = torch.distributed
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        mesh = distributed.init_device_mesh("cpu", (1,))
        yield distribute_tensor(torch.tensor(0.5), mesh, [Replicate()])
    finally:
        distributed.destroy_process_group()


def test_a_tensor_that_is_spread_over_processes_is_asked_for_nothing_under_any_name(run, spread_tensor):
    with pytest.warns(
        RunforkWarning, match=r"'norm' was not logged: .* spread over processes .* log its full_tensor\(\)"
    ):
        run.log_metrics({"loss": 1.0, "norm": 2.0}, step=0)
        run.log_metrics({"loss": 1.0, "norm": spread_tensor}, step=1)
        run.log_metrics({"loss": np.float64(1.0), "norm": np.float64(2.0)}, step=2)

    assert [(0, 1.0), (1, 1.0), (2, 1.0)] == points_of(run.directory, "loss")
    assert [(0, 2.0), (2, 2.0)] == points_of(run.directory, "norm")
    assert run.status.dropped_values == 1


def test_spread_tensors_are_asked_for_nothing_as_configs_steps_and_histograms(run, spread_tensor):
    vector = spread_tensor.repeat(3)
    with pytest.warns(RunforkWarning, match="spread over processes"):
        run.log_configs({"weights": vector, "lr": 0.1})
        run.log_metrics({"loss": vector}, step=0)
        run.log_histograms({"h": Histogram(vector, counts=[1, 1])}, step=0)
    with pytest.raises(ArgumentTypeError, match="step must be a number, found DTensor"):
        run.log_metrics({"loss": 1.0}, step=spread_tensor)

    assert run.status.dropped_values == 3


def test_a_run_that_was_begun_before_its_process_joined_others_learns_of_it(run, request):
    run.log_metrics({"norm": 2.0}, step=0)
    number = request.getfixturevalue("spread_tensor")
    until(lambda: "log_metrics" in vars(run.recorder))
    with pytest.warns(RunforkWarning, match="spread over processes"):
        run.log_metrics({"norm": number}, step=1)

    assert [(0, 2.0)] == points_of(run.directory, "norm")
