"""How a local file reaches a provider."""
