"""What every logger and callback of a framework is made of: `Training` makes runs, forks, evaluations and marks of what it is told.

It may import errors, advice, settings, model, journal, disk, hooks, writing.
"""
