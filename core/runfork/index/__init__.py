"""What is derived from journals, and can be made anew: `interface` says what an index offers, `rules` what each must agree on.

`memory` is the plain reference, `sqlite` the one that readers keep in a file. It may import errors, types, model, journal.
"""
