"""The webhook with a configured field map."""
