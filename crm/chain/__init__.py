"""The audit chain: what is written into a ledger is sealed, and an edit of it is found."""
