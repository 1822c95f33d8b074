"""One ledger for several machines, through an object store: lease, segments, snapshots.

``door`` is what the rest of the house uses.
"""
