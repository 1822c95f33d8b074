"""What is said of videos: one file a check, and ``registry``, which knows them all."""
