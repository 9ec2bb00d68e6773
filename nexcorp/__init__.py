"""NexCorp Connect: the backend for a company's inner life."""

__version__ = "0.1.0"
