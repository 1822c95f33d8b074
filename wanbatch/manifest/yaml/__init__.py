"""From bytes to nodes with places."""
