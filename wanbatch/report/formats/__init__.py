"""A report as a page, tables, JUnit and JSON."""
