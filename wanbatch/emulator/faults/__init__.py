"""Faults on order: scripts and their injection."""
