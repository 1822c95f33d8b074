"""How fast, and for how much, tasks are submitted."""
