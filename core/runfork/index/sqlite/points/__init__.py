"""Points of series in the tables: `writer` stores them, `series` reads one as a run sees it, `buckets` what charts show of it.

`columns` says what the bytes are, `summaries` what statistics are.
"""
