"""Ports in memory, for simulations and for the tests of those who bring a dialect.

What it may not do: be imported by the rest of the house. Each stands behind the same
interface as the real one.
"""
