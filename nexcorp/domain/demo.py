"""Who is in the demo company, for whoever makes it and for whoever shows how to get in."""

DEMO_PASSWORD = "correct-horse-battery"  # noqa: S105 - printed to whoever runs the demo
# Those whose names the sign-in form offers in development: an administrator, a manager, a member.
DEMO_USERNAMES = ("ada", "grace", "linus")
