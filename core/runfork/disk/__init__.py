"""Where things lie and who is alive: the data directory, logged files, marks by fingerprint, the index, processes.

It may import errors, types, model, journal.
"""
