"""Citizen pages, console and JSON API."""
