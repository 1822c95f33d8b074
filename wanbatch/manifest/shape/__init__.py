"""The JSON Schema, and what it says in words."""
