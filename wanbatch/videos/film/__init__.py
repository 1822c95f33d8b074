"""Films of many videos: a grid in step, or one after the other."""
