"""Training with Lightning and saving checkpoints, in as few words as tests want to use."""

from __future__ import annotations

from pathlib import Path


def fit(lightning, run_id, *savers, checkpoint=None, model=None, own_logger=None, validation=16, **options):
    """Train with a logger of its own; returns trainer and logger."""
    own_logger = own_logger or lightning.logger(run_id=run_id)
    trainer = lightning.trainer(own_logger, callbacks=list(savers), **options)
    loaders = (lightning.loader(), lightning.loader(validation)) if validation else (lightning.loader(),)
    trainer.fit(model or lightning.model(), *loaders, ckpt_path=checkpoint)
    return trainer, own_logger


def saver(lightning, **options):
    return lightning.L.callbacks.ModelCheckpoint(dirpath="saved", save_top_k=-1, **options)


def saved() -> list[Path]:
    return sorted(Path("saved").glob("*.ckpt"), key=lambda path: path.stat().st_mtime_ns)
