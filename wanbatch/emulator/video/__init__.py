"""How the emulator draws a video."""
