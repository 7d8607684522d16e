"""Files made of sessions, post-mortems and lists: rows → one document → a writer for each format."""
