"""From a message as it was sent to a draft the core understands."""
