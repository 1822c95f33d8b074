"""wanbatch: the declarative batch runner for video generation with wan2.7-i2v."""

__version__ = "0.2.0"
