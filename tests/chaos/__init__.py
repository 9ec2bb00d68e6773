"""The ledger test: kill everything at random, then prove that nothing acknowledged was lost."""
