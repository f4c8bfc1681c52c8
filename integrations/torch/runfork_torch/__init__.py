"""What runfork knows of torch, for every integration that trains torch modules, and for training loops of your own.

Importing this package does not import torch.
"""

from __future__ import annotations

from runfork_torch.checkpoint_files import find_mark_in_checkpoint
from runfork_torch.data_description import describe_loader
from runfork_torch.fingerprint import fingerprint
from runfork_torch.gradients import gradient_norms
from runfork_torch.model_description import describe_model
from runfork_torch.optimizer_description import describe_optimizers, learning_rates

__all__ = [
    "describe_loader",
    "describe_model",
    "describe_optimizers",
    "find_mark_in_checkpoint",
    "fingerprint",
    "gradient_norms",
    "learning_rates",
]
