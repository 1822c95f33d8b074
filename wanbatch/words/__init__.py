"""What every room says and writes with: errors, findings, quoting, files."""
