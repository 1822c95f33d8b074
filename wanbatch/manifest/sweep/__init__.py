"""From one job of a file to its many."""
