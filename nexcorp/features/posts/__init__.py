"""Posts: what people publish."""
