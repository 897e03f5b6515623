"""Every decision as a pure function of state, input, profile and time."""
