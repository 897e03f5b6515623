"""The store on SQLite and PostgreSQL: commits, races, duplicates, restarts."""
