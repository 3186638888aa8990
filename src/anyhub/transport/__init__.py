"""Moving bytes: HTTP downloads, archives, progress."""
