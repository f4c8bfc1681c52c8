"""Weights that a loop of one's own loads by hand are recognised, whatever file they come from."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runfork.testing.reading import History
from runfork.writing.run import Run

torch = pytest.importorskip("torch")

from runfork_torch import fingerprint  # noqa: E402  where torch is missing there is nothing to show


def trained(steps, *, seed=0):
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        model(torch.randn(16, 4)).pow(2).mean().backward()
        optimizer.step()
    return model


@pytest.mark.parametrize("kind", ["state_dict", "pickle"])
def test_weights_loaded_by_hand_name_the_run_and_step_that_saved_them(data_directory, tmp_path, kind):
    file = tmp_path / "weights.pt"
    with Run("loop", run_id="first") as run:
        model = trained(20)
        run.checkpoint_mark(19, fingerprint=fingerprint(model.named_parameters()))
        if kind == "pickle":
            file.write_bytes(pickle.dumps({name: value.numpy() for name, value in model.state_dict().items()}))
        else:
            torch.save(model.state_dict(), file)
        run.checkpoint_mark(39, fingerprint=fingerprint(trained(40).named_parameters()))
    again = trained(3, seed=5)
    if kind == "pickle":
        loaded = {name: torch.tensor(value) for name, value in pickle.loads(file.read_bytes()).items()}
    else:
        loaded = torch.load(file)
    again.load_state_dict(loaded)
    with Run("loop", run_id="second") as run:
        found = run.suggest_parent(fingerprint(again.named_parameters()))

    assert found is not None
    assert ("first", 19) == (found.run_id, found.user_step)
    assert "fork_run_id='first', fork_step=19" == History(data_directory).values("second")["sys/resume/suggestion"]


def test_other_weights_are_nobodys(data_directory):
    with Run("loop", run_id="first") as run:
        run.checkpoint_mark(19, fingerprint=fingerprint(trained(20).named_parameters()))
    with Run("loop", run_id="second") as run:
        assert run.suggest_parent(fingerprint(trained(21).named_parameters())) is None
    assert "sys/resume/suggestion" not in History(data_directory).values("second")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4).flatmap(
        lambda shape: st.tuples(st.just(shape), st.permutations(range(len(shape))))
    )
)
def test_the_order_in_memory_changes_no_fingerprint(case):
    shape, order = case
    plain = torch.nn.Parameter(torch.randn(shape))
    laid = plain.detach().permute(*order).contiguous().permute(*(order.index(place) for place in range(len(order))))

    assert torch.equal(plain, laid)
    assert fingerprint([("a", plain)]) == fingerprint([("a", torch.nn.Parameter(laid))])


def test_nothing_but_the_sampled_elements_is_copied():
    weights = torch.nn.Parameter(torch.randn(64, 32, 16, 16).to(memory_format=torch.channels_last))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        fingerprint([("a", weights)])
    allocated = sum(max(event.self_cpu_memory_usage, 0) for event in profile.key_averages())

    assert 0 < allocated < weights.numel() // 10


def test_parameters_without_values_are_left_out_and_those_that_cannot_be_sampled_are_nobodys():
    model = trained(1)
    model.unused = torch.nn.LazyLinear(3)
    model.other = torch.nn.Linear(3, 3)
    found = fingerprint(model.named_parameters())
    del model.unused
    alike = fingerprint(model.named_parameters())
    model.sparse = torch.nn.Parameter(torch.eye(4).to_sparse())

    assert found is not None
    assert alike == found
    assert fingerprint(model.named_parameters()) is None
