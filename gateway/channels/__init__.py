"""Adapters: how complaints come in and notices go out."""
