"""The commands: each reads its options, calls an operation, and words the result."""
