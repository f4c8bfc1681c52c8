"""What an integration of a training framework is made of; it knows no framework.

`training` is the heart: one object per logger or callback that turns "training begins", "this checkpoint was loaded", "a
checkpoint is being written" and "this failed" into runs, forks and marks. `run_slot` holds its present run, `decision` is the
table of what a checkpoint makes of it, `arguments` are what every logger and callback can be told. `boundary` keeps mistakes of
an integration away from training.
"""
