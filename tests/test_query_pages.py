"""What a page of runs shows where nothing was asked for."""

from __future__ import annotations

from runfork.index.interface import Definition
from runfork.query.pages import choose_metrics, choose_settings


def test_default_columns_are_what_a_training_is_about():
    names = (
        "checkpoints/size_bytes eval/loss eval/runtime eval/samples_per_second throughput/steps_per_second train/epoch "
        "train/grad_norm train/learning_rate train/loss train/total_flos"
    ).split()
    metrics = [Definition(name, "float_series", 2 if name.startswith("train") else 3) for name in names]

    assert [one.path for one in choose_metrics(metrics)] == [
        "eval/loss",
        "train/loss",
        "train/grad_norm",
        "train/learning_rate",
    ]
    assert [one.path for one in choose_metrics([metrics[2], metrics[0]])] == ["eval/runtime", "checkpoints/size_bytes"]


def test_what_few_runs_have_is_no_default_column_but_the_loss_that_is_trained_on():
    common, rare = Definition("val/acc", "float_series", 100), Definition("layers/000/norm", "float_series", 24)
    loss = Definition("train/loss", "float_series", 2)

    assert [one.path for one in choose_metrics([rare, loss, common])] == ["val/acc", "train/loss"]
    assert [one.path for one in choose_metrics([rare])] == ["layers/000/norm"]


def test_settings_that_most_runs_have_are_default_columns_by_how_well_they_are_known():
    configs = [
        Definition("model/depth", "int", 40),
        Definition("optimizer", "string", 40),
        Definition("hparams/batch_size", "int", 39),
        Definition("config/trainer/lr", "float", 38),
        Definition("lr", "float", 40),
        Definition("train/learning_rate", "float_series", 40),
        Definition("weight_decay", "float", 3),
        Definition("sys/model", "string", 40),
    ]

    assert [one.path for one in choose_settings(configs)] == ["lr", "hparams/batch_size"]
    assert [one.path for one in choose_settings(configs, most=9)] == ["lr", "hparams/batch_size", "optimizer"]
    assert choose_settings([]) == []
