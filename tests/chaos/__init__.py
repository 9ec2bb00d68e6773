"""The ledger test: kill processes at random, then prove that no acknowledged write was lost."""
