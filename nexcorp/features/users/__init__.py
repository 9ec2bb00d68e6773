"""People: profiles, finding them, roles and what they allow, leaving, the export of their data."""
