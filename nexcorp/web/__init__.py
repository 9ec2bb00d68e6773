"""What every handler shares: errors, authentication, parsing, paging, idempotency, documents."""
