"""Every adapter, against real servers."""
