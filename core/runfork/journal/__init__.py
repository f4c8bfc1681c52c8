"""The bytes: `format` and `validation` describe them, `writer` appends, `frame_search` finds, `reader` reads, `repair` mends.

It may import errors, model.
"""
