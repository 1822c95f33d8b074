"""Stands before the real one in the paths of the commands that tests start; see
``conftest``."""

raise ImportError("a user of wanbatch has no trio")
