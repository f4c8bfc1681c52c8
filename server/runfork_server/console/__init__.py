"""The console of a run: the lines of all its streams and processes in one order, and what progress bars looked like before.

It reads string series on the clock axis, and knows nothing of HTTP.
"""
