"""Where things lie and who is alive: the data directory, files, fingerprints, the place of the index, processes.

It may import errors, types, model, journal.
"""
