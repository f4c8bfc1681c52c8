"""Inspecting a data directory, and repairing what can be repaired: what ``runfork fsck`` does."""

from runfork.reading.fsck.findings import Inspection, Note, Problem
from runfork.reading.fsck.repairs import Repairs, repair_store
from runfork.reading.fsck.stores import inspect_store

__all__ = ["Inspection", "Note", "Problem", "Repairs", "inspect_store", "repair_store"]
