"""The domain: decisions, numbers and measures, without a network."""
