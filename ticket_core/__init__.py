"""The domain: no network, no gateway."""
