"""CSV, workbooks, JSON and JSONL as rows."""
