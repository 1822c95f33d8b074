"""The SQLite ledger: every attempt that was ever paid for, durable before the next
step."""
