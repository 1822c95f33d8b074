"""The three protocols the emulator speaks."""
