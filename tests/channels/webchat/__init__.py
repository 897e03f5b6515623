"""The web chat: visitors' tokens, what their pages push, what they hear, and the pages in a browser."""
