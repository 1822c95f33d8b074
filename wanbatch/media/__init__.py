"""Inputs: what a media file really is, whether the API takes it, and how it reaches the
API."""
