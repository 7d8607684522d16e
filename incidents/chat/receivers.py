"""Hears what the actions did."""
