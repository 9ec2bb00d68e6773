"""API keys: programs that act for a person."""
