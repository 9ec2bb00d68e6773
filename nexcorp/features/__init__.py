"""What the product does, a folder each, none knowing another."""
