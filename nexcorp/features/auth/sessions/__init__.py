"""Accounts, sign-in, devices and tickets."""
