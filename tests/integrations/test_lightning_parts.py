"""What is worked out of models, optimizers, gradients, batches and checkpoint files."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

from runfork.training.checkpoint_log import size_bytes  # noqa: E402
from runfork.training.throughput import Throughput, batch_size  # noqa: E402
from runfork_torch.checkpoint_files import find_mark_in_checkpoint  # noqa: E402
from runfork_torch.gradients import GradientsSeen, gradient_norms, has_sharded_gradients  # noqa: E402
from runfork_torch.model_description import describe_model, summarize  # noqa: E402
from runfork_torch.optimizer_description import describe_optimizers, labels_of, learning_rates  # noqa: E402
from runfork_torch.weights import fingerprint  # noqa: E402


def _model():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))


# Fingerprint


def test_fingerprint_survives_saving_and_loading(tmp_path):
    model, other = _model(), nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt"))

    assert fingerprint(model.named_parameters()) == fingerprint(other.named_parameters())


def test_fingerprint_changes_with_one_small_optimizer_step():
    model = _model()
    before = fingerprint(model.named_parameters())
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()

    assert before != fingerprint(model.named_parameters())


def test_fingerprint_leaves_frozen_weights_out():
    model = _model()
    model[0].requires_grad_(requires_grad=False)
    before = fingerprint(model.named_parameters())
    with torch.no_grad():
        model[0].weight += 1

    assert before == fingerprint(model.named_parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_fingerprint_knows_every_kind_of_float(dtype):
    assert 32 == len(fingerprint(_model().to(dtype).named_parameters()) or "")


def test_model_without_trainable_or_real_weights_has_no_fingerprint():
    assert (None, None) == (
        fingerprint(nn.ReLU().named_parameters()),
        fingerprint(nn.Linear(2, 2, device="meta").named_parameters()),
    )


def test_fingerprint_looks_at_a_bounded_number_of_elements():
    large = nn.ParameterList([nn.Parameter(torch.zeros(100_000)) for _ in range(200)])
    before = fingerprint(large.named_parameters())
    with torch.no_grad():
        large[1][1] = 1.0

    assert before == fingerprint(large.named_parameters())


# Gradients


def test_gradient_norms_are_those_of_torch():
    model = _model()
    model(torch.ones(2, 4)).sum().backward()
    found = gradient_norms(model, detail="layers")
    total = torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9).item()

    assert total == pytest.approx(found["gradients/norm"])
    assert model[0].weight.grad.norm().item() == pytest.approx(found["gradients/norm/0/weight"])


def test_gradients_of_several_optimizers_are_seen_as_each_of_them_takes_them():
    model = _model()
    seen, expected = GradientsSeen(), []
    for layer in (model[0], model[2]):
        model.zero_grad()
        model(torch.ones(2, 4)).sum().backward()
        seen.look(model, layer.parameters())
        expected.append(torch.cat([one.grad.reshape(-1) for one in layer.parameters()]))
    found = seen.read(detail="layers")

    assert torch.cat(expected).norm().item() == pytest.approx(found["gradients/norm"])
    assert {
        "gradients/norm",
        *(f"gradients/norm/{name.replace('.', '/')}" for name, _ in model.named_parameters()),
    } == {*found}
    assert {} == seen.read(detail="layers")


def test_norms_of_sharded_gradients_are_not_asked_of_one_process_alone():
    from torch.distributed.tensor import Shard, distribute_tensor

    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        mesh = torch.distributed.init_device_mesh("cpu", (1,))
        module = nn.Module()
        module.weight = nn.Parameter(distribute_tensor(torch.ones(4, 2), mesh, [Shard(0)]))
        module.weight.grad = distribute_tensor(torch.ones(4, 2), mesh, [Shard(0)])

        assert has_sharded_gradients(module)
        assert {} == gradient_norms(module, detail="layers")
    finally:
        torch.distributed.destroy_process_group()


def test_norms_of_sparse_gradients_are_those_of_their_values():
    model = nn.Embedding(4, 2, sparse=True)
    model(torch.tensor([1, 1])).sum().backward()

    assert {"gradients/norm": pytest.approx(8**0.5)} == gradient_norms(model, detail="total")


def test_model_without_gradients_has_no_norms():
    assert {} == gradient_norms(_model(), detail="layers")


# Descriptions


def test_model_is_described_by_its_counts():
    model = _model()
    model[0].requires_grad_(requires_grad=False)
    described = describe_model(model)
    counts = [described[f"model/parameters/{name}"] for name in ("total", "trainable", "frozen", "size_bytes")]

    assert [19, 4, 15, 76] == counts


def test_summary_lists_layers_with_their_parameters():
    lines = summarize(_model()).splitlines()

    assert ["0", "Linear", "15", "15"] == lines[1].split()
    assert ["total", "Sequential", "19", "19"] == lines[-1].split()


def test_summary_of_a_lazy_model_counts_what_is_there():
    assert ["0", "LazyLinear", "0", "0"] == summarize(nn.Sequential(nn.LazyLinear(2))).splitlines()[1].split()


def test_optimizers_of_one_class_are_numbered():
    model = _model()
    optimizers = [
        torch.optim.Adam(model.parameters()),
        torch.optim.SGD(model.parameters()),
        torch.optim.Adam(model.parameters()),
    ]

    assert ["Adam-0", "SGD", "Adam-1"] == labels_of(optimizers)


def test_settings_that_groups_share_stand_once():
    model = _model()
    groups = [
        {"params": model[0].parameters(), "lr": 0.1, "name": "body"},
        {"params": model[2].parameters(), "lr": 0.2},
    ]
    described = describe_optimizers([torch.optim.SGD(groups, lr=1.0, momentum=0.9)])
    found = {path: described.get(f"optimizer/SGD/{path}") for path in ("momentum", "body/lr", "1/lr", "lr", "groups")}

    assert {"momentum": 0.9, "body/lr": 0.1, "1/lr": 0.2, "lr": None, "groups": 2} == found


def test_every_group_has_a_learning_rate_series():
    model = _model()
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[2].parameters(), "lr": torch.tensor(0.25)}]
    optimizers = [torch.optim.SGD(groups, lr=1.0), torch.optim.Adam(model.parameters(), lr=0.5)]
    rates = learning_rates(optimizers, labels_of(optimizers))

    assert {"optimizer/lr/SGD/0": 0.1, "optimizer/lr/SGD/1": 0.25, "optimizer/lr/Adam": 0.5} == rates


# Batches


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (torch.zeros(8, 4), 8),
        ([torch.zeros(3, 4), torch.zeros(3)], 3),
        ({"name": "x", "image": torch.zeros(5, 1)}, 5),
        (([{"tokens": torch.zeros(2, 7)}],), 2),
        (torch.tensor(1.0), 1),
        ("text", 0),
        (None, 0),
        ([[[[torch.zeros(9)]]]], 0),
    ],
)
def test_batch_size_is_the_length_of_the_first_tensor_found(batch, expected):
    assert expected == batch_size(batch)


def test_throughput_without_steps_has_no_rates():
    assert {} == Throughput().read()


def test_throughput_counts_steps_and_samples_in_the_same_time():
    throughput = Throughput()
    throughput.count(steps=2, samples=16)
    rates = throughput.read()

    assert 8 == pytest.approx(rates["throughput/samples_per_second"] / rates["throughput/steps_per_second"])


# Checkpoint files


class Custom:
    """A class that ``torch.load(weights_only=True)`` refuses."""

    def __init__(self, value: object) -> None:
        self.value = value


MARK = {"version": 1, "run_id": "r", "project": "a/b", "mark": "m", "step": "7"}


def test_mark_is_found_beside_weights_optimizers_and_custom_classes(tmp_path):
    model = _model()
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    checkpoint = {
        "state_dict": model.state_dict(),
        "optimizer_states": [optimizer.state_dict()],
        "hparams": {"path": Path("/x"), "custom": Custom({1, 2}), "dtype": torch.float32, "set": {1}},
        "runfork": MARK,
    }
    torch.save(checkpoint, tmp_path / "last.ckpt")

    assert MARK == find_mark_in_checkpoint(tmp_path / "last.ckpt")


class _Bomb:
    def __reduce__(self):
        return (Path.touch, (Path("bomb-went-off"),))


def test_looking_for_a_mark_runs_nothing_that_the_file_asks_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"bomb": _Bomb(), "runfork": MARK}, tmp_path / "last.ckpt")

    assert MARK == find_mark_in_checkpoint(tmp_path / "last.ckpt")
    assert not Path("bomb-went-off").exists()


def test_files_that_are_no_torch_checkpoints_hold_no_mark(tmp_path):
    (tmp_path / "text.ckpt").write_text("hello")
    with zipfile.ZipFile(tmp_path / "other.ckpt", "w") as archive:
        archive.writestr("readme", "hello")
    torch.save([1, 2], tmp_path / "list.ckpt")
    found = [find_mark_in_checkpoint(tmp_path / name) for name in ("text.ckpt", "other.ckpt", "list.ckpt")]

    assert [None, None, None] == found


def test_mark_is_found_in_the_directory_of_a_sharded_checkpoint(tmp_path):
    (tmp_path / "sharded.ckpt").mkdir()
    torch.save({"runfork": MARK}, tmp_path / "sharded.ckpt" / "meta.pt")

    assert MARK == find_mark_in_checkpoint(tmp_path / "sharded.ckpt")


def test_damaged_structure_is_an_error_that_names_itself(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.ckpt", "w") as archive:
        archive.writestr("bad/data.pkl", b"\x80\x02}q\x00(X")

    with pytest.raises((pickle.UnpicklingError, EOFError)):
        find_mark_in_checkpoint(tmp_path / "bad.ckpt")


def test_size_of_a_sharded_checkpoint_is_that_of_all_its_files(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"12")
    (tmp_path / "a" / "b" / "two").write_bytes(b"345")

    assert (5, None) == (size_bytes(str(tmp_path / "a")), size_bytes(str(tmp_path / "gone")))
