"""Object stores: where videos and a shared ledger may live."""
