"""What runs have of their own and from above: `forks` keeps the lineage, `attributes` works out what every run has.

`run_view` lays what a run logged over what its parent has, or else goes up its lineage by `lineage_view`.
"""
