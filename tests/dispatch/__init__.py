"""Sending: the gate, the outbox, the dispatcher and what providers report."""
