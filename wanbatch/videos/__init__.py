"""The videos on disk: names, folders, stills."""
