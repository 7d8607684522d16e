"""Automated checks at work: what they read, the runs and follow-ups they judge. Called by tasks; calls no action."""
