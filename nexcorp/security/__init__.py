"""Authentication, permissions, rate limits, and the keys behind them."""
