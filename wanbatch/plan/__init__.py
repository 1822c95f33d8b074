"""Jobs and what the ledger knows, to a plan: identity, price, selection, an action and
a reason for every job. Pure."""
