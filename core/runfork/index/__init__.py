"""The index: what readers derive from journals. It can be deleted at any time and is rebuilt.

`interface` says what every index offers, `memory` is the plain reference, `sqlite` the one that serves.
"""
