"""Adapters written from docs/adapters.md alone, to prove the guide and the kit."""
