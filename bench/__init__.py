"""Measures the service against what the same machine does without it; see bench/README.md."""
