"""What every index must agree on: what records say, where runs come from, what filters, sorts and buckets mean."""
