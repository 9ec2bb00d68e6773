"""Identity: accounts, sign-ins, sessions, one-time tickets."""
