"""The commands: each reads as a list of stages."""
