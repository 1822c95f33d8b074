"""The pictures and sounds of the examples, drawn and played by code."""
