"""What runs have of their own and from above: `forks` keeps the lineage, `attributes` works out what every run has.

A run takes over from its parent's values what it can (`from_parent`), and else goes up its lineage (`lineage_view`).
"""
