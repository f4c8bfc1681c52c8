"""What every index must agree on, in plain Python: what records say, where runs come from, what filters and sorts mean."""
