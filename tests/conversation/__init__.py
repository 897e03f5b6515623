"""Conversations from the words to the tickets and the replies."""
