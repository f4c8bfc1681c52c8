"""The command line: a file per command in `commands/`, charts, trees and tables in `drawing/`, and what commands share beside them.

It may import errors, types, settings, model, journal, disk, index, hooks, plugins, writing, reading, query.
"""

from runfork.cli.group import cli, main

__all__ = ["cli", "main"]
