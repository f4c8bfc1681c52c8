"""What plugin authors test with: histories, fixtures, the contracts of indexes and of integrations.

It may import everything.
"""
