"""Post-mortems that were written elsewhere: files read, recognised, planned, and only then taken in."""
