"""When to ask again about what runs."""
