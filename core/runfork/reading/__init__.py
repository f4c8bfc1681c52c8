"""The reader's side: bringing an index up to date from journals, states of runs, families of forks, what is damaged.

It may import errors, settings, model, journal, disk, index, plugins.
"""
