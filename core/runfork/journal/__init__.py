"""The bytes: how records lie in a journal, how they are appended, read and mended.

It may import errors, model.
"""
