"""One gateway with many kinds of channels at once, each with its provider at the other end of a line that can die."""
