"""Measures the service against its floors: the same work without it; see bench/README.md."""
