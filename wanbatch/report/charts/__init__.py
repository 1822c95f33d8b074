"""The charts of the report's overview: how long videos took, when, and what they cost."""
