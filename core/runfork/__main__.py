"""``python -m runfork``: the command line."""

from runfork.cli import main

main()
