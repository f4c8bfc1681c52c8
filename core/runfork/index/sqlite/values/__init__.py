"""The attributes of each run side by side: `table` keeps them, `reader` reads them, `questions` filters and sorts runs by them.

`shape` says where a run has what, `run_values` holds and changes the values of one run, `arrangement` makes those of many alike.
"""
