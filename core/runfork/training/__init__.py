"""What every logger and callback is made of: from what a framework says to runs, forks and marks.

It may import errors, advice, settings, model, journal, disk, hooks, writing.
"""
