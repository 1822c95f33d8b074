"""Prompt templates: parsing, the sandbox, evaluation."""
