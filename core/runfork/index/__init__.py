"""The derived side: what an index offers and the rules it keeps, the plain one in memory, and the one in SQLite.

It may import errors, types, model, journal.
"""
