"""Mails as bytes, read as a person would read them."""
