"""The values that rooms hand each other; no room's work is done here."""
