"""Makes ``docs/reference/`` of what the program says of itself: commands from click,
codes from their register, fields from the schemas."""
