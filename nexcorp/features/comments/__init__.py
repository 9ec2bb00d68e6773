"""Comments: what people say to a post."""
