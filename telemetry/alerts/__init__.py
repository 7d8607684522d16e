"""Alerts as other programs send them, made into one plain form. One module for each sender's own format."""
