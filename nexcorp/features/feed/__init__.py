"""The feed: what the people one follows publish."""
