"""The charts of the overview: how long videos took, when, and what they cost."""
