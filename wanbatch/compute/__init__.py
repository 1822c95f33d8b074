"""The work pool: threads, or the workers of a Dask cluster."""
