"""CSV, JSON and JSONL as rows."""
