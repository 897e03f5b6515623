"""`make bench`: what the gateway costs, side by side with the least it could cost, in one run on the same data."""
