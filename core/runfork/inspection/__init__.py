"""Inspecting a data directory, and repairing what can be repaired: what ``runfork fsck`` does."""

from runfork.inspection.findings import Inspection, Note, Problem
from runfork.inspection.repairs import Repairs, repair_store
from runfork.inspection.stores import inspect_store

__all__ = ["Inspection", "Note", "Problem", "Repairs", "inspect_store", "repair_store"]
