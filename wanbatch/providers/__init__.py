"""The APIs: wire formats as pure functions per dialect, and the one place that speaks
HTTP."""
