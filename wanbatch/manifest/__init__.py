"""Text to jobs: reads manifests, checks them, expands sweeps. Pure but for reading the
files a manifest names."""
