"""The index in memory: the plain reference, which other indexes are compared with. It works out each answer from all records."""

from runfork.index.memory.index import MemoryIndex

__all__ = ["MemoryIndex"]
