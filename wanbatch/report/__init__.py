"""Ledger to pages: report.json, report.html, posters."""
