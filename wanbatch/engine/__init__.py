"""The run: decides what to do next, does it, records it before going on."""
