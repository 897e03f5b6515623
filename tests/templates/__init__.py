"""Tests of the notices and of what renders them."""
