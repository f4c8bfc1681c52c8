"""What Accelerate does not promise and we use is still there."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import pytest
from tests.integrations.private_names import PrivateName, check

pytest.importorskip("accelerate")

import torch
from accelerate import Accelerator, tracking

from runfork.training.call_stack import OngoingCall
from runfork_hf.accelerate.description import prepared_models, prepared_optimizers
from runfork_hf.accelerate.first_weights import unwrapped
from runfork_hf.accelerate.state_hooks import accelerator_above, find_load

pytestmark = pytest.mark.filterwarnings("ignore")


class Watcher(tracking.GeneralTracker):  # type: ignore[misc]
    name = "watcher"
    requires_logging_directory = False

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    @property
    def tracker(self):
        return None

    def start(self):
        self.seen.callers["start"] = accelerator_above()

    def store_init_configuration(self, values):
        self.seen.callers["store_init_configuration"] = accelerator_above()

    def log(self, values, step=None, **options):
        self.seen.callers["log"] = accelerator_above()


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What an Accelerator shows that has prepared, saved, loaded, and failed to load."""
    folder = tmp_path_factory.mktemp("seen")
    found = SimpleNamespace(callers={}, calls=[], running=[])
    found.tracker = Watcher(found)

    def before_load(_models, _folder):
        found.calls.append(OngoingCall(find_load()))
        found.running.append(found.calls[-1].outcome)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        accelerator = found.accelerator = Accelerator(cpu=True, log_with=found.tracker)
        accelerator.register_load_state_pre_hook(before_load)
        model = torch.nn.Linear(2, 1)
        found.model, found.optimizer = model, torch.optim.SGD(model.parameters(), lr=0.1)
        accelerator.prepare(model, found.optimizer)
        accelerator.init_trackers("seen", config={"lr": 0.1})
        accelerator.log({"loss": 1.0})
        accelerator.save_state(str(folder))
        accelerator.load_state(str(folder))
        (folder / "model.safetensors").write_bytes(b"cut off")
        with pytest.raises(Exception, match="."):
            accelerator.load_state(str(folder))
    return found


NAMES = [
    PrivateName(
        "Accelerator._models",
        "fingerprints, descriptions of models, and telling evaluations (description.prepared_models)",
        lambda seen: [unwrapped(one) for one in prepared_models(seen.accelerator)] == [seen.model],
    ),
    PrivateName(
        "Accelerator._optimizers, and AcceleratedOptimizer.optimizer",
        "optimizer/, and whose step trains the models (description.prepared_optimizers)",
        lambda seen: prepared_optimizers(seen.accelerator)[-1] is seen.optimizer,
    ),
    PrivateName(
        "Accelerator.log_with is a list of what was given",
        "telling trackers that the user made from those that Accelerate makes (StateHooks.was_given)",
        lambda seen: any(one is seen.tracker for one in seen.accelerator.log_with),
    ),
    PrivateName(
        "the frame of an Accelerator's method has the Accelerator as self",
        "finding the Accelerator that a tracker is called by (state_hooks.accelerator_above)",
        lambda seen: seen.callers["store_init_configuration"] is seen.accelerator is seen.callers["log"],
    ),
    PrivateName(
        "GeneralTracker.start is called by init_trackers where it is there",
        "a tracker finds its Accelerator without a config (TrackerMethods.start)",
        lambda seen: not hasattr(tracking.GeneralTracker, "start") or seen.callers["start"] is seen.accelerator,
    ),
    PrivateName(
        "the frame of load_state is above its pre-hooks",
        "a state that could not be loaded makes no fork (state_hooks.find_load)",
        lambda seen: seen.running == ["running"] * 2 and [one.outcome for one in seen.calls] == ["returned", "raised"],
    ),
    PrivateName(
        "accelerate.tracking.LOGGER_TYPE_TO_CLASS beside register_tracker_class",
        'log_with="runfork" (for_accelerate.register_tracker)',
        lambda _seen: (
            not hasattr(tracking, "register_tracker_class")
            or tracking.LOGGER_TYPE_TO_CLASS["wandb"] is tracking.WandBTracker
        ),
    ),
    PrivateName(
        "accelerate.utils.extract_model_from_parallel, and torch's OptimizedModule._orig_mod",
        "the same fingerprint of a compiled model (first_weights.unwrapped)",
        lambda seen: unwrapped(torch.compile(seen.model)) is seen.model,
    ),
]


@pytest.mark.parametrize("one", NAMES, ids=str)
def test_accelerate_still_has(one, seen):
    check("accelerate", one, seen)
