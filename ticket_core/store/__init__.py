"""One storage code for SQLite and PostgreSQL."""
