"""The edge: everything that touches a network or a person."""
