"""A short hash of a model's trainable weights, to recognise weights whose checkpoint carries no mark.

It samples, so that its cost is bounded: at most 64 elements of at most 64 tensors, spread evenly. Saving and loading keep it
bit by bit; one optimizer step changes it. An integration brings the bytes: copying them from a device is the framework's.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_TENSORS = 64
MAX_ELEMENTS = 64

_Item = TypeVar("_Item")


def spread(tensors: Sequence[_Item]) -> list[_Item]:
    """Return at most `MAX_TENSORS` of the tensors, spread evenly."""
    if len(tensors) <= MAX_TENSORS:
        return list(tensors)
    return [tensors[index * len(tensors) // MAX_TENSORS] for index in range(MAX_TENSORS)]


def stride(size: int) -> int:
    """Return the distance between the sampled elements of a flat tensor of `size` elements."""
    return max(1, -(-size // MAX_ELEMENTS))


def is_at_hand(tensor: Any) -> bool:
    """Return whether this process holds a framework's tensor whole and dense: not on the meta device, not sharded, not sparse."""
    is_sharded = hasattr(tensor, "placements") or hasattr(tensor, "ds_id")  # of PyTorch, of DeepSpeed
    if is_sharded or getattr(tensor, "is_meta", False) or not getattr(tensor, "is_fully_addressable", True):
        return False
    layout = str(getattr(tensor, "layout", None))
    return not layout.startswith("torch.") or layout == "torch.strided"


def sample(tensor: Any) -> Any:
    """Return the sampled elements of a tensor, in the order of indices, where it lies; the others are not copied.

    One of torch's that is not contiguous is never flattened, which would copy it.
    """
    size = math.prod(tensor.shape)
    if hasattr(tensor, "is_contiguous") and tensor.is_contiguous():
        return tensor.view(-1)[:: stride(size)]
    import numpy as np

    return tensor[np.unravel_index(np.arange(0, size, stride(size)), tuple(map(int, tensor.shape)))]


def digest(descriptions: Iterable[str], samples: Iterable[bytes]) -> str:
    """Return 32 hex digits.

    Args:
        descriptions: Name, shape and dtype of each sampled tensor.
        samples: The sampled elements' bytes, in any grouping that is always the same.
    """
    found = hashlib.blake2b(digest_size=16)
    for text in descriptions:
        found.update(f"{text};".encode())
    for sample in samples:
        found.update(sample)
    return found.hexdigest()
