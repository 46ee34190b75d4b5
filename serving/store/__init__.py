"""The store: predictions and API keys, in SQLite or PostgreSQL."""
