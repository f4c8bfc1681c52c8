"""Configurations of OmegaConf: what is missing or leads nowhere costs itself alone."""

import pytest
from omegaconf import OmegaConf

from runfork.errors import RunforkWarning
from runfork.testing.journals import configs_of


def test_what_is_missing_costs_itself_alone(run):
    config = OmegaConf.create(
        {
            "lr": 0.1,
            "name": "???",
            "model": {"width": 3, "depth": "${nowhere}"},
            "same": "${lr}",
            "layers": [1, "???", 2],
        }
    )
    with pytest.warns(RunforkWarning) as told:
        run.log_configs({"config": config, "beside": 1})
        run.log_configs(config)
    found = configs_of(run.directory)

    assert (0.1, 3, 0.1, 1) == tuple(
        found[path] for path in ("config/lr", "config/model/width", "config/same", "beside")
    )
    assert (0.1, 3) == (found["lr"], found["model/width"])
    sentences = [str(one.message) for one in told]
    assert any("'config/name'" in one for one in sentences)
    assert any("'config/model/depth'" in one for one in sentences)
    assert not {"config/name", "config/model/depth"} & found.keys()
