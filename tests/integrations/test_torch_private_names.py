"""What torch does not promise and we use is still there.

DeepSpeed's ``ds_id`` and ``ds_numel`` and torch_geometric's ``num_graphs`` are not looked at: neither is installed for tests.
"""

from __future__ import annotations

import zipfile
from types import SimpleNamespace

import pytest
from tests.integrations.private_names import PrivateName, check

pytest.importorskip("torch")

import torch
from torch.distributed.tensor import DTensor
from torch.optim.optimizer import register_optimizer_step_pre_hook

from runfork.model.distributed_tensors import can_be_here
from runfork_torch.checkpoint_files import find_mark_in_checkpoint
from runfork_torch.weights import is_uninitialized


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What a step and a file show."""
    found = SimpleNamespace(file=tmp_path_factory.mktemp("seen") / "saved.pt", stepped=[])
    model = torch.nn.Linear(2, 1)
    torch.save({"runfork": {"mark": "m"}, "state_dict": model.state_dict()}, found.file)
    found.optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    handle = register_optimizer_step_pre_hook(lambda *arguments: found.stepped.append(arguments[0]))
    found.optimizer.step()
    handle.remove()
    found.optimizer.step()
    return found


def members(file):
    with zipfile.ZipFile(file) as archive:
        return {one.filename.partition("/")[2]: one.compress_type for one in archive.infolist()}


NAMES = [
    PrivateName(
        "torch.nn.parameter.is_lazy",
        "fingerprints and descriptions of models with lazy layers (weights.is_uninitialized)",
        lambda _seen: (
            [is_uninitialized(layer.weight) for layer in (torch.nn.LazyLinear(1), torch.nn.Linear(1, 1))]
            == [True, False]
        ),
    ),
    PrivateName(
        "torch.optim.optimizer.register_optimizer_step_pre_hook",
        "the weights that a loop with Accelerate begins with (runfork_hf.accelerate.first_weights)",
        lambda seen: seen.stepped == [seen.optimizer],
    ),
    PrivateName(
        "DTensor.placements",
        "no fingerprints and norms of sharded tensors, which would wait for ever (weights, gradients)",
        lambda _seen: hasattr(DTensor, "placements"),
    ),
    PrivateName(
        "DTensor.full_tensor",
        "refusing values that are spread over processes (runfork.model.distributed_tensors)",
        lambda _seen: hasattr(DTensor, "full_tensor") and not hasattr(torch.Tensor, "full_tensor"),
    ),
    PrivateName(
        "torch.distributed.is_available, is_initialized",
        "looking for such values where there can be some (runfork.model.distributed_tensors)",
        lambda _seen: can_be_here() is False and callable(torch.distributed.is_initialized),
    ),
    PrivateName(
        "the layout of a file: <name>/data.pkl in a zip archive, nothing compressed",
        "finding the mark in a checkpoint (checkpoint_files)",
        lambda seen: (
            members(seen.file)["data.pkl"] == zipfile.ZIP_STORED and find_mark_in_checkpoint(seen.file) == {"mark": "m"}
        ),
    ),
    PrivateName(
        "Optimizer.param_groups with lr",
        "optimizer/ and optimizer/lr/ (optimizer_description)",
        lambda seen: [group["lr"] for group in seen.optimizer.param_groups] == [0.5],
    ),
]


@pytest.mark.parametrize("one", NAMES, ids=str)
def test_torch_still_has(one, seen):
    check("torch", one, seen)
