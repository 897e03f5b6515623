"""From a message as it was sent to values the core understands."""
