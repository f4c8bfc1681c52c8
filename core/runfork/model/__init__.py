"""The rules: what a path, a value, a step, a filter, a mark and a lineage are, without I/O, lock or thread.

It may import errors, types.
"""
