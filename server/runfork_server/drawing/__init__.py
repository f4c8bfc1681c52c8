"""What a chart draws: series on one grid, by step or time, with roles, forks, pruned tails, outliers and smoothing.

It is composed of two of an index's read shapes, buckets and points, and knows nothing of HTTP.
"""
