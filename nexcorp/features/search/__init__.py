"""Search: full text over what a viewer may see."""
